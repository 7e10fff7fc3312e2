"""Statistics of all listeners, for operators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

import pandas as pd

from segue.catalog.tracks import Tracks
from segue.engagement.daily import LongStatistics
from segue.engagement.definitions import COUNTS
from segue.engagement.patterns import with_counts
from segue.engagement.statistics import ListeningStatistics
from segue.engagement.summed_listening import SummedListening
from segue.storage.store import Store


def stats(
    store: Store,
    dimension: str,
    *,
    since: datetime,
    until: datetime,
    keys: Sequence[str] = (),
    by_day: bool = False,
) -> pd.DataFrame:
    """Statistics by a dimension, of the windows that begin in [since, until); only of `keys` if given.

    With `by_day`, the windows of a day may be one row.
    """
    reader = LongStatistics(store) if by_day else ListeningStatistics(store)
    stored = reader.between(dimension, since=since, until=until, keys=keys)
    table = with_counts(pd.DataFrame(stored, columns=["start", "key", "listeners", *COUNTS]))
    table["start"] = pd.to_datetime(table["start"], utc=True)
    return table


def totals(store: Store, dimension: str, *, since: datetime, until: datetime) -> pd.DataFrame:
    """The sums by `key` of a dimension over [since, until): `listeners` (by window) and the counts."""
    sums = LongStatistics(store).sums(dimension, since=since, until=until)
    rows = [{"key": key, **counts} for key, counts in sums.items()]
    return pd.DataFrame(rows, columns=["key", "listeners", *COUNTS])


def active_days(store: Store, *, since: datetime, until: datetime) -> pd.DataFrame:
    """`day` and `user_id`, once for each listener and day (UTC) with a play."""
    return pd.DataFrame(
        SummedListening(store).active_days(since=since, until=until), columns=["day", "user_id"]
    )


def catalogue_size(store: Store) -> int:
    """The number of playable tracks."""
    return Tracks(store).count_playable()


def never_heard(store: Store, heard: set[str], *, limit: int) -> pd.DataFrame:
    """`title`, `artist` and `genre` of the `limit` oldest playable tracks whose ids are not in `heard`."""
    tracks = Tracks(store).oldest_first()
    unheard = islice((track for track in tracks if track.track_id not in heard), limit)
    rows = [(track.title, track.artist, track.genre or "") for track in unheard]
    return pd.DataFrame(rows, columns=["title", "artist", "genre"])


def with_names(store: Store, table: pd.DataFrame) -> pd.DataFrame:
    """Statistics by track, with `title` and `artist` instead of `key`."""
    known = Tracks(store).named(table["key"])
    named = table.assign(
        title=[known[key].title for key in table["key"]], artist=[known[key].artist for key in table["key"]]
    )
    return named[["title", "artist", *(name for name in table.columns if name != "key")]]
