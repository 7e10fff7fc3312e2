"""Listening sessions in MongoDB (log-in sessions are in :mod:`segue.people.login_sessions`).

Delivery: the sessions around changed facts are rebuilt from all facts there, and written before the former
ones are removed. A crash in between leaves both, and the repeated batch removes the former ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypedDict

from segue.engagement.facts import Fact
from segue.engagement.listening import Listening
from segue.engagement.sessionization import ActivitySpan, sessionize
from segue.storage.mongo import ASCENDING, DESCENDING, Document, ReplaceOne, amount
from segue.storage.records import Count, EpochMs
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

_AT_ONCE = 1000
Spans = Mapping[str, tuple[int, int]]
"""Time spans by listener: first and last epoch ms."""


class ListeningSession(TypedDict):
    """A listener's actions without a long gap."""

    _id: str
    """"<first_at>:<user_id>"."""
    user_id: str
    """The listener's id."""
    first_at: EpochMs
    """Epoch ms of the first action."""
    last_at: EpochMs
    """Epoch ms of the last action."""
    ended_at: datetime
    """`last_at` as a date, by which MongoDB expires the session."""
    plays: Count
    """Number of listenings."""
    skips: Count
    """Number of skips."""
    listening_ms: Count
    """Time listened, in milliseconds."""


class SessionAverages(NamedTuple):
    """The number and averages of the sessions that began in a time span."""

    sessions: int
    minutes: float
    plays: float


class ListeningSessions(Collection[ListeningSession]):
    """The listening sessions of all listeners."""

    name = "listening_sessions"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={
            Job.STREAM: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.ERASE,
            Job.OPERATOR: Right.WRITE | Right.INDEX,
        },
    )
    indexes = (
        Index(keys=[("user_id", ASCENDING), ("last_at", DESCENDING)]),
        Index.on("first_at"),
    )

    def keep(self, time: timedelta) -> None:
        """Let MongoDB remove sessions that ended longer ago than `time`."""
        self.make(Index.on("ended_at", keep=time))

    def rebuild(
        self, facts: Sequence[Fact], *, listening: Listening, gap: timedelta, definitions: str
    ) -> None:
        """Rebuild the sessions that overlap or adjoin changed facts, from facts with these definitions."""
        changed = _changed(facts)
        if not changed:
            return
        reach = int(gap.total_seconds() * 1000)
        old = self._near(changed, reach)
        spans = {
            user: (
                min([low, *(session["first_at"] for session in old[user])]) - reach,
                max([high, *(session["last_at"] for session in old[user])]) + reach,
            )
            for user, (low, high) in changed.items()
        }
        activity: dict[str, list[ActivitySpan]] = defaultdict(list)
        for user, span in listening.activity(spans, definitions=definitions):
            activity[user].append(span)
        new = {
            session["_id"]: session
            for user in changed
            for session in (_document(user, span) for span in sessionize(activity[user], gap=gap))
        }
        for batch in _batches(list(new.values())):
            self.documents.bulk_write(
                [ReplaceOne({"_id": session["_id"]}, session, upsert=True) for session in batch],
                ordered=False,
            )
        stale = [
            session["_id"] for sessions in old.values() for session in sessions if session["_id"] not in new
        ]
        if stale:
            self.documents.delete_many({"_id": {"$in": stale}})

    def _near(self, changed: Spans, reach: int) -> dict[str, list[ListeningSession]]:
        """The stored sessions of each listener that end or begin within `reach` of the changed span."""
        low, high = min(low for low, _ in changed.values()), max(high for _, high in changed.values())
        wanted = {
            "user_id": {"$in": list(changed)},
            "last_at": {"$gte": low - reach},
            "first_at": {"$lte": high + reach},
        }
        near: dict[str, list[ListeningSession]] = {user: [] for user in changed}
        for session in self.documents.find(wanted, {"user_id": 1, "first_at": 1, "last_at": 1}):
            first, last = changed[session["user_id"]]
            if session["last_at"] >= first - reach and session["first_at"] <= last + reach:
                near[session["user_id"]].append(session)
        return near

    def remove(self, key: object) -> None:
        """Remove a session by its `_id`."""
        self._plain.delete_one({"_id": key})

    def of(self, user_id: str, *, since: datetime, until: datetime) -> list[ListeningSession]:
        """A listener's sessions that began in [since, until)."""
        return list(self.documents.find({"user_id": user_id, "first_at": _between(since, until)}))

    def averages(self, *, since: datetime, until: datetime) -> SessionAverages:
        """The number of sessions that began in [since, until), their average length and average plays."""
        sums = {
            "sessions": {"$sum": 1},
            "minutes": {
                "$avg": {"$divide": [{"$subtract": [amount("$last_at"), amount("$first_at")]}, 60_000]}
            },
            "plays": {"$avg": amount("$plays")},
        }
        steps: list[Document] = [
            {"$match": {"first_at": _between(since, until)}},
            {"$group": {"_id": None, **sums}},
        ]
        for group in self.aggregate(steps):
            return SessionAverages(group["sessions"], group["minutes"] or 0.0, group["plays"] or 0.0)
        return SessionAverages(0, 0.0, 0.0)


def _changed(facts: Sequence[Fact]) -> dict[str, tuple[int, int]]:
    """The time span from the first to the last action of each listener's facts."""
    changed: dict[str, tuple[int, int]] = {}
    for fact in facts:
        if fact.first_at is not None and fact.last_at is not None:
            low, high = changed.get(fact.user_id, (fact.first_at, fact.last_at))
            changed[fact.user_id] = (min(low, fact.first_at), max(high, fact.last_at))
    return changed


def _document(user_id: str, session: ActivitySpan) -> ListeningSession:
    return {
        "_id": f"{session.first_at}:{user_id}",
        "user_id": user_id,
        "first_at": session.first_at,
        "last_at": session.last_at,
        "ended_at": datetime.fromtimestamp(session.last_at / 1000, UTC),
        "plays": session.plays,
        "skips": session.skips,
        "listening_ms": session.listening_ms,
    }


def _between(since: datetime, until: datetime) -> Document:
    return {"$gte": since.timestamp() * 1000, "$lt": until.timestamp() * 1000}


def _batches(sessions: list[ListeningSession]) -> Iterator[list[ListeningSession]]:
    return (sessions[first : first + _AT_ONCE] for first in range(0, len(sessions), _AT_ONCE))
