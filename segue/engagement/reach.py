"""How many people a track reaches over a period, from the facts.

A person counts once for a track, in however many windows of the period they played it to an end. A listener
is a person who heard it, for :data:`HEARD_MS` or completely: a start or an early skip makes no listener.

A new person counts a quarter, so that a crowd of fresh guests does not outweigh the others. People are no
longer new if they heard something at least :data:`NEW_FOR` ago, and again a day later or more, before the
last day. On a service that is younger than that, all people count in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from segue.engagement.listening import MARKS, PUBLIC, Listening
from segue.storage.mongo import ASCENDING, DESCENDING, Document, amount

NEW_FOR = timedelta(days=3)
"""Far longer than `stream.allowed_lateness`: nobody gets older by sending former plays."""
NEW_WEIGHT = 0.25
DAY = timedelta(days=1)
HEARD_MS = 30_000
"""The listening time that makes a listener. A completion makes one, too, since short tracks have less."""
_MS = timedelta(milliseconds=1)
MOST_TRACKS = 2_000
"""The tracks of a person that count in a period."""


class TrackReach(NamedTuple):
    """The people whom a track reached in a period."""

    track_id: str
    listeners: int
    """The people who heard it."""
    weight: float
    """The sum of the weights of the people who played it, skips included."""
    heard: float
    """The sum of the weights of the listeners."""
    kept: float
    """The same, each multiplied by the share of the person's plays that were no skips."""
    skipped: float
    """The sum of the weights of the people who played it, each multiplied by the share of early skips."""
    liked: float
    """The same with the likes for each play, at most 1."""


class ListeningReach(Listening):
    """The people behind the facts."""

    def reached(self, *, since: datetime, until: datetime, tracks: Sequence[str] = ()) -> list[TrackReach]:
        """The people whom tracks reached in the windows that begin in [since, until), by track id.

        Parameters
        ----------
        tracks
            The only tracks to look at; by default all that were played.
        """
        new_since: datetime | None = until - NEW_FOR
        first = self.documents.find_one(
            {"start": {"$type": "date"}}, {"start": 1}, sort=[("start", ASCENDING)]
        )
        if first is None or first["start"] >= until - NEW_FOR:
            new_since = None  # the service itself is new
        steps = _reach(since, until, facts=self.name, new_since=new_since, tracks=tracks)
        found = [
            TrackReach(one["_id"], *(round(one[name], 6) for name in TrackReach._fields[1:]))
            for one in self.aggregate(steps)
        ]
        # MongoDB finds a list by the types of its elements.
        return sorted(one for one in found if isinstance(one.track_id, str))


def _reach(
    since: datetime, until: datetime, *, facts: str, new_since: datetime | None, tracks: Sequence[str] = ()
) -> list[Document]:
    """Pipeline steps over facts that yield the fields of :class:`TrackReach`, with the track as `_id`.

    Parameters
    ----------
    facts
        The name of the collection of facts.
    new_since
        People who heard nothing before this time are new; None: nobody is.
    tracks
        The only tracks to look at; by default all.
    """
    wanted: Document = {"rows.track_id": {"$in": list(tracks)}} if tracks else {}
    return [
        {"$match": {"start": {"$gte": since, "$lt": until}, "user_id": {"$type": "string"}, **wanted}},
        {"$project": {"user_id": 1, **{f"rows.{name}": 1 for name in ("track_id", *MARKS, *_COUNTED)}}},
        {"$unwind": "$rows"},
        {"$match": {"rows.track_id": {"$in": list(tracks)} if tracks else {"$type": "string"}, **PUBLIC}},
        {
            "$group": {
                "_id": {"user": "$user_id", "track": "$rows.track_id"},
                **{name: {"$sum": amount(f"$rows.{name}")} for name in _COUNTED},
            }
        },
        {"$match": {"plays": {"$gt": 0}}},
        {"$set": {"heard": {"$cond": [_HEARD, 1, 0]}}},
        {
            "$set": {
                "kept": {"$multiply": ["$heard", {"$subtract": [1, _share("$skips")]}]},
                "skipped": _share("$early_skips"),
                "liked": _share("$likes"),
            }
        },
        *(_weighted(facts, new_since, until - DAY) if new_since else [{"$set": {"weight": 1}}]),
        {
            "$group": {
                "_id": "$_id.track",
                "listeners": {"$sum": "$heard"},
                "weight": {"$sum": "$weight"},
                **{name: {"$sum": {"$multiply": ["$weight", f"${name}"]}} for name in _SHARES},
            }
        },
    ]


_COUNTED = ("plays", "completions", "skips", "early_skips", "likes", "listening_ms")
_SHARES = ("heard", "kept", "skipped", "liked")
_HEARD: Document = {"$or": [{"$gt": ["$completions", 0]}, {"$gte": ["$listening_ms", HEARD_MS]}]}
_HEARD_SOMETHING: Document = {
    "rows": {
        "$elemMatch": {
            **{mark: {"$ne": True} for mark in MARKS},
            "$or": [{"completions": {"$gt": 0}}, {"listening_ms": {"$gte": HEARD_MS}}],
        }
    }
}


def _share(count: str) -> Document:
    """The count for each play of the person, at most 1."""
    return {"$min": [1, {"$divide": [count, {"$max": [1, "$plays"]}]}]}


def _found(facts: str, before: datetime, order: int, name: str) -> Document:
    """The step that looks for the first or the last fact before a time in which a person heard something."""
    return {
        "$lookup": {
            "from": facts,
            "localField": "_id",
            "foreignField": "user_id",
            "pipeline": [
                {"$match": {"start": {"$lt": before}, **_HEARD_SOMETHING}},
                {"$sort": {"start": order}},
                {"$limit": 1},
                {"$project": {"start": 1}},
            ],
            "as": name,
        }
    }


def _are_dates(*values: Document) -> Document:
    """Whether all values are dates: a damaged fact may have a list of them."""
    return {"$and": [{"$eq": [{"$type": value}, "date"]} for value in values]}


def _weighted(facts: str, new_since: datetime, last_day: datetime) -> list[Document]:
    """The steps that add the weight of the person: two looks at the facts for each person."""
    first, last = ({"$first": f"${name}.start"} for name in ("first", "last"))
    pair = {"track": "$_id.track", **{name: f"${name}" for name in _SHARES}}
    return [
        {"$group": {"_id": "$_id.user", "tracks": {"$firstN": {"input": pair, "n": MOST_TRACKS}}}},
        _found(facts, new_since, ASCENDING, "first"),
        _found(facts, last_day, DESCENDING, "last"),
        {"$set": {"apart": {"$cond": [_are_dates(first, last), {"$subtract": [last, first]}, 0]}}},
        {"$set": {"weight": {"$cond": [{"$gte": ["$apart", DAY // _MS]}, 1, NEW_WEIGHT]}}},
        {"$unwind": "$tracks"},
        {
            "$project": {
                "_id": {"track": "$tracks.track"},
                "weight": 1,
                **{name: f"$tracks.{name}" for name in _SHARES},
            }
        },
    ]
