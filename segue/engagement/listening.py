"""The facts in MongoDB: the counts of each listener in each window.

Delivery: a fact is one document, whose key is its window and listener. Of two versions the one with more
events stays, so that repeating a batch, or recounting while the stream runs, changes nothing. MongoDB
computes the statistics of a window from its facts and replaces the former ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from segue.engagement.definitions import COUNTS, DIMENSIONS
from segue.engagement.facts import Fact, Row, StoredFact
from segue.engagement.sessionization import ActivitySpan
from segue.engagement.statistics import ListeningStatistics
from segue.storage.mongo import ASCENDING, DESCENDING, Document, UpdateOne, amount, text
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

_AT_ONCE = 1000
"""Facts per bulk write."""

MARKS = ("excess", "unknown")
PUBLIC: Document = {f"rows.{mark}": {"$ne": True} for mark in MARKS}
"""The filter of rows that count for others than their listener."""


class RowsOfWindow(NamedTuple):
    """The counts of a listener in a window."""

    user_id: str
    start: datetime
    rows: list[Row]


class Listening(Collection[StoredFact]):
    """The facts: the counts of each listener in each window."""

    name = "listening"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={
            Job.STREAM: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.ERASE,
            Job.OPERATOR: Right.WRITE | Right.INDEX,
        },
    )
    indexes = (Index(keys=[("user_id", ASCENDING), ("start", DESCENDING)]),)

    def keep(self, time: timedelta) -> None:
        """Let MongoDB remove facts of windows that began longer ago than `time`."""
        self.make(Index.on("start", keep=time))

    def write(self, facts: Sequence[Fact], *, definitions: str, most: int) -> None:
        """Store each fact, unless the stored one has the same definitions and more events.

        A fact of a full window replaces the stored one in any case: repeated deliveries have pushed older
        events out of it, so that a newer fact may have fewer events.

        Parameters
        ----------
        most
            The number of deliveries in a full window. A stored fact with more events was counted under
            another limit and does not count as newer.
        """
        operations: list[UpdateOne] = []
        for fact in facts:
            document = {"$literal": fact.document(definitions=definitions)}
            newer: Document = {
                "$and": [
                    {"$literal": fact.deliveries < most},
                    {"$eq": ["$definitions", definitions]},
                    # A damaged number must not protect the document: in MongoDB's order, texts are greater.
                    {"$isNumber": "$events"},
                    {"$gt": ["$events", fact.events]},
                    {"$lte": ["$events", most]},
                ]
            }
            replaced = [{"$replaceWith": {"$cond": [newer, "$$ROOT", document]}}]
            operations.append(UpdateOne({"_id": fact.id}, replaced, upsert=True))
        for first in range(0, len(operations), _AT_ONCE):
            self.documents.bulk_write(operations[first : first + _AT_ONCE], ordered=False)

    def count_windows(self, starts: Sequence[int]) -> None:
        """Let MongoDB compute the statistics of windows (epoch ms) from their facts, by every dimension."""
        if not starts:
            return
        times = [time_of(start) for start in starts]
        for dimension, field in DIMENSIONS.items():
            list(self.aggregate(_counting(times, dimension, field)))

    def different(self, facts: Sequence[Fact], *, definitions: str) -> int:
        """The number of these facts that differ from the stored ones or are missing."""
        expected = {fact.id: fact.document(definitions=definitions) for fact in facts}
        stored = {fact["_id"]: fact for fact in self.documents.find({"_id": {"$in": list(expected)}})}
        return sum(stored.get(own) != document for own, document in expected.items())

    def count_outdated(self, *, since: datetime, definitions: str) -> int:
        """The number of facts of windows from `since` on that have other definitions."""
        return self.documents.count_documents(_outdated(since, definitions))

    def remove_outdated(self, *, since: datetime, definitions: str) -> None:
        """Remove the facts of windows from `since` on that have other definitions."""
        self.documents.delete_many(_outdated(since, definitions))

    def starts(self, *, since: datetime | None = None, until: datetime | None = None) -> list[datetime]:
        """The starts of windows with facts, in [since, until)."""
        bounds = {"$gte": since, "$lt": until}
        span = {operator: bound for operator, bound in bounds.items() if bound is not None}
        starts = self.distinct("start", {"start": span or {"$type": "date"}})
        return [start for start in starts if isinstance(start, datetime)]

    def keys_in(self, start: datetime) -> set[tuple[str, str]]:
        """(dimension, key) of all rows of a window's facts."""
        return {
            (dimension, group["_id"])
            for dimension, field in DIMENSIONS.items()
            for group in self.aggregate(
                [
                    *rows_of({"start": start}, {"rows.unknown": {"$ne": True}}),
                    {"$group": {"_id": _key(field)}},
                ]
            )
        }

    def by_listener(self) -> Iterator[RowsOfWindow]:
        """The counts of all windows, by listener, then time."""
        facts = self.documents.find({}, {"user_id": 1, "start": 1, "rows": 1})
        for fact in facts.sort([("user_id", DESCENDING), ("start", ASCENDING)]):
            yield RowsOfWindow(fact["user_id"], fact["start"], fact["rows"])

    def count(self) -> int:
        """The approximate number of facts."""
        return self.documents.estimated_document_count()

    def activity(
        self, spans: Mapping[str, tuple[int, int]], *, definitions: str
    ) -> Iterator[tuple[str, ActivitySpan]]:
        """(user_id, activity) of the windows in which each listener acted within their span (epoch ms)."""
        low, high = min(low for low, _ in spans.values()), max(high for _, high in spans.values())
        wanted = {
            "user_id": {"$in": list(spans)},
            # The actions of a window are inside it, and no window is longer than a day.
            "start": {"$gte": time_of(low) - timedelta(days=1), "$lte": time_of(high)},
            "definitions": definitions,
            "last_at": {"$gte": low},
            "first_at": {"$lte": high},
        }
        fields = {
            "user_id": 1,
            "first_at": 1,
            "last_at": 1,
            **{f"rows.{name}": 1 for name in ActivitySpan.COUNTS},
        }
        for fact in self.documents.find(wanted, fields):
            first, last = spans[fact["user_id"]]
            span = _activity_of(fact)
            if span.last_at >= first and span.first_at <= last:
                yield fact["user_id"], span


