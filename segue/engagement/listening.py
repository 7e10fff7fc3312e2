"""Facts, statistics and sessions in MongoDB.

Delivery: a fact is a whole document under its window and listener, and of two versions the one made of more
events stays, so that repeating a batch, or recounting beside the running stream, changes nothing. Statistics
are computed by MongoDB from the facts of a window and replace what was there; sessions likewise, from the
facts around the changed ones. After a crash in the middle, the repeated batch ends in the same documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, ReplaceOne, UpdateOne
from pymongo.database import Database

from segue.engagement.definitions import COUNTS, DIMENSIONS
from segue.engagement.facts import Fact
from segue.engagement.sessions import Session, Spell, sessions_of
from segue.storage.mongo import Document, keep_for

_TOTALS = {name: {"$sum": f"${name}"} for name in COUNTS}


def prepare(database: Database[Document], *, keep: timedelta) -> None:
    """Make the indexes; facts and sessions leave `keep` after their time, statistics stay."""
    keep_for(database, "listening", "start", keep)
    database.listening.create_index([("user_id", ASCENDING), ("start", DESCENDING)])
    database.listening_stats.create_index([("dimension", ASCENDING), ("start", ASCENDING)])
    database.listening_stats.create_index(
        [("dimension", ASCENDING), ("key", ASCENDING), ("start", ASCENDING)]
    )
    keep_for(database, "listening_sessions", "ended_at", keep)
    database.listening_sessions.create_index([("user_id", ASCENDING), ("last_at", DESCENDING)])


def write_facts(database: Database[Document], facts: Sequence[Fact], *, definitions: str) -> None:
    """Keep each fact unless the stored one, by the same definitions, is made of more events."""
    operations = []
    for fact in facts:
        document = {"$literal": fact.document(definitions=definitions)}
        newer = {"$and": [{"$eq": ["$definitions", definitions]}, {"$gt": ["$events", fact.events]}]}
        replaced = [{"$replaceWith": {"$cond": [newer, "$$ROOT", document]}}]
        operations.append(UpdateOne({"_id": fact.id}, replaced, upsert=True))
    for first in range(0, len(operations), 1000):
        database.listening.bulk_write(operations[first : first + 1000], ordered=False)


def count_windows(database: Database[Document], starts: Sequence[int]) -> None:
    """Compute the statistics of windows (epoch ms) from their facts, by every dimension, inside MongoDB."""
    if not starts:
        return
    times = [_time(start) for start in starts]
    for dimension, field in DIMENSIONS.items():
        database.listening.aggregate(_counting(times, dimension, field))


def _counting(times: list[datetime], dimension: str, field: str | None) -> list[Document]:
    key: Any = "" if field is None else {"$toString": {"$ifNull": [f"$rows.{field}", ""]}}
    listener = {"$cond": [{"$gt": [{"$add": ["$starts", "$plays"]}, 0]}, 1, 0]}
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
                **_TOTALS,
                "listeners": {"$sum": listener},
            }
        },
        {"$set": {"dimension": dimension, "start": "$_id.start", "key": "$_id.key"}},
        {"$set": {"_id": {"dimension": "$dimension", "start": "$start", "key": "$key"}}},
        {"$merge": {"into": "listening_stats", "whenMatched": "replace", "whenNotMatched": "insert"}},
    ]


def rebuild_sessions(
    database: Database[Document], facts: Sequence[Fact], *, gap: timedelta, definitions: str
) -> None:
    """Join anew the sessions that the changed facts belong to or touch, from facts of these definitions.

    The new ones are written before those that they replace are removed: a crash in between leaves both, and
    the repeated batch finds and clears them up.
    """
    reach = int(gap.total_seconds() * 1000)
    touched: dict[str, tuple[int, int]] = {}
    for fact in facts:
        if fact.first_at is not None and fact.last_at is not None:
            low, high = touched.get(fact.user_id, (fact.first_at, fact.last_at))
            touched[fact.user_id] = (min(low, fact.first_at), max(high, fact.last_at))
    if not touched:
        return
    old = _sessions_near(database, touched, reach)
    spans = {
        user: (
            min([low, *(one["first_at"] for one in old[user])]) - reach,
            max([high, *(one["last_at"] for one in old[user])]) + reach,
        )
        for user, (low, high) in touched.items()
    }
    spells = _spells_in(database, spans, definitions)
    new = {
        f"{session.first_at}:{user}": _session(user, session)
        for user in touched
        for session in sessions_of(spells[user], gap=gap)
    }
    for batch in _batches(list(new)):
        database.listening_sessions.bulk_write(
            [ReplaceOne({"_id": own}, new[own], upsert=True) for own in batch], ordered=False
        )
    stale = [one["_id"] for ones in old.values() for one in ones if one["_id"] not in new]
    if stale:
        database.listening_sessions.delete_many({"_id": {"$in": stale}})


def _sessions_near(
    database: Database[Document], touched: Mapping[str, tuple[int, int]], reach: int
) -> dict[str, list[Document]]:
    """The stored sessions of each listener that end or begin within reach of what changed."""
    low, high = min(a for a, _ in touched.values()), max(b for _, b in touched.values())
    wanted = {
        "user_id": {"$in": list(touched)},
        "last_at": {"$gte": low - reach},
        "first_at": {"$lte": high + reach},
    }
    found: dict[str, list[Document]] = {user: [] for user in touched}
    for one in database.listening_sessions.find(wanted, {"user_id": 1, "first_at": 1, "last_at": 1}):
        first, last = touched[one["user_id"]]
        if one["last_at"] >= first - reach and one["first_at"] <= last + reach:
            found[one["user_id"]].append(one)
    return found


def _spells_in(
    database: Database[Document], spans: Mapping[str, tuple[int, int]], definitions: str
) -> dict[str, list[Spell]]:
    low, high = min(low for low, _ in spans.values()), max(high for _, high in spans.values())
    wanted = {
        "user_id": {"$in": list(spans)},
        # What a window holds lies within it, and no window is longer than a day.
        "start": {"$gte": _time(low) - timedelta(days=1), "$lte": _time(high)},
        "definitions": definitions,
        "last_at": {"$gte": low},
        "first_at": {"$lte": high},
    }
    fields = {"user_id": 1, "first_at": 1, "last_at": 1, **{f"rows.{name}": 1 for name in _SPELL}}
    found: dict[str, list[Spell]] = defaultdict(list)
    for fact in database.listening.find(wanted, fields):
        first, last = spans[fact["user_id"]]
        if fact["last_at"] >= first and fact["first_at"] <= last:
            found[fact["user_id"]].append(spell(fact))
    return found


_SPELL = ("plays", "skips", "listening_ms")


def spell(fact: Document) -> Spell:
    """A stored fact as a spell; it must have actions."""
    sums = (sum(row[name] for row in fact["rows"]) for name in _SPELL)
    return Spell(fact["first_at"], fact["last_at"], *sums)


def _session(user: str, session: Session) -> Document:
    return {
        "user_id": user,
        "first_at": session.first_at,
        "last_at": session.last_at,
        "ended_at": _time(session.last_at),
        "plays": session.plays,
        "skips": session.skips,
        "listening_ms": session.listening_ms,
    }


def _time(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _batches(ids: list[str], size: int = 1000) -> Iterable[list[str]]:
    return (ids[first : first + size] for first in range(0, len(ids), size))
