"""The facts in MongoDB: the counts of each listener in each window.

Delivery: a fact is one document, whose key is its window and listener. Of two versions the one with more
events stays, so that repeating a batch, or recounting while the stream runs, changes nothing. MongoDB
computes the statistics of a window from its facts and replaces the former ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from segue.engagement.definitions import COUNTS, DIMENSIONS
from segue.engagement.facts import Fact, StoredFact
from segue.engagement.sessionization import ActivitySpan
from segue.engagement.statistics import ListeningStatistics
from segue.storage.mongo import ASCENDING, DESCENDING, Document, UpdateOne, amount, text
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right
from segue.taste.corrections import Span

_LONG_AGO = datetime.fromtimestamp(0, UTC)
"""The time of a window with a damaged start."""
_AT_ONCE = 1000
"""Facts per bulk write."""

MARKS = ("excess", "unknown")
PUBLIC: Document = {f"rows.{mark}": {"$ne": True} for mark in MARKS}
"""The filter of rows that count for others than their listener."""


class Completion(NamedTuple):
    """The completions of a track by a listener."""

    user_id: str
    track_id: str
    at: datetime
    """The window of the last completion."""
    times: int


class TrackPlays(NamedTuple):
    """The plays of a track by a listener."""

    plays: int
    last: datetime
    """The window of the last one."""


class Listening(Collection[StoredFact]):
    """A fact for each listener and window."""

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

    # Written by the stream and by the recount.

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
        times = [_time(start) for start in starts]
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
                    *_rows({"start": start}, {"rows.unknown": {"$ne": True}}),
                    {"$group": {"_id": _key(field)}},
                ]
            )
        }

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
            "start": {"$gte": _time(low) - timedelta(days=1), "$lte": _time(high)},
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

    # Read by the pages.

    def of(self, user_id: str, *, since: datetime, until: datetime) -> Iterator[StoredFact]:
        """`start` and `rows` of a listener's facts of windows that begin in [since, until)."""
        own = {"user_id": user_id, "start": {"$gte": since, "$lt": until}}
        return iter(self.documents.find(own, {"start": 1, "rows": 1}))

    def began(self, user_id: str) -> datetime | None:
        """The start of a listener's first stored window; None without facts."""
        own = {"user_id": user_id, "start": {"$type": "date"}}
        first = self.documents.find_one(own, {"start": 1}, sort=[("start", ASCENDING)])
        return first["start"] if first else None

    def first_heard(self, user_id: str, by: Literal["track_id", "artist"]) -> dict[str, datetime]:
        """The time at which a listener first played each track or artist, within the retention of facts."""
        first = self.aggregate(
            [
                *_rows({"user_id": user_id}, {"rows.plays": {"$gt": 0}}),
                {"$group": {"_id": f"$rows.{by}", "first": {"$min": "$start"}}},
            ]
        )
        return {
            group["_id"]: at if isinstance(at := group["first"], datetime) else _LONG_AGO
            for group in first
            if isinstance(group["_id"], str)
        }

    def listeners_on(self, days: Sequence[datetime]) -> set[str]:
        """The listeners with facts on days (UTC)."""
        spans = [{"start": {"$gte": day, "$lt": day + timedelta(days=1)}} for day in days]
        found = self.distinct("user_id", {"$or": spans}) if spans else []
        return {user_id for user_id in found if isinstance(user_id, str)}

    def months_of(self, user_id: str) -> list[datetime]:
        """The beginnings of the months (UTC) in which a listener has facts."""
        month = {"$dateTrunc": {"date": "$start", "unit": "month"}}
        own = {"user_id": user_id, "start": {"$type": "date"}}
        found = self.aggregate([{"$match": own}, {"$group": {"_id": month}}])
        # Python has no dates after the year 9999.
        return sorted(month for group in found if isinstance(month := group["_id"], datetime))

    def sums_by_track(
        self, user_ids: Sequence[str], *, since: datetime, until: datetime, without: Iterable[Span] = ()
    ) -> Iterator[tuple[str, str, Mapping[str, int], datetime]]:
        """(user_id, track_id, counts, last window) of windows that begin in [since, until).

        Parameters
        ----------
        without
            Times whose windows are left out.
        """
        wanted: Document = {"user_id": {"$in": list(user_ids)}, "start": {"$gte": since, "$lt": until}}
        if spans := [{"start": {"$gte": _time(span.since), "$lt": _time(span.until)}} for span in without]:
            wanted["$nor"] = spans
        found = self.aggregate(
            [
                *_rows(wanted, {"rows.track_id": {"$type": "string"}}),
                {
                    "$group": {
                        "_id": {"user": "$user_id", "track": "$rows.track_id"},
                        "last": {"$max": "$start"},
                        **{name: {"$sum": amount(f"$rows.{name}")} for name in COUNTS},
                    }
                },
            ]
        )
        for group in found:
            own = group["_id"]
            # MongoDB finds a list by the types of its elements.
            if isinstance(group["last"], datetime) and isinstance(own["track"], str):
                yield own["user"], own["track"], group, group["last"]

    def totals(self, user_id: str) -> dict[str, TrackPlays]:
        """How often a listener played each track, by id, within the retention of facts."""
        found = self.aggregate(
            [
                *_rows(
                    {"user_id": user_id},
                    {"rows.plays": {"$gt": 0, "$lte": 2**53}, "rows.track_id": {"$type": "string"}},
                ),
                {
                    "$group": {
                        "_id": "$rows.track_id",
                        "plays": {"$sum": "$rows.plays"},
                        "last": {"$max": "$start"},
                    }
                },
            ]
        )
        return {
            group["_id"]: TrackPlays(int(group["plays"]), group["last"])
            for group in found
            if isinstance(group["_id"], str) and isinstance(group["last"], datetime)
        }

    def latest_completions(self, user_ids: Sequence[str], *, since: datetime, limit: int) -> list[Completion]:
        """The completions of these listeners by track, latest first."""
        last = self.aggregate(
            [
                *_rows(
                    {"user_id": {"$in": list(user_ids)}, "start": {"$gte": since}},
                    {"rows.completions": {"$gt": 0, "$lte": 2**53}, "rows.track_id": {"$type": "string"}},
                ),
                {
                    "$group": {
                        "_id": {"user": "$user_id", "track": "$rows.track_id"},
                        "at": {"$max": "$start"},
                        "times": {"$sum": "$rows.completions"},
                    }
                },
                {"$sort": {"at": -1, "_id": 1}},
                {"$limit": limit},
            ]
        )
        return [
            Completion(group["_id"]["user"], group["_id"]["track"], group["at"], group["times"])
            for group in last
            # No date after the year 9999; $type also finds lists with a text.
            if isinstance(group["at"], datetime) and isinstance(group["_id"]["track"], str)
        ]

    def active_days(self, *, since: datetime, until: datetime) -> list[tuple[date, str]]:
        """(day in UTC, user_id), once for each day on which a listener acted."""
        day = {"$dateTrunc": {"date": "$start", "unit": "day"}}
        days = self.aggregate(
            [
                {
                    "$match": {
                        "start": {"$gte": since, "$lt": until},
                        "first_at": {"$ne": None},
                        "user_id": {"$type": "string"},
                    }
                },
                {"$group": {"_id": {"day": day, "user": "$user_id"}}},
            ]
        )
        return [(group["_id"]["day"].date(), group["_id"]["user"]) for group in days]

    def outcomes(self, variants: Sequence[str], *, since: datetime) -> Iterator[Mapping[str, Any]]:
        """The outcomes of recommendations by listener (`user_id`) and `variant`, in windows from `since` on.

        `seen`, `clicked`, `heard`, `liked`: tracks, once per window; `plays`, `completions`, `skips`: as in
        :mod:`segue.engagement.definitions`.
        """
        for group in self.aggregate(_outcomes(since, variants)):
            yield {"user_id": group["_id"]["user"], "variant": group["_id"]["variant"], **group}


