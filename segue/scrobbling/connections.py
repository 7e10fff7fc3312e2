"""The services to which a listener's plays are sent, and the state of the last delivery.

Tokens are encrypted with a key outside the database (:mod:`segue.people.secret_box`).

Delivery: a connection is one document; each change of its state is one update. A process that sends for a
connection takes it for a while, so that no two do at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypedDict, get_args

from segue.clock import now
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

Service = Literal["listenbrainz", "lastfm"]
SERVICES: tuple[Service, ...] = get_args(Service)
TAKEN_FOR = timedelta(minutes=5)
"""How long a process that sends keeps a connection: longer than a delivery takes."""


class StoredConnection(TypedDict):
    """A document of `scrobble_connections`."""

    _id: str
    """"<user id>:<service>"."""
    user_id: str
    """The listener's id."""
    service: Service
    """The protocol."""
    address: str
    """The address of the service."""
    account: str
    """The listener's name there."""
    encrypted: bytes
    """The token or the session's key there, encrypted with a key outside the database."""
    from_programs: bool
    """Whether plays that other programs have scrobbled to Segue are sent, too."""
    connected_at: datetime
    """Plays that ended before are not sent."""
    ended: bool
    """Whether the service no longer accepts the token."""
    sent: Count
    """Plays that the service has."""
    refused: Count
    """Plays that the service will never take."""
    last_sent_at: datetime | None
    """When the service last took a play."""
    last_refusal: str | None
    """Why it last refused one: a key of the words in `segue/scrobbling/outcome.py`."""
    problem: str | None
    """Why plays wait, as `last_refusal`; none after a success."""
    failures: Count
    """Deliveries that have failed since the last success."""
    retry_at: datetime | None
    """When to try again."""
    taken_until: datetime | None
    """Until when a process keeps the connection to send."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A connection, with its secret still encrypted."""

    connection_id: str
    user_id: str
    service: Service
    address: str
    account: str
    encrypted: bytes
    from_programs: bool
    connected_at: datetime
    ended: bool
    sent: int
    refused: int
    last_sent_at: datetime | None
    last_refusal: str | None
    problem: str | None
    failures: int
    retry_at: datetime | None


def connection_id(user_id: str, service: Service) -> str:
    """The id of a listener's connection to a service."""
    return f"{user_id}:{service}"


