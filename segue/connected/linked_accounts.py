"""The accounts of listeners at connected servers: the collection `linked_accounts`.

The password is encrypted with a key outside the database (:mod:`segue.people.secret_box`).

Delivery: one document for each listener and server, changed by its id; every change may be repeated.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from segue.storage.mongo import Document
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right


class WrittenList(TypedDict, total=False):
    """A playlist that Segue writes at a server."""

    playlist: str
    """Its id there."""
    digest: str
    """Digest of the songs that were last written."""
    written_at: datetime
    """When they were written."""
    begun: bool
    """Whether its creation was begun and is not known to have ended."""
    begun_with: str
    """Digest of the name and the songs with which it was begun."""


class LinkedAccount(TypedDict):
    """A document of `linked_accounts`."""

    _id: str
    """"<name of the server>/<listener's id>"."""
    connection: str
    """Name of the server."""
    user_id: str
    """The listener's id."""
    name: str
    """Name of the listener's account here."""
    user: str
    """Name of the account there."""
    method: str
    """How Segue logs in: token, password or key."""
    encrypted: bytes
    """The password or key, encrypted with a key outside the database."""
    learns: bool
    """Whether Segue learns from the songs that are playing there."""
    linked_at: datetime
    """When it was linked."""
    lists: NotRequired[dict[str, WrittenList]]
    """The playlists that Segue writes there, by their keys."""
    shown_at: NotRequired[datetime]
    """When the server first showed a current song of the account; until then, Segue reads play counts."""
    counted_until: NotRequired[datetime]
    """Last play that is known by play counts."""
    stars_until: NotRequired[datetime]
    """The time of the last star there that was taken over."""
    stars_waiting: NotRequired[list[str]]
    """Songs with a star there that the library did not have so far."""
    rated_at: NotRequired[datetime]
    """When the ratings there were taken over."""
    fault: NotRequired[str | None]
    """Why the last attempt failed; none if it succeeded."""


class LinkedAccounts(Collection[LinkedAccount]):
    """The linked accounts of all listeners."""

    name = "linked_accounts"
    policy = Policy(
        personal=Personal(owner=("user_id",), secret=("encrypted",)),
        access={
            Job.DASHBOARD: Right.WRITE | Right.INDEX,
            Job.OPERATOR: Right.WRITE,
            Job.CATALOGUE: Right.ERASE,  # library disconnect unlinks them
        },
    )
    indexes = (Index.on("user_id"), Index.on("connection"))

    def link(
        self,
        connection: str,
        user_id: str,
        *,
        name: str,
        user: str,
        method: str,
        encrypted: bytes,
        learns: bool,
    ) -> None:
        """Link a listener's account; one that was linked before is replaced, and its playlists stay known."""
        change: Document = {
            "connection": connection,
            "user_id": user_id,
            "name": name,
            "user": user,
            "method": method,
            "encrypted": encrypted,
            "learns": learns,
            "linked_at": datetime.now(UTC),
            "fault": None,
        }
        own = _id(connection, user_id)
        before = self.documents.find_one({"_id": own}, {"user": 1})
        if before is not None and before["user"] != user:
            self.documents.delete_one({"_id": own})  # the playlists belong to the other account
        self.documents.update_one({"_id": own}, {"$set": change}, upsert=True)

    def unlink(self, connection: str, user_id: str) -> bool:
        """Forget a listener's account; False if none was linked."""
        return self.documents.delete_one({"_id": _id(connection, user_id)}).deleted_count == 1

    def unlink_listener(self, user_id: str) -> int:
        """Forget all accounts of a listener; returns their number."""
        return self.documents.delete_many({"user_id": user_id}).deleted_count

    def unlink_all(self, connection: str) -> int:
        """Forget all accounts of a server; returns their number."""
        return self.documents.delete_many({"connection": connection}).deleted_count

    def of_listener(self, user_id: str) -> list[LinkedAccount]:
        """A listener's linked accounts by the servers' names."""
        return list(self.documents.find({"user_id": user_id}).sort("_id"))

    def of_server(self, connection: str) -> list[LinkedAccount]:
        """The linked accounts of a server."""
        return list(self.documents.find({"connection": connection}).sort("_id"))

    def numbers(self) -> dict[str, int]:
        """The number of linked accounts by server."""
        steps: list[Document] = [{"$group": {"_id": "$connection", "number": {"$sum": 1}}}]
        # The name may be damaged, and of any type.
        found = self.aggregate(steps)
        return {name: one["number"] for one in found if isinstance(name := one["_id"], str)}

    def note_list(self, account: LinkedAccount, key: str, written: WrittenList) -> None:
        """Note the state of a playlist, unless the account was unlinked meanwhile."""
        self.documents.update_one({"_id": account["_id"]}, {"$set": {f"lists.{key}": written}})

    def note_shown(self, account: LinkedAccount) -> None:
        """Note that the server shows the account's current song, also in the document that was read."""
        account["shown_at"] = datetime.now(UTC)
        wanted = {"_id": account["_id"], "shown_at": None}
        self.documents.update_one(wanted, {"$set": {"shown_at": account["shown_at"]}})

    def note_counted(self, account: LinkedAccount, until: datetime) -> None:
        """Note the last play that is known by play counts."""
        self.documents.update_one({"_id": account["_id"]}, {"$max": {"counted_until": until}})

    def note_stars(self, account: LinkedAccount, until: datetime, *, waiting: list[str]) -> None:
        """Note the last star that was taken over, and the songs that wait for a track, also in the document
        that was read.
        """
        account["stars_until"], account["stars_waiting"] = until, waiting
        change = {"$max": {"stars_until": until}, "$set": {"stars_waiting": waiting}}
        self.documents.update_one({"_id": account["_id"]}, change)

    def note_rated(self, account: LinkedAccount) -> None:
        """Note that the ratings were taken over, also in the document that was read."""
        account["rated_at"] = datetime.now(UTC)
        self.documents.update_one({"_id": account["_id"]}, {"$set": {"rated_at": account["rated_at"]}})

    def note_fault(self, account: LinkedAccount, fault: str | None) -> None:
        """Note why the last attempt failed; None for a success."""
        self.documents.update_one(
            {"_id": account["_id"], "fault": {"$ne": fault}}, {"$set": {"fault": fault}}
        )


def _id(connection: str, user_id: str) -> str:
    return f"{connection}/{user_id}"