def _activity_of(fact: Mapping[str, Any]) -> ActivitySpan:
    """A listener's activity in a window; the fact must have actions."""
    rows = fact.get("rows", ())  # MongoDB leaves out a list that is not one
    sums = (sum(row.get(name, 0) for row in rows) for name in ActivitySpan.COUNTS)
    return ActivitySpan(fact["first_at"], fact["last_at"], *sums)


def rows_of(facts: Document, rows: Document) -> list[Document]:
    """Pipeline steps that yield each row of the facts as a separate document."""
    return [{"$match": facts}, {"$unwind": "$rows"}, {"$match": rows}]


def _outdated(since: datetime, definitions: str) -> Document:
    return {"start": {"$gte": since}, "definitions": {"$ne": definitions}}


def _key(field: str | None) -> Any:
    """The expression for the key of a row."""
    return "" if field is None else text(f"$rows.{field}")


def _public(name: str) -> Document:
    """The count of a row in statistics: 0 for events in excess."""
    return {"$cond": [{"$eq": ["$rows.excess", True]}, 0, amount(f"$rows.{name}")]}


def _counting(times: list[datetime], dimension: str, field: str | None) -> list[Document]:
    key = _key(field)
    return [
        {"$match": {"start": {"$in": times}}},
        {"$project": {"start": 1, "rows": 1}},
        {"$unwind": "$rows"},
        {"$match": {"rows.unknown": {"$ne": True}}},
        # Group by fact first: a listener counts once per key, even if several rows have the key. Events in
        # excess add nothing; a key that has no others gets zeros, which replace its former counts.
        {
            "$group": {
                "_id": {"fact": "$_id", "start": "$start", "key": key},
                **{name: {"$sum": _public(name)} for name in COUNTS},
            }
        },
        {
            "$group": {
                "_id": {"start": "$_id.start", "key": "$_id.key"},
                **{name: {"$sum": f"${name}"} for name in COUNTS},
                "listeners": number_of(PLAYED),
            }
        },
        {"$set": {"dimension": dimension, "start": "$_id.start", "key": "$_id.key"}},
        {"$set": {"_id": {"dimension": "$dimension", "start": "$start", "key": "$key"}}},
        {
            "$merge": {
                "into": ListeningStatistics.name,
                "whenMatched": "replace",
                "whenNotMatched": "insert",
            }
        },
    ]


PLAYED: Document = {"$gt": [{"$add": ["$starts", "$plays"]}, 0]}


def number_of(*conditions: Document) -> Document:
    """The expression for the number of documents that fit all conditions."""
    return {"$sum": {"$cond": [{"$and": list(conditions)}, 1, 0]}}


def time_of(epoch_ms: int) -> datetime:
    """The start of a window as MongoDB has it."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
