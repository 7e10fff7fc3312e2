"""The loudness of tracks in Spark's Python workers: a thin wrapper over segue.audio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pyarrow as pa

from segue.settings import AudioSettings
from segue.udfs.describe_tracks import describer_of, each_track

MEASURED = "track_id string, integrated double, peak double, blocks binary, reason string, detail string"
"""A row for each track: its :class:`segue.audio.levels.Level`, or the reason why there is none."""
_SCHEMA = pa.schema(
    [
        ("track_id", pa.string()),
        ("integrated", pa.float64()),
        ("peak", pa.float64()),
        ("blocks", pa.binary()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


def measure_tracks(audio: AudioSettings) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow` over rows with `track_id`, `path`, `start` and `end`."""
    return partial(_measure_partition, audio.model_dump_json())


def _measure_partition(audio: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return each_track(describer_of(audio).measure, batches, schema=_SCHEMA)
