"""The plays that are to be sent to a service, until it has them.

Delivery: a scrobble is inserted once, under the id of the event that ended the listening, and stays for a
week after it was sent, so that a play that is read from Kafka again is not sent again. Between a delivery and
its mark, a crash sends it once more, with the same time, by which the service knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NotRequired, TypedDict

from segue.clock import now
from segue.scrobbling.heard import ScrobbledSong
from segue.storage.mongo import DuplicateKeyError
from segue.storage.records import EpochMs
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

State = Literal["begun", "waiting", "sent", "refused"]
BEGUN_KEPT, WAITING_KEPT, DONE_KEPT = timedelta(days=1), timedelta(days=90), timedelta(days=7)
"""How long a listening without an end, a scrobble that waits, and one that was sent or refused are kept."""


class StoredScrobble(TypedDict):
    """A document of `scrobbles`."""

    _id: str
    """"<connection>:<event id>"; for a listening that has begun, "<user id>:begun:<session>"."""
    user_id: str
    """The listener's id."""
    state: State
    """`begun`: a listening without an end so far; `waiting` for its delivery; `sent`; `refused` for good."""
    at: EpochMs
    """When the listening began."""
    expires_at: datetime
    """When the document is removed."""
    connection: NotRequired[str]
    """The id of the connection."""
    track_id: NotRequired[str]
    """The track of a listening that has begun."""
    song: NotRequired[dict[str, Any]]
    """The facts of the song."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A scrobble that waits."""

    scrobble_id: str
    at: int
    """When the listening began, epoch ms."""
    song: ScrobbledSong


class Scrobbles(Collection[StoredScrobble]):
    """The scrobbles that wait to be sent to other services, and those that were sent in the last week.

    Safe for use by several threads.
    """

    name = "scrobbles"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (
        Index.on("connection", "state", "at"),
        Index.on("user_id"),
        Index.on("state", "at"),
        Index.on("expires_at", keep=timedelta()),
    )

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def begin(self, user_id: str, session: str, *, track_id: str, at: int) -> None:
        """Note that a session of a listener has begun to play a track."""
        own = _begun(user_id, session)
        document: StoredScrobble = {
            "_id": own,
            "user_id": user_id,
            "state": "begun",
            "at": at,
            "track_id": track_id,
            "expires_at": self._clock() + BEGUN_KEPT,
        }
        self.documents.replace_one({"_id": own}, document, upsert=True)

    def begun_at(self, user_id: str, session: str, *, track_id: str) -> int | None:
        """When a session began to play a track, epoch ms; None if it plays another one."""
        found = self.documents.find_one({"_id": _begun(user_id, session), "state": "begun"})
        return found["at"] if found and found.get("track_id") == track_id else None

    def add(self, connection: str, event_id: str, *, user_id: str, at: int, song: ScrobbledSong) -> bool:
        """Let a scrobble wait; False if it is known."""
        document: StoredScrobble = {
            "_id": f"{connection}:{event_id.lower()}",
            "user_id": user_id,
            "connection": connection,
            "state": "waiting",
            "at": at,
            "song": dict(song),
            "expires_at": self._clock() + WAITING_KEPT,
        }
        try:
            self.documents.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    def connections_with_waiting(self) -> list[str]:
        """The connections for which something waits."""
        return sorted(
            one for one in self.documents.distinct("connection", {"state": "waiting"}) if isinstance(one, str)
        )

    def waiting(self, connection: str, *, most: int) -> list[Waiting]:
        """The oldest scrobbles of a connection that wait; damaged ones are given up."""
        found = self.documents.find({"connection": connection, "state": "waiting"}).sort("at", 1).limit(most)
        read = [(one, _song(one.get("song"))) for one in found]
        self.finish([one["_id"] for one, song in read if song is None], "refused")
        return [
            Waiting(scrobble_id=one["_id"], at=one["at"], song=song) for one, song in read if song is not None
        ]

    def count_waiting(self, connection: str) -> int:
        """How many scrobbles of a connection wait."""
        return self.documents.count_documents({"connection": connection, "state": "waiting"})

    def oldest_waiting(self, connections: Iterable[str]) -> datetime | None:
        """When the oldest scrobble that waits for one of the connections was heard; None without any."""
        wanted = {"connection": {"$in": list(connections)}, "state": "waiting"}
        found = list(self.documents.find(wanted, {"at": 1}).sort("at", 1).limit(1))
        return datetime.fromtimestamp(found[0]["at"] / 1000, UTC) if found else None

    def finish(self, ids: Iterable[str], state: Literal["sent", "refused"]) -> None:
        """Mark scrobbles as sent or refused."""
        ids = list(ids)
        if not ids:
            return
        changes = {"state": state, "expires_at": self._clock() + DONE_KEPT}
        self.documents.update_many({"_id": {"$in": ids}}, {"$set": changes})

    def drop(self, connection: str) -> None:
        """Remove the waiting plays of a connection, and those that were sent by it."""
        self.documents.delete_many({"connection": connection})

    def drop_all(self, user_id: str) -> None:
        """Remove the plays that wait for a listener's connections, and those that were sent by them."""
        self.documents.delete_many({"user_id": user_id})


def _begun(user_id: str, session: str) -> str:
    return f"{user_id}:begun:{session}"


def _song(stored: Mapping[str, Any] | None) -> ScrobbledSong | None:
    """The facts of a stored song, as far as they have the right types; None without title or artist."""
    texts = ("title", "artist", "album", "album_artist", "recording", "release_track", "release")
    kept: dict[str, Any] = {}
    for name, value in (stored or {}).items():
        whole = name in ("duration_ms", "number") and type(value) is int and 0 <= value < 2**31
        listed = name in ("artists", "artist_ids") and isinstance(value, list)
        if (name in texts and isinstance(value, str)) or whole:
            kept[name] = value
        elif listed:
            kept[name] = [one for one in value if isinstance(one, str)]
    return ScrobbledSong(**kept) if {"title", "artist"} <= kept.keys() else None  # type: ignore[typeddict-item]
