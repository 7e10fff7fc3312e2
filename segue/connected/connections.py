"""The connected servers: the collection `connections`.

The password is encrypted with a key outside the database (:mod:`segue.people.secret_box`).

Delivery: one document for each server, changed by its name; every change may be repeated.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from segue.connected.faults import LONGEST_ASKED, ServerAway
from segue.errors import SegueError
from segue.storage.mongo import DuplicateKeyError
from segue.storage.records import Count
from segue.storage.store import Collection, Job, Policy, Right

LONGEST_NAME = 64
_BELIEVED = timedelta(minutes=15)
"""The least time between two lists of the catalogue that missing songs cause."""


class Connection(TypedDict):
    """A document of `connections`."""

    _id: str
    """Name of the server, and of the library with its songs."""
    address: str
    """Address of the server, without `/rest`."""
    user: str
    """Name of the account by which Segue reads the catalogue; empty for a key."""
    method: str
    """How Segue logs in: token, password or key."""
    encrypted: bytes
    """The account's password or key, encrypted with a key outside the database."""
    connected_at: datetime
    """When it was connected."""
    mark: NotRequired[str | None]
    """State of the server's own scan at the last complete list."""
    listed_at: NotRequired[datetime]
    """When the whole catalogue was last read."""
    asked_at: NotRequired[datetime]
    """When the server was last asked whether its catalogue has changed."""
    songs: NotRequired[Count]
    """Songs that the server had then."""
    fault: NotRequired[str | None]
    """Why the last attempt failed; none if it succeeded."""
    paused_until: NotRequired[datetime | None]
    """Until when the server has asked not to be called."""
    suspected_at: NotRequired[datetime]
    """When a listed song was last missing or another one, and the catalogue was to be read again for it."""
    followed_by: NotRequired[str]
    """The process that asks the server for its current songs."""
    followed_until: NotRequired[datetime]
    """Until when it alone does so."""


def is_paused(connection: Connection, *, now: datetime | None = None) -> bool:
    """Whether the server has asked not to be called at this time; a damaged time counts as none."""
    now, until = now or datetime.now(UTC), connection.get("paused_until")
    return until is not None and now < until <= now + timedelta(seconds=LONGEST_ASKED)


class Connections(Collection[Connection]):
    """The connected servers."""

    name = "connections"
    policy = Policy(
        access={
            Job.CATALOGUE: Right.WRITE,
            Job.DASHBOARD: Right.WRITE,
            Job.OPERATOR: Right.WRITE,
        },
    )

    def add(self, connection: Connection) -> None:
        """Store a new connection.

        Raises
        ------
        SegueError
            There is one of that name.
        """
        try:
            self.documents.insert_one(connection)
        except DuplicateKeyError:
            raise SegueError(
                f"a server named {connection['_id']} is connected: choose another --name, or run "
                f"./run.sh library disconnect {connection['_id']}"
            ) from None

    def replace_log_in(self, name: str, *, user: str, method: str, encrypted: bytes) -> None:
        """Store another log-in, as after a changed password."""
        change = {
            "user": user,
            "method": method,
            "encrypted": encrypted,
            "fault": None,
            "paused_until": None,
        }
        self.documents.update_one({"_id": name}, {"$set": change})

    def all(self) -> list[Connection]:
        """All connections by name."""
        return list(self.documents.find({}).sort("_id"))

    def of(self, name: str) -> Connection | None:
        """A connection by its name."""
        return self.documents.find_one({"_id": name})

    def remove(self, name: str) -> bool:
        """Remove a connection; False if there was none."""
        return self.documents.delete_one({"_id": name}).deleted_count == 1

    def note_asked(self, name: str) -> None:
        """Note that a pass begins to read the catalogue."""
        self.documents.update_one({"_id": name}, {"$set": {"asked_at": datetime.now(UTC)}})

    def note_list(self, name: str, *, songs: int, mark: str | None) -> bool:
        """Note that the whole catalogue was read; False if the server was disconnected meanwhile."""
        change = {
            "songs": songs,
            "mark": mark,
            "listed_at": datetime.now(UTC),
            "fault": None,
            "paused_until": None,
        }
        return self.documents.update_one({"_id": name}, {"$set": change}).matched_count == 1

    def ask_again(self, name: str) -> None:
        """Let the next pass read the whole catalogue: the server has changed."""
        self.documents.update_one({"_id": name}, {"$set": {"mark": None}, "$unset": {"asked_at": ""}})

    def suspect(self, name: str) -> None:
        """As :meth:`ask_again`, when a listed song was not there, or was another one; once in a while. A
        server may go on listing a song that it does not have, and each attempt to play it comes here.
        """
        now = datetime.now(UTC)
        long_ago = [{"suspected_at": None}, {"suspected_at": {"$lt": now - _BELIEVED}}]
        change = {"$set": {"mark": None, "suspected_at": now}, "$unset": {"asked_at": ""}}
        self.documents.update_one({"_id": name, "$or": long_ago}, change)

    def note_fault(self, name: str, fault: str | None) -> None:
        """Note why the last attempt failed; None for a success."""
        self.documents.update_one({"_id": name, "fault": {"$ne": fault}}, {"$set": {"fault": fault}})

    def note_pause(self, name: str, error: SegueError) -> None:
        """Note the pause for which the server asks by an error, if it does."""
        if isinstance(error, ServerAway) and error.pause is not None:
            until = datetime.now(UTC) + timedelta(seconds=error.pause)
            self.documents.update_one({"_id": name}, {"$set": {"paused_until": until}})

    def follow(self, name: str, process: str, *, lasting: timedelta) -> bool:
        """Take or keep the right to ask a server for its current songs; False if another process has it."""
        now = datetime.now(UTC)
        free = [{"followed_by": process}, {"followed_until": None}, {"followed_until": {"$lt": now}}]
        change = {"followed_by": process, "followed_until": now + lasting}
        return self.documents.update_one({"_id": name, "$or": free}, {"$set": change}).matched_count == 1
