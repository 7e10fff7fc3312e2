"""Reads the plays of the topic, and lets those wait that are to be sent.

Delivery: at least once (:mod:`segue.storage.kafka_group`): the places in the topic are kept after the plays
of a batch wait in the database. A play that is read again is known by the id of its event.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from segue.catalog.full_tracks import FullTrack, FullTracks
from segue.people.app_log_in import FROM_PROGRAMS
from segue.plays.event import fault
from segue.plays.event_types import ENDS, START
from segue.scrobbling.connections import Connection, ScrobbleConnections
from segue.scrobbling.heard import ScrobbledSong, began_at, is_heard, song_of
from segue.scrobbling.outbox import Scrobbles
from segue.settings import Settings, milliseconds
from segue.storage.kafka_records import flat_object
from segue.storage.store import Store

GROUP = "scrobbles"
"""Ending of the consumer group's name, after that of the topic: several installations may share a cluster."""


def group_of(plays_topic: str) -> str:
    """The name of the consumer group that reads a topic of plays."""
    return f"{plays_topic}.{GROUP}"


class Playing(Protocol):
    """Takes the songs that have begun."""

    def note(self, connection: Connection, song: ScrobbledSong, *, at: int) -> None:
        """A listener with a connection has begun a song at `at`, epoch ms."""


class Reading:
    """Takes the plays of batches."""

    def __init__(self, store: Store, settings: Settings, *, playing: Playing | None = None) -> None:
        """`playing` is told which songs have begun."""
        self._playing = playing
        self._connections, self._scrobbles = ScrobbleConnections(store), Scrobbles(store)
        self._tracks = FullTracks(store)
        self._ahead_ms = milliseconds(settings.stream.max_clock_skew)

    def since(self) -> int | None:
        """The time before which no play is sent, epoch ms: that of the first connection."""
        first = self._connections.first_at()
        return None if first is None else round(first.timestamp() * 1000)

    def take(self, values: Iterable[bytes]) -> int:
        """Take the records of a batch, in their order; returns how many scrobbles wait from now on."""
        found = [play for value in values if (play := _play(value)) is not None]
        connections: defaultdict[str, list[Connection]] = defaultdict(list)
        for one in self._connections.of_several({play["user_id"] for play in found}) if found else ():
            connections[one.user_id].append(one)
        ours = [play for play in found if play["user_id"] in connections]
        tracks = self._tracks.full({play["track_id"] for play in ours}) if ours else {}
        return sum(self._take(play, connections[play["user_id"]], tracks) for play in ours)

    def _take(
        self, play: Mapping[str, Any], connections: Sequence[Connection], tracks: Mapping[str, FullTrack]
    ) -> int:
        session = hashlib.sha256(play["session_id"].encode()).hexdigest()[:32]
        user_id, track_id = play["user_id"], play["track_id"]
        from_program = play["session_id"].startswith(FROM_PROGRAMS)
        wanted = [
            one
            for one in connections
            if play["occurred_at"] >= one.connected_at.timestamp() * 1000
            and (one.from_programs or not from_program)
        ]
        track = tracks.get(track_id)
        if play["type"] == START:
            self._scrobbles.begin(user_id, session, track_id=track_id, at=play["occurred_at"])
            if self._playing and track and (song := song_of(track)):
                for one in wanted:
                    self._playing.note(one, song, at=play["occurred_at"])
            return 0
        if track is None or not is_heard(play, length_ms=track.summary.duration_ms):
            return 0
        song = song_of(track)
        if song is None or play["occurred_at"] > round(time.time() * 1000) + self._ahead_ms:
            return 0
        begun = self._scrobbles.begun_at(user_id, session, track_id=track_id)
        at = began_at(play, begun_at=begun)
        return sum(
            self._scrobbles.add(one.connection_id, play["event_id"], user_id=user_id, at=at, song=song)
            for one in wanted
        )


def _play(value: bytes) -> dict[str, Any] | None:
    """The play of a record, if it begins or ends a listening."""
    play = flat_object(value)
    if play is None or fault(play) is not None or play["type"] not in (START, *ENDS):
        return None
    return play