def _activity_of(fact: Mapping[str, Any]) -> ActivitySpan:
    """A listener's activity in a window; the fact must have actions."""
    rows = fact.get("rows", ())  # MongoDB leaves out a list that is not one
    sums = (sum(row.get(name, 0) for row in rows) for name in ActivitySpan.COUNTS)
    return ActivitySpan(fact["first_at"], fact["last_at"], *sums)


def _rows(facts: Document, rows: Document) -> list[Document]:
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
                "listeners": _number_of(_PLAYED),
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


_PLAYED: Document = {"$gt": [{"$add": ["$starts", "$plays"]}, 0]}
_SEEN: Document = {"$gt": ["$impressions", 0]}
_LIKED: Document = {"$gt": ["$likes", 0]}


def _number_of(*conditions: Document) -> Document:
    return {"$sum": {"$cond": [{"$and": list(conditions)}, 1, 0]}}


def _outcomes(since: datetime, variants: Sequence[str]) -> list[Document]:
    counted = ("impressions", "starts", "plays", "completions", "skips", "likes")
    return [
        {"$match": {"start": {"$gte": since}, "user_id": {"$type": "string"}}},
        {"$project": {"user_id": 1, "rows": 1}},
        {"$unwind": "$rows"},
        # Explored tracks have a suffix after the variant: segue.ranking.variants.variant_label.
        {"$set": {"variant": {"$first": {"$split": [text("$rows.variant"), "/"]}}}},
        {"$match": {"variant": {"$in": list(variants)}, **PUBLIC}},
        {
            "$group": {
                "_id": {"fact": "$_id", "user": "$user_id", "variant": "$variant", "track": "$rows.track_id"},
                **{name: {"$sum": amount(f"$rows.{name}")} for name in counted},
            }
        },
        {
            "$group": {
                "_id": {"user": "$_id.user", "variant": "$_id.variant"},
                **{name: {"$sum": f"${name}"} for name in ("plays", "completions", "skips")},
                "seen": _number_of(_SEEN),
                "clicked": _number_of(_SEEN, _PLAYED),
                "heard": _number_of(_PLAYED),
                "liked": _number_of(_PLAYED, _LIKED),
            }
        },
        {"$sort": {"_id.user": 1}},
    ]


def _time(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
