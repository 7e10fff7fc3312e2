"""What all listeners do, read from MongoDB for whoever runs the service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from pymongo.database import Database

from segue.catalog.tracks import PLAYABLE
from segue.dashboard.queries.live import tracks as named_tracks
from segue.engagement.definitions import COUNTS
from segue.engagement.listening import Listening
from segue.engagement.patterns import with_counts
from segue.engagement.statistics import ListeningStatistics
from segue.storage.mongo import Document
from segue.storage.store import Store


def stats(
    store: Store,
    dimension: str,
    *,
    since: datetime,
    until: datetime,
    keys: Sequence[str] = (),
) -> pd.DataFrame:
    """Statistics by a dimension, of the windows that begin in [since, until); only of `keys` if given."""
    stored = ListeningStatistics(store).between(dimension, since=since, until=until, keys=keys)
    table = with_counts(pd.DataFrame(stored, columns=["start", "key", "listeners", *COUNTS]))
    table["start"] = pd.to_datetime(table["start"], utc=True)
    return table


def active_days(store: Store, *, since: datetime, until: datetime) -> pd.DataFrame:
    """`day` and `user_id`, once for each listener and day (UTC) with a play."""
    return pd.DataFrame(Listening(store).active_days(since=since, until=until), columns=["day", "user_id"])


def catalogue_size(database: Database[Document]) -> int:
    return database.tracks.count_documents({"state": PLAYABLE})


def never_heard(database: Database[Document], heard: set[str], *, limit: int) -> pd.DataFrame:
    """Tracks that are there and that nobody has played, those that are there the longest first."""
    fields = {"title": 1, "artist": 1, "genres": 1}
    found = database.tracks.find({"state": PLAYABLE}, fields).sort("modified_ns", 1)
    rows: list[Document] = []
    for track in found:
        if track["_id"] not in heard:
            genre = next(iter(track.get("genres") or []), "")
            rows.append({"title": track.get("title"), "artist": track.get("artist"), "genre": genre})
            if len(rows) >= limit:
                break
    return pd.DataFrame(rows, columns=["title", "artist", "genre"])


def with_names(database: Database[Document], table: pd.DataFrame) -> pd.DataFrame:
    """Statistics by track with `title` and `artist` in the place of the key."""
    known = named_tracks(database, table["key"])
    named = table.assign(
        title=[known[key].title for key in table["key"]], artist=[known[key].artist for key in table["key"]]
    )
    return named[["title", "artist", *(name for name in table.columns if name != "key")]]
