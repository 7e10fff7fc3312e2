"""Descriptors of tracks in Spark's Python workers: a thin wrapper over segue.audio."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

import pyarrow as pa

from segue.audio.describer import Describer
from segue.audio.describing import Span
from segue.catalog.stored_paths import path_to_open
from segue.settings import AudioSettings

DESCRIBED = "track_id string, vector binary, fingerprint binary, reason string, detail string"
"""A row for each track: descriptors as float32 bytes, a fingerprint, or the reason why there are none."""
_SCHEMA = pa.schema(
    [
        ("track_id", pa.string()),
        ("vector", pa.binary()),
        ("fingerprint", pa.binary()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


def describe_tracks(audio: AudioSettings) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow` over rows with `track_id`, `path`, `start` and `end`."""
    return partial(_describe_partition, audio.model_dump_json())


def _describe_partition(audio: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return each_track(describer_of(audio).describe, batches, schema=_SCHEMA)


def each_track(
    work: Callable[[str, Span], Mapping[str, Any]], batches: Iterator[pa.RecordBatch], *, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """The results of `work` on the file, or the part of a file, of each track, with the track's id."""
    for batch in batches:
        rows = [
            {
                "track_id": row["track_id"],
                **work(str(path_to_open(row["path"])), (row["start"], row["end"])),
            }
            for row in batch.to_pylist()
        ]
        yield pa.RecordBatch.from_pylist(rows, schema=schema)


@lru_cache(maxsize=1)
def describer_of(audio: str) -> Describer:
    """The worker's only describer: loading the numeric libraries takes seconds."""
    describer = Describer(AudioSettings.model_validate_json(audio))
    atexit.register(describer.close)
    return describer
