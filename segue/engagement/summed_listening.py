"""The part of `listening` that sums up facts, for pages, memories and experiments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from segue.engagement.definitions import COUNTS
from segue.engagement.facts import StoredFact
from segue.engagement.listening import PLAYED, PUBLIC, Listening, number_of, rows_of, time_of
from segue.storage.mongo import ASCENDING, Document, amount, text
from segue.taste.corrections import Span

_LONG_AGO = datetime.fromtimestamp(0, UTC)
"""The time of a window with a damaged start."""


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


class SummedListening(Listening):
    """The facts, as sums over windows, tracks or days."""

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
                *rows_of({"user_id": user_id}, {"rows.plays": {"$gt": 0}}),
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
        if spans := [
            {"start": {"$gte": time_of(span.since), "$lt": time_of(span.until)}} for span in without
        ]:
            wanted["$nor"] = spans
        found = self.aggregate(
            [
                *rows_of(wanted, {"rows.track_id": {"$type": "string"}}),
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

    def totals(self, user_id: str, *, without_early_skips: bool = False) -> dict[str, TrackPlays]:
        """How often a listener played each track, by id, within the retention of facts.

        `without_early_skips` leaves out the plays that ended as early skips.
        """
        skipped = amount("$rows.early_skips") if without_early_skips else 0
        found = self.aggregate(
            [
                *rows_of(
                    {"user_id": user_id},
                    {"rows.plays": {"$gt": 0, "$lte": 2**53}, "rows.track_id": {"$type": "string"}},
                ),
                {"$set": {"plays": {"$subtract": [amount("$rows.plays"), skipped]}}},
                {"$match": {"plays": {"$gt": 0}}},
                {
                    "$group": {
                        "_id": "$rows.track_id",
                        "plays": {"$sum": "$plays"},
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
                *rows_of(
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


_SEEN: Document = {"$gt": ["$impressions", 0]}
_LIKED: Document = {"$gt": ["$likes", 0]}


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
                "seen": number_of(_SEEN),
                "clicked": number_of(_SEEN, PLAYED),
                "heard": number_of(PLAYED),
                "liked": number_of(PLAYED, _LIKED),
            }
        },
        {"$sort": {"_id.user": 1}},
    ]
