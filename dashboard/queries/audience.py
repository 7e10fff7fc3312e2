"""What all listeners do, read from MongoDB for whoever runs the service."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

import pandas as pd
from pymongo.database import Database

from segue.catalog.tracks import Tracks
from segue.engagement.definitions import COUNTS
from segue.storage.mongo import Document
from segue.storage.store import Store


def stats(
    database: Database[Document],
    dimension: str,
    *,
    since: datetime,
    until: datetime,
    keys: list[str] | None = None,
) -> pd.DataFrame:
    """Statistics by a dimension, of the windows that begin in [since, until); only of `keys` if given."""
    wanted: Document = {"dimension": dimension, "start": {"$gte": since, "$lt": until}}
    if keys:
        wanted["key"] = {"$in": keys}
    found = list(database.listening_stats.find(wanted, {"_id": 0, "dimension": 0}))
    table = pd.DataFrame(found, columns=["start", "key", "listeners", *COUNTS])
    table["start"] = pd.to_datetime(table["start"], utc=True)
    return table


def keys(database: Database[Document], dimension: str) -> list[str]:
    """What there is to filter by."""
    return sorted(key for key in database.listening_stats.distinct("key", {"dimension": dimension}) if key)


def active_days(database: Database[Document], *, since: datetime, until: datetime) -> pd.DataFrame:
    """`day` and `user_id`, once for each listener and day (UTC) with a play."""
    found = database.listening.aggregate(
        [
            {"$match": {"start": {"$gte": since, "$lt": until}, "first_at": {"$ne": None}}},
            {
                "$group": {
                    "_id": {"day": {"$dateTrunc": {"date": "$start", "unit": "day"}}, "user": "$user_id"}
                }
            },
        ]
    )
    pairs = [(one["_id"]["day"].date(), one["_id"]["user"]) for one in found]
    return pd.DataFrame(pairs, columns=["day", "user_id"])


def sessions(database: Database[Document], *, since: datetime, until: datetime) -> Document:
    """How many sessions began in [since, until), and how long they lasted on average."""
    between = {"$gte": since.timestamp() * 1000, "$lt": until.timestamp() * 1000}
    sums = {
        "sessions": {"$sum": 1},
        "minutes": {"$avg": {"$divide": [{"$subtract": ["$last_at", "$first_at"]}, 60_000]}},
        "plays": {"$avg": "$plays"},
    }
    steps: list[Document] = [{"$match": {"first_at": between}}, {"$group": {"_id": None, **sums}}]
    return next(iter(database.listening_sessions.aggregate(steps)), {"sessions": 0, "minutes": 0, "plays": 0})


def catalogue_size(database: Database[Document]) -> int:
    """How many tracks listeners may be offered."""
    return Tracks(Store(database)).count_playable()


def never_heard(database: Database[Document], heard: set[str], *, limit: int) -> pd.DataFrame:
    """Tracks that are there and that nobody has played, those that are there the longest first."""
    tracks = Tracks(Store(database)).oldest_first()
    unheard = islice((track for track in tracks if track.track_id not in heard), limit)
    rows = [(track.title, track.artist, track.genre or "") for track in unheard]
    return pd.DataFrame(rows, columns=["title", "artist", "genre"])


def with_names(database: Database[Document], table: pd.DataFrame) -> pd.DataFrame:
    """Statistics by track with `title` and `artist` in the place of the key."""
    known = Tracks(Store(database)).named(table["key"])
    named = table.assign(
        title=[known[key].title for key in table["key"]], artist=[known[key].artist for key in table["key"]]
    )
    return named[["title", "artist", *(name for name in table.columns if name != "key")]]