class ScrobbleConnections(Collection[StoredConnection]):
    """The listeners' connections to ListenBrainz, Last.fm and similar services.

    Safe for use by several threads.
    """

    name = "scrobble_connections"
    policy = Policy(
        personal=Personal(owner=("user_id",), secret=("encrypted",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("user_id"), Index.on("connected_at"))

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def goes_on(self, user_id: str, service: Service, *, address: str, account: str) -> bool:
        """Whether a listener was connected to this account before, so that the waiting plays are for it."""
        before = self.documents.find_one({"_id": connection_id(user_id, service)})
        return before is not None and (before["address"], before["account"]) == (address, account)

    def connect(
        self,
        user_id: str,
        service: Service,
        *,
        address: str,
        account: str,
        encrypted: bytes,
        from_programs: bool = False,
    ) -> None:
        """Connect a listener; a connection that had ended goes on where it was, with the waiting plays."""
        own = connection_id(user_id, service)
        before = self.documents.find_one({"_id": own})
        same = before is not None and (before["address"], before["account"]) == (address, account)
        document: StoredConnection = {
            "_id": own,
            "user_id": user_id,
            "service": service,
            "address": address,
            "account": account,
            "encrypted": encrypted,
            "from_programs": from_programs,
            "connected_at": before["connected_at"] if before and same else self._clock(),
            "ended": False,
            "sent": before["sent"] if before and same else 0,
            "refused": before["refused"] if before and same else 0,
            "last_sent_at": before["last_sent_at"] if before and same else None,
            "last_refusal": None,
            "problem": None,
            "failures": 0,
            "retry_at": None,
            "taken_until": None,
        }
        self.documents.replace_one({"_id": own}, document, upsert=True)

    def disconnect(self, user_id: str, service: Service) -> bool:
        """Remove a connection with its token; False if there is none."""
        own = connection_id(user_id, service)
        return self.documents.delete_one({"_id": own}).deleted_count == 1

    def disconnect_all(self, user_id: str) -> int:
        """Remove all connections of a listener with their tokens; returns their number."""
        return self.documents.delete_many({"user_id": user_id}).deleted_count

    def include_programs(self, user_id: str, service: Service, included: bool) -> None:
        """Choose whether plays that other programs have scrobbled are sent, too."""
        own = connection_id(user_id, service)
        self.documents.update_one({"_id": own}, {"$set": {"from_programs": included}})

    def of(self, user_id: str) -> dict[Service, Connection]:
        """A listener's connections by service."""
        return {one["service"]: _connection(one) for one in self.documents.find({"user_id": user_id})}

    def of_several(self, user_ids: Iterable[str]) -> list[Connection]:
        """The connections of some listeners."""
        found = self.documents.find({"user_id": {"$in": list(user_ids)}})
        return [_connection(one) for one in found]

    def that_may_send(self, ids: Iterable[str]) -> list[str]:
        """Those of some connections whose services accept their tokens."""
        found = self.documents.find({"_id": {"$in": list(ids)}, "ended": False}, {"user_id": 1})
        return sorted(one["_id"] for one in found)

    def first_at(self) -> datetime | None:
        """When the first of the present connections was made; None without any."""
        found = list(self.documents.find({}, {"connected_at": 1}).sort("connected_at", 1).limit(1))
        return found[0]["connected_at"] if found else None

    def take(self, own: str) -> Connection | None:
        """Take a connection to send for it, if it is time and no other process has it."""
        now = self._clock()
        # A time that is damaged, or further ahead than any is set, counts as none.
        past = [{"retry_at": {"$not": {"$gt": now, "$lt": now + timedelta(days=2)}}}]
        past += [{"taken_until": {"$not": {"$gt": now, "$lt": now + 2 * TAKEN_FOR}}}]
        taken = self.documents.find_one_and_update(
            {"_id": own, "ended": False, "$and": past},
            {"$set": {"taken_until": now + TAKEN_FOR}},
            return_document=True,
        )
        return None if taken is None else _connection(taken)

    def note(
        self,
        own: str,
        *,
        sent: int,
        refusals: int,
        last_refusal: str | None,
        problem: str | None,
        wait: timedelta | None,
        ended: bool,
        encrypted: bytes,
    ) -> None:
        """Note the result of a delivery, and let others take the connection.

        The token `encrypted` was used. If the listener has given another one meanwhile, only that counts.
        """
        now = self._clock()
        changes: dict[str, object] = {
            "problem": problem,
            "ended": ended,
            "taken_until": None,
            "retry_at": None if wait is None else now + wait,
        }
        if sent:
            changes["last_sent_at"] = now
        if last_refusal:
            changes["last_refusal"] = last_refusal
        if problem is None:
            changes["failures"] = 0
        counts = {"sent": sent, "refused": refusals, **({} if problem is None else {"failures": 1})}
        wanted = {"_id": own, "encrypted": encrypted} if ended else {"_id": own}
        self.documents.update_one(wanted, {"$set": changes, "$inc": counts})


def _connection(stored: StoredConnection) -> Connection:
    return Connection(
        connection_id=stored["_id"],
        user_id=stored["user_id"],
        service=stored["service"],
        address=stored["address"],
        account=stored["account"],
        encrypted=stored["encrypted"],
        from_programs=stored["from_programs"],
        connected_at=stored["connected_at"],
        ended=stored["ended"],
        sent=stored["sent"],
        refused=stored["refused"],
        last_sent_at=stored["last_sent_at"],
        last_refusal=stored["last_refusal"],
        problem=stored["problem"],
        failures=stored["failures"],
        retry_at=stored["retry_at"],
    )
