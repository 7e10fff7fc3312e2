"""Fields of a play that were added to the windows later: how they travel, and how readers get them back."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from segue.plays.event import KEPT

LATER = "\n"
"""Separates the type of a play from the fields that were added later; no text of a play may hold it."""


def unfolded(plays: pa.StructArray) -> pa.StructArray:
    """The plays of windows, with a field of its own for each that was added later.

    A type that an earlier or later release has folded others into is a plain one again. This is done here and
    not by Spark, whose expressions would run over every play of every changed window whether or not there is
    anything to unfold.
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
