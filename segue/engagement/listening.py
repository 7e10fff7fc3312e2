"""What each listener did in each window: the facts in MongoDB.

Delivery: a fact is a whole document under its window and listener, and of two versions the one made of more
events stays, so that repeating a batch, or recounting beside the running stream, changes nothing. Statistics
are computed by MongoDB from the facts of a window and replace what was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from segue.engagement.definitions import COUNTS, DIMENSIONS
from segue.engagement.facts import Fact, StoredFact
from segue.engagement.sessionization import ActivitySpan
from segue.engagement.statistics import ListeningStatistics
from segue.storage.mongo import ASCENDING, DESCENDING, Document, UpdateOne
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

_AT_ONCE = 1000
"""Facts that are written together."""


class Completion(NamedTuple):
    """The completions of a track by a listener."""

    user_id: str
    track_id: str
    at: datetime
    """The window of the last one."""
    times: int


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
        """Let MongoDB remove facts of windows that began so long ago."""
        self.make(Index.on("start", keep=time))

    # Written by the stream and by the recount.

    def write(self, facts: Sequence[Fact], *, definitions: str) -> None:
        """Keep each fact unless the stored one, by the same definitions, is made of more events."""
        operations: list[UpdateOne] = []
        for fact in facts:
            document = {"$literal": fact.document(definitions=definitions)}
            newer = {"$and": [{"$eq": ["$definitions", definitions]}, {"$gt": ["$events", fact.events]}]}
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
        """How many of these facts are stored otherwise, or not at all."""
        expected = {fact.id: fact.document(definitions=definitions) for fact in facts}
        stored = {fact["_id"]: fact for fact in self.documents.find({"_id": {"$in": list(expected)}})}
        return sum(stored.get(own) != document for own, document in expected.items())

    def count_outdated(self, *, since: datetime, definitions: str) -> int:
        """How many facts of windows from `since` on were counted by other definitions."""
        return self.documents.count_documents(_outdated(since, definitions))

    def remove_outdated(self, *, since: datetime, definitions: str) -> None:
        """Remove the facts of windows from `since` on that were counted by other definitions."""
        self.documents.delete_many(_outdated(since, definitions))

    def starts(self, *, since: datetime | None = None) -> list[datetime]:
        """The windows that have facts, from `since` on."""
        return self.documents.distinct("start", {} if since is None else {"start": {"$gte": since}})

    def count(self) -> int:
        """About how many facts there are."""
        return self.documents.estimated_document_count()

    def activity(
        self, spans: Mapping[str, tuple[int, int]], *, definitions: str
    ) -> Iterator[tuple[str, ActivitySpan]]:
        """(user_id, activity) of the windows in which each listener acted within their span (epoch ms)."""
        low, high = min(low for low, _ in spans.values()), max(high for _, high in spans.values())
        wanted = {
            "user_id": {"$in": list(spans)},
            # What a window holds lies within it, and no window is longer than a day.
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
        """A listener's facts of the windows that begin in [since, until)."""
        return iter(self.documents.find({"user_id": user_id, "start": {"$gte": since, "$lt": until}}))

    def began(self, user_id: str) -> datetime | None:
        """The first window that is kept of a listener; None for one who has done nothing yet."""
        first = self.documents.find_one({"user_id": user_id}, {"start": 1}, sort=[("start", ASCENDING)])
        return first["start"] if first else None

    def first_heard(self, user_id: str, by: Literal["track_id", "artist"]) -> dict[str, datetime]:
        """When a listener first heard each track or artist, as far back as facts are kept."""
        first = self.aggregate(
            [
                *_rows({"user_id": user_id}, {"rows.plays": {"$gt": 0}}),
                {"$group": {"_id": f"$rows.{by}", "first": {"$min": "$start"}}},
            ]
        )
        return {group["_id"]: group["first"] for group in first}

    def latest_completions(self, user_ids: Sequence[str], *, since: datetime, limit: int) -> list[Completion]:
        """The completions of these listeners by track, the latest first."""
        last = self.aggregate(
            [
                *_rows(
                    {"user_id": {"$in": list(user_ids)}, "start": {"$gte": since}},
                    {"rows.completions": {"$gt": 0}},
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
        ]

    def active_days(self, *, since: datetime, until: datetime) -> list[tuple[date, str]]:
        """(day in UTC, user_id), once for each day on which a listener did something."""
        day = {"$dateTrunc": {"date": "$start", "unit": "day"}}
        days = self.aggregate(
            [
                {"$match": {"start": {"$gte": since, "$lt": until}, "first_at": {"$ne": None}}},
                {"$group": {"_id": {"day": day, "user": "$user_id"}}},
            ]
        )
        return [(group["_id"]["day"].date(), group["_id"]["user"]) for group in days]

    def outcomes(self, variants: Sequence[str], *, since: datetime) -> Iterator[Mapping[str, Any]]:
        """What came of recommendations, by listener (`user_id`) and `variant`, from the windows since then.

        `seen`, `clicked`, `heard`, `liked`: tracks, each once a window; `plays`, `completions`, `skips`:
        as :mod:`segue.engagement.definitions` counts them.
        """
        for group in self.aggregate(_outcomes(since, variants)):
            yield {"user_id": group["_id"]["user"], "variant": group["_id"]["variant"], **group}


def _activity_of(fact: Mapping[str, Any]) -> ActivitySpan:
    """What a listener did in a window; the fact must have actions."""
    sums = (sum(row.get(name, 0) for row in fact["rows"]) for name in ActivitySpan.COUNTS)
    return ActivitySpan(fact["first_at"], fact["last_at"], *sums)


def _rows(facts: Document, rows: Document) -> list[Document]:
    """The rows of facts, each in a document of its own."""
    return [{"$match": facts}, {"$unwind": "$rows"}, {"$match": rows}]


def _outdated(since: datetime, definitions: str) -> Document:
    return {"start": {"$gte": since}, "definitions": {"$ne": definitions}}


def _counting(times: list[datetime], dimension: str, field: str | None) -> list[Document]:
    key: Any = "" if field is None else {"$toString": {"$ifNull": [f"$rows.{field}", ""]}}
    return [
        {"$match": {"start": {"$in": times}}},
        {"$project": {"start": 1, "rows": 1}},
        {"$unwind": "$rows"},
        # By fact first: a listener is counted once under a key, however many rows have it.
        {
            "$group": {
                "_id": {"fact": "$_id", "start": "$start", "key": key},
                **{name: {"$sum": f"$rows.{name}"} for name in COUNTS},
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
        {"$match": {"start": {"$gte": since}}},
        {"$project": {"user_id": 1, "rows": 1}},
        {"$unwind": "$rows"},
        # Exploration has a label of its own behind the variant: segue.ranking.variants.variant_label.
        {"$set": {"variant": {"$first": {"$split": ["$rows.variant", "/"]}}}},
        {"$match": {"variant": {"$in": list(variants)}}},
        {
            "$group": {
                "_id": {"fact": "$_id", "user": "$user_id", "variant": "$variant", "track": "$rows.track_id"},
                **{name: {"$sum": f"$rows.{name}"} for name in counted},
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
