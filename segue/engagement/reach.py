"""How many people a track reaches over a period, from the facts.

A person counts once for a track, in however many windows of the period they played it. A person who came less
than :data:`NEW_FOR` ago counts a quarter, so that a crowd of fresh guests does not outweigh the others. On a
service that is younger than that, all people count in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from segue.engagement.listening import MARKS, PUBLIC, Listening
from segue.storage.mongo import ASCENDING, Document, amount

NEW_FOR = timedelta(days=3)
"""Far longer than `stream.allowed_lateness`: nobody gets older by sending former plays."""
NEW_WEIGHT = 0.25
MOST_TRACKS = 2_000
"""The tracks of a person that count in a period."""


class TrackReach(NamedTuple):
    """The people whom a track reached in a period."""

    track_id: str
    listeners: int
    """The people who played it."""
    weight: float
    """The sum of their weights."""
    kept: float
    """The same, each multiplied by the share of the person's plays that were no skips."""
    skipped: float
    """The same with the share of early skips."""
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
        steps = _reach({"$gte": since, "$lt": until}, facts=self.name, new_since=new_since, tracks=tracks)
        found = [
            TrackReach(one["_id"], *(round(one[name], 6) for name in TrackReach._fields[1:]))
            for one in self.aggregate(steps)
        ]
        # MongoDB finds a list by the types of its elements.
        return sorted(one for one in found if isinstance(one.track_id, str))


def _reach(
    span: Document, *, facts: str, new_since: datetime | None, tracks: Sequence[str] = ()
) -> list[Document]:
    """Pipeline steps over facts that yield the fields of :class:`TrackReach`, with the track as `_id`.

    Parameters
    ----------
    span
        A condition on the start of windows.
    facts
        The name of the collection of facts.
    new_since
        People without a fact before this time are new; None: nobody is.
    tracks
        The only tracks to look at; by default all.
    """
    wanted: Document = {"rows.track_id": {"$in": list(tracks)}} if tracks else {}
    return [
        {"$match": {"start": span, "user_id": {"$type": "string"}, **wanted}},
        {"$project": {"user_id": 1, **{f"rows.{name}": 1 for name in ("track_id", *MARKS, *_COUNTED)}}},
        {"$unwind": "$rows"},
        {"$match": {"rows.track_id": {"$in": list(tracks)} if tracks else {"$type": "string"}, **PUBLIC}},
        {
            "$group": {
                "_id": {"user": "$user_id", "track": "$rows.track_id"},
                **{name: {"$sum": amount(f"$rows.{name}")} for name in _COUNTED},
            }
        },
        {"$match": {"$expr": {"$gt": [{"$add": ["$starts", "$plays"]}, 0]}}},
        {
            "$set": {
                "kept": {"$subtract": [1, _share("$skips")]},
                "skipped": _share("$early_skips"),
                "liked": _share("$likes"),
            }
        },
        *(_weighted(facts, new_since) if new_since else [{"$set": {"weight": 1}}]),
        {
            "$group": {
                "_id": "$_id.track",
                "listeners": {"$sum": 1},
                "weight": {"$sum": "$weight"},
                **{name: {"$sum": {"$multiply": ["$weight", f"${name}"]}} for name in _SHARES},
            }
        },
    ]


_COUNTED = ("starts", "plays", "skips", "early_skips", "likes")
_SHARES = ("kept", "skipped", "liked")


def _share(count: str) -> Document:
    """The count for each play of the person, at most 1."""
    return {"$min": [1, {"$divide": [count, {"$max": [1, "$plays"]}]}]}


def _weighted(facts: str, new_since: datetime) -> list[Document]:
    """The steps that add the weight of the person: one look at the facts for each person."""
    pair = {"track": "$_id.track", **{name: f"${name}" for name in _SHARES}}
    return [
        {"$group": {"_id": "$_id.user", "tracks": {"$firstN": {"input": pair, "n": MOST_TRACKS}}}},
        {
            "$lookup": {
                "from": facts,
                "localField": "_id",
                "foreignField": "user_id",
                "pipeline": [
                    {"$match": {"start": {"$lt": new_since}}},
                    {"$limit": 1},
                    {"$project": {"_id": 1}},
                ],
                "as": "before",
            }
        },
        {"$set": {"weight": {"$cond": [{"$eq": ["$before", []]}, NEW_WEIGHT, 1]}}},
        {"$unwind": "$tracks"},
        {
            "$project": {
                "_id": {"track": "$tracks.track"},
                "weight": 1,
                **{name: f"$tracks.{name}" for name in _SHARES},
            }
        },
    ]
