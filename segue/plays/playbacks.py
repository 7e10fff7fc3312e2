"""The last listening of each app of a listener: the collection `playbacks`.

It says which song each app plays now, and lets the next report of an app end the listening before it.

Delivery: one document for each listener and app. A report is stored after its events were sent, so that a
report that failed can be repeated; the ids of the events are then the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict

from segue.plays.playback import Playback, State
from segue.storage.mongo import DESCENDING, Document
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

KEPT = timedelta(days=1)
"""How long the last listening of an app is kept."""
_SHOWN_WITHOUT_LENGTH = timedelta(minutes=10)
_MOST_SHOWN = 200
_LONGEST_CLIENT = 128


class StoredPlayback(TypedDict):
    """A document of `playbacks`."""

    _id: str
    """"<user id>:<digest of the app>"."""
    user_id: str
    """The listener's id."""
    name: str | None
    """Name of the listener's account."""
    client: str
    """Name of the app."""
    track_id: str
    """The track's id."""
    duration_ms: Count
    """Length of the track; 0 if it is unknown."""
    began_at: Count
    """When the listening began, epoch ms."""
    state: Literal["starting", "playing", "paused", "stopped"]
    """State of the player."""
    position_ms: Count
    """Position in the track at the last report."""
    reported_at: Count
    """When the app last reported, epoch ms."""
    rate: float
    """Speed of the playback; 1 is normal."""
    played_ms: Count
    """How long the track was played."""
    counts: bool
    """Whether the listening counts."""
    ended: bool
    """Whether the listening has ended."""
    by_reports: bool
    """Whether the app reports its position."""
    updated_at: datetime
    """When the document was written."""


@dataclass(frozen=True, kw_only=True)
class NowPlaying:
    """A track that somebody hears now."""

    user_id: str
    name: str | None
    client: str
    playback: Playback


class Playbacks(Collection[StoredPlayback]):
    """The last listening of each app; MongoDB removes them after a day."""

    name = "playbacks"
    policy = Policy(
        computed=True,
        personal=Personal(owner=("user_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("updated_at", keep=KEPT), Index.on("user_id"))

    def of(self, user_id: str, client: str) -> Playback | None:
        """The last listening of an app; None if none is known."""
        found = self.documents.find_one({"_id": _id(user_id, client)})
        return _playback(found) if found else None

    def keep(self, user_id: str, name: str | None, client: str, playback: Playback) -> None:
        """Store the last listening of an app."""
        document: Document = {
            "user_id": user_id,
            "name": name,
            "client": client[:_LONGEST_CLIENT],
            **vars(playback),
            "updated_at": datetime.now(UTC),
        }
        self.documents.update_one({"_id": _id(user_id, client)}, {"$set": document}, upsert=True)

    def now(self, user_ids: Iterable[str], *, at: datetime) -> list[NowPlaying]:
        """The tracks that these listeners hear at a time, the last begun first."""
        wanted = {"user_id": {"$in": list(user_ids)}, "state": {"$ne": "stopped"}}
        found = self.documents.find(wanted).sort("updated_at", DESCENDING).limit(_MOST_SHOWN)
        heard = [
            NowPlaying(
                user_id=one["user_id"], name=one["name"], client=one["client"], playback=_playback(one)
            )
            for one in found
        ]
        return [one for one in heard if _is_heard(one.playback, round(at.timestamp() * 1000))]


def _is_heard(playback: Playback, now: int) -> bool:
    """Whether a track still plays: until its end, and no report of a stop."""
    if playback.ended and playback.by_reports:
        return False
    length = playback.duration_ms or round(_SHOWN_WITHOUT_LENGTH.total_seconds() * 1000)
    return now < playback.reported_at + max(0, length - playback.position_ms)


def _id(user_id: str, client: str) -> str:
    return f"{user_id}:{hashlib.sha256(client.encode()).hexdigest()[:24]}"


def _playback(stored: StoredPlayback) -> Playback:
    state: State = stored["state"]
    return Playback(
        track_id=stored["track_id"],
        duration_ms=stored["duration_ms"],
        began_at=stored["began_at"],
        state=state,
        position_ms=stored["position_ms"],
        reported_at=stored["reported_at"],
        rate=stored["rate"],
        played_ms=stored["played_ms"],
        counts=stored["counts"],
        ended=stored["ended"],
        by_reports=stored["by_reports"],
    )
