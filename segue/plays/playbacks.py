"""The last listening of each app of a listener: the collection `playbacks`.

It says which song each app plays now, and lets the next report of an app end the listening before it. It also
has the app's last events, for answers that cannot wait for the stream.

Delivery: one document for each listener and app, with a version. A report is stored after its events were
sent, so that a report that failed can be repeated; the ids of the events are then the same. Of two reports at
the same time, the second is applied to the result of the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NotRequired, TypedDict

from segue.plays.playback import Change, Playback, State
from segue.storage.mongo import DESCENDING, Document, DuplicateKeyError
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

KEPT = timedelta(days=1)
"""How long the last listening of an app is kept."""
_SHOWN_WITHOUT_LENGTH = timedelta(minutes=10)
_MOST_SHOWN = 200
_LONGEST_CLIENT = 128
_ATTEMPTS = 5
_MOST_SENT = 40
_FIELDS = (
    "track_id",
    "duration_ms",
    "began_at",
    "state",
    "position_ms",
    "reported_at",
    "rate",
    "played_ms",
    "counts",
    "ended",
    "by_reports",
    "end",
    "submitted_at",
)


class StoredListening(TypedDict):
    """A listening of an app."""

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
    """Whether the reports count."""
    ended: bool
    """Whether the listening has ended."""
    by_reports: bool
    """Whether the app reports its position."""
    end: NotRequired[str | None]
    """Type of the event that ended it; none if none was sent."""
    submitted_at: NotRequired[Count | None]
    """The time with which the app has submitted the track, epoch ms."""


class SentEvent(TypedDict):
    """An event of an app that was sent to the stream."""

    track_id: str
    """The track's id."""
    type: str
    """Type of the event."""
    at: Count
    """When it happened, epoch ms."""
    ms_played: Count
    """How long the track was played."""
    duration_ms: Count
    """Length of the track; 0 if it is unknown."""


class StoredPlayback(StoredListening):
    """A document of `playbacks`."""

    _id: str
    """"<user id>:<digest of the app>"."""
    user_id: str
    """The listener's id."""
    name: str | None
    """Name of the listener's account."""
    client: str
    """Name of the app."""
    former: NotRequired[list[StoredListening]]
    """The app's listenings before, the latest first."""
    sent: NotRequired[list[SentEvent]]
    """The app's last events, the latest last."""
    version: NotRequired[Count]
    """How often the document was written."""
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
    """The last listenings of each music app; MongoDB removes them after a day."""

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

    def follow(
        self,
        user_id: str,
        name: str | None,
        client: str,
        step: Callable[[Playback | None], Sequence[Change]],
        *,
        send: Callable[[Sequence[Mapping[str, Any]]], object],
    ) -> None:
        """Apply an app's reports to its last listening, send their events, and store the new listening.

        Parameters
        ----------
        step
            The changes after a listening. It is called again if another request has changed the listening
            since; the events then have the same ids.
        send
            Sends events. If it fails, nothing is stored.
        """
        for _ in range(_ATTEMPTS):
            before = self.of(user_id, client)
            changes = step(before)
            events = [event for change in changes for event in change.events]
            send(events)
            last = changes[-1].playback if changes else before
            if last is None or (last is before and not events):
                return
            if self.keep(user_id, name, client, last, sent=events):
                return

    def keep(
        self,
        user_id: str,
        name: str | None,
        client: str,
        playback: Playback,
        *,
        sent: Sequence[Mapping[str, Any]] = (),
    ) -> bool:
        """Store the last listening of an app and its sent events; False if another was stored since."""
        changed: Document = {
            "user_id": user_id,
            "name": name,
            "client": client[:_LONGEST_CLIENT],
            **_listening(playback),
            "former": [_listening(one) for one in playback.former],
            "version": playback.version + 1,
            "updated_at": datetime.now(UTC),
        }
        change: Document = {"$set": changed}
        if sent:
            change["$push"] = {"sent": {"$each": [_sent(one) for one in sent], "$slice": -_MOST_SENT}}
        # Documents of earlier versions have no version.
        version = playback.version or {"$in": [0, None]}
        try:
            written = self.documents.update_one(
                {"_id": _id(user_id, client), "version": version}, change, upsert=not playback.version
            )
        except DuplicateKeyError:
            return False
        return bool(written.matched_count) or written.upserted_id is not None

    def sent(self, user_id: str, *, since: int) -> list[SentEvent]:
        """The last events of a listener's apps from a time (epoch ms) on."""
        found = self.documents.find({"user_id": user_id}, {"sent": 1}).limit(_MOST_SHOWN)
        return [event for one in found for event in one.get("sent", ()) if event["at"] >= since]

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


def _listening(playback: Playback) -> Document:
    return {name: getattr(playback, name) for name in _FIELDS}


def _sent(event: Mapping[str, Any]) -> SentEvent:
    return SentEvent(
        track_id=event["track_id"],
        type=event["type"],
        at=event["occurred_at"],
        ms_played=event["ms_played"],
        duration_ms=event["duration_ms"],
    )


def _playback(stored: StoredPlayback) -> Playback:
    return replace(
        _of(stored),
        former=tuple(_of(one) for one in stored.get("former", ())),
        version=stored.get("version", 0),
    )


def _of(stored: StoredListening) -> Playback:
    # Large whole numbers come as a type of bson, which is none of the fields of an event.
    state: State = stored["state"]
    submitted_at = stored.get("submitted_at")
    return Playback(
        track_id=stored["track_id"],
        duration_ms=int(stored["duration_ms"]),
        began_at=int(stored["began_at"]),
        state=state,
        position_ms=int(stored["position_ms"]),
        reported_at=int(stored["reported_at"]),
        rate=stored["rate"],
        played_ms=int(stored["played_ms"]),
        counts=stored["counts"],
        ended=stored["ended"],
        by_reports=stored["by_reports"],
        end=stored.get("end"),
        submitted_at=None if submitted_at is None else int(submitted_at),
    )
