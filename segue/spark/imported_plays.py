"""Imported and delayed plays as a batch, beside the plays of the topic, for the training of models."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segue.catalog.tracks import Tracks
from segue.engagement.imported_facts import Ending, heard_once
from segue.imports.days import ImportedDays, plays_in
from segue.imports.songs import ImportedSongs
from segue.plays.event_types import ENDS
from segue.storage.store import Store

_TOLERANCE = 60_000
"""Milliseconds between the ends of an imported and a live play that are the same."""
_FIELDS = pa.schema(
    [
        ("user_id", pa.string()),
        ("event_id", pa.string()),
        ("track_id", pa.string()),
        ("type", pa.string()),
        ("occurred_at", pa.int64()),
        ("ms_played", pa.int64()),
        ("duration_ms", pa.int64()),
    ]
)
"""The fields of a Play that steps are made of."""
_AT_ONCE = 100_000


def with_imported(live: DataFrame, spark: SparkSession, store: Store, *, most: int) -> DataFrame:
    """Play -> the fields of Play that steps need, with the imported plays of tracks in the library.

    An imported play that is also live counts once.

    Parameters
    ----------
    live
        The plays of the topic.
    most
        Plays of one listener, the newest: older ones can be in no step that is learned from.
    """
    names = list(_FIELDS.names)
    parts = list(_tables(store, most=most))
    if not parts:
        return live.select(*names)
    imported = spark.createDataFrame(pa.concat_tables(parts))
    # Live plays name a minute of their end: the one of an imported play, or one beside it.
    minute = F.floor(F.col("occurred_at") / _TOLERANCE)
    seen = live.where(F.col("type").isin(*ENDS)).select(
        "user_id", "track_id", F.explode(F.array(minute - 1, minute, minute + 1)).alias("minute")
    )
    new = imported.withColumn("minute", minute).join(
        seen.distinct(), on=["user_id", "track_id", "minute"], how="left_anti"
    )
    return live.select(*names).unionByName(new.select(*names))


def _tables(store: Store, *, most: int) -> Iterator[pa.Table]:
    rows: list[dict[str, object]] = []
    for user_id in ImportedDays(store).listeners():
        for ending in _newest(store, user_id, most=most):
            event = ending.event()
            rows.append({name: event.get(name, user_id) for name in _FIELDS.names})
            if len(rows) == _AT_ONCE:
                yield pa.Table.from_pylist(rows, schema=_FIELDS)
                rows = []
    if rows:
        yield pa.Table.from_pylist(rows, schema=_FIELDS)


def _newest(store: Store, user_id: str, *, most: int) -> Iterator[Ending]:
    """The newest imported plays of a listener that are of tracks in the library."""
    matches = {
        key: match.track_id
        for key, match in ImportedSongs(store).matches(user_id).items()
        if match.track_id is not None
    }
    lengths = Tracks(store).lengths(set(matches.values()))
    left = most
    for day in ImportedDays(store).days(user_id, newest_first=True):
        for play in reversed(list(heard_once(plays_in(day), matches, lengths))):
            track_id = matches.get(play.song)
            if track_id is None:
                continue
            if not left:
                return
            left -= 1
            yield Ending.of(play, track_id, lengths.get(track_id, 0))
