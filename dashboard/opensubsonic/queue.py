"""Endpoints of the play queue: the listener's one, which the web player shows, too."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic import finding, ids, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, invalid, missing
from segue.playlists.queues import LONGEST, Queue, QueuedTrack, Queues

_ATTEMPTS = 5
_TAB = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def play_queue(call: Call) -> Content:
    queue, songs, at = _stored(call)
    current = {"current": songs[at]["id"]} if songs else {}
    return {"playQueue": {**current, **_head(call, queue), "entry": songs}}


def play_queue_by_index(call: Call) -> Content:
    queue, songs, at = _stored(call)
    current = {"currentIndex": at} if songs else {}
    return {"playQueueByIndex": {**current, **_head(call, queue), "entry": songs}}


def save(call: Call) -> Content:
    """`current` is the id of a song; of several equal ones, the first is meant."""
    tracks = _tracks(call)
    current = call.parameters.given("current")
    if tracks and current is None:
        raise missing("current")
    places = [place for place, track in enumerate(tracks) if track.track_id == ids.parse(current or "").key]
    if tracks and not places:
        raise invalid("current", "it must be one of the songs")
    _keep(call, tracks, at=places[0] if tracks else 0)
    return {}


def save_by_index(call: Call) -> Content:
    tracks = _tracks(call)
    at = call.parameters.optional_whole("currentIndex")
    if tracks and at is None:
        raise missing("currentIndex")
    if tracks and not 0 <= (at or 0) < len(tracks):
        raise invalid("currentIndex", "it must be the place of one of the songs, from 0")
    _keep(call, tracks, at=at or 0 if tracks else 0)
    return {}


def _tracks(call: Call) -> list[FullTrack]:
    texts = call.parameters.filled("id")
    if len(texts) > LONGEST:
        raise ProtocolError(Code.GENERIC, f"A queue holds {LONGEST} songs at most.")
    return finding.in_order(call, texts)


def _keep(call: Call, tracks: Sequence[FullTrack], *, at: int) -> None:
    queues, position = Queues(call.server.store), call.parameters.whole("position", 0)
    listed = [
        QueuedTrack(key=secrets.token_hex(6), track_id=track.track_id, source="app", queued=True)
        for track in tracks
    ]
    for _ in range(_ATTEMPTS):
        before = queues.read(call.user_id)
        kept = queues.keep(
            call.user_id,
            listed,
            at=at,
            position_ms=position,
            player=call.caller.client,
            version=before.version if before else 0,
        )
        if kept is not None:
            return
    raise ProtocolError(Code.GENERIC, "The queue was changed elsewhere at the same time: try again.")


def _stored(call: Call) -> tuple[Queue | None, list[shapes.Shape], int]:
    """The stored queue, its playable songs, and the place of the present one among them."""
    queue = Queues(call.server.store).read(call.user_id)
    if queue is None:
        return None, [], 0
    known = call.server.tracks.full(track["track_id"] for track in queue.tracks)
    kept = [place for place, track in enumerate(queue.tracks) if track["track_id"] in known]
    songs = shapes.songs(call, [known[queue.tracks[place]["track_id"]] for place in kept])
    at = sum(place < queue.at for place in kept)
    return queue, songs, max(0, min(at, len(songs) - 1))


def _head(call: Call, queue: Queue | None) -> shapes.Shape:
    """The facts about a queue; a listener who has none has an empty one."""
    return {
        "position": queue.position_ms if queue else 0,
        "username": call.caller.name,
        "changed": queue.changed_at if queue else datetime.fromtimestamp(0, UTC),
        "changedBy": _changer(queue.player) if queue else "",
    }


def _changer(player: str) -> str:
    """The name of an app; the web player stores the id of its tab."""
    return "Segue" if _TAB.fullmatch(player) else player


ENDPOINTS: dict[str, Endpoint] = {
    "getPlayQueue": play_queue,
    "getPlayQueueByIndex": play_queue_by_index,
    "savePlayQueue": save,
    "savePlayQueueByIndex": save_by_index,
}
