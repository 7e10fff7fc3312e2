"""Windows of plays as the streaming queries make them, without Spark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

import pyarrow as pa

from segue.plays.event import EVENT_WINDOW, FIELDS, SIGNAL_WINDOW, Play, WindowFields
from segue.plays.event_types import COUNTED, SIGNALS
from segue.settings import Settings, milliseconds

_TYPES = {"text": pa.string(), "whole": pa.int64()}
_TYPE_OF = {field.name: _TYPES[field.kind] for field in FIELDS}


def signal_windows(plays: Iterable[Play], settings: Settings) -> pa.Table:
    """SignalWindow rows, as :func:`segue.spark.play_windows.signals_by_window` gives them."""
    return _windows(
        (play for play in plays if play["type"] in SIGNALS),
        SIGNAL_WINDOW,
        length=settings.stream.window,
        most=settings.stream.max_signals_per_window,
    )


def event_windows(plays: Iterable[Play], settings: Settings) -> pa.Table:
    """EventWindow rows, as :func:`segue.spark.play_windows.events_by_window` gives them."""
    return _windows(
        (play for play in plays if play["type"] in COUNTED),
        EVENT_WINDOW,
        length=settings.engagement.window,
        most=settings.engagement.max_events_per_window,
    )


def _windows(plays: Iterable[Play], window: WindowFields, *, length: timedelta, most: int) -> pa.Table:
    size = milliseconds(length)
    kept: dict[tuple[str, int], list[Play]] = defaultdict(list)
    for play in plays:
        kept[play["user_id"], play["occurred_at"] // size * size].append(play)
    struct = pa.struct([(name, _TYPE_OF[name]) for name in window.fields])
    rows = [
        {
            "user_id": user_id,
            "window_start": start,
            window.name: [
                {name: play.get(name) for name in window.fields} for play in _newest(own, window, most=most)
            ],
        }
        for (user_id, start), own in kept.items()
    ]
    columns = [("user_id", pa.string()), ("window_start", pa.int64()), (window.name, pa.list_(struct))]
    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def _newest(plays: list[Play], window: WindowFields, *, most: int) -> list[Play]:
    """The greatest plays in the order of Spark's structs: field by field, null before all values."""
    return sorted(
        plays, key=lambda play: [(play.get(name) is not None, play.get(name)) for name in window.state]
    )[-most:]
