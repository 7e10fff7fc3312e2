"""Fields of a play that were added after the format of the windows: their encoding and decoding."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from segue.plays.event import KEPT

LATER = "\n"
"""Separates a play's type from the fields that were added later. No text field of a play may contain it."""


def unfolded(plays: pa.StructArray) -> pa.StructArray:
    """Decode the plays of windows: each field that was added later becomes a field of the struct.

    A type into which an earlier or later release has encoded other fields becomes a plain type again. pyarrow
    does this, not Spark: Spark's expressions would run over every play of every changed window, even if there
    is nothing to decode.
    """
    encoded = pc.dictionary_encode(plays.field("type"))
    texts = encoded.dictionary.to_pylist()
    if not KEPT and not any(LATER in text for text in texts):
        return plays
    parts = [text.partition(LATER) for text in texts]
    columns = {field.name: plays.field(field.name) for field in plays.type}
    columns["type"] = pa.array([kind for kind, _, _ in parts], pa.string()).take(encoded.indices)
    added = [json.loads(later) if later else {} for _, _, later in parts]
    for name in KEPT:
        columns[name] = _column([fields.get(name) for fields in added]).take(encoded.indices)
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def _column(values: list[Any]) -> pa.Array:
    column = pa.array(values)
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column
