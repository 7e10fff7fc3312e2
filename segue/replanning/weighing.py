"""Weighs the signals of changed windows, and sums them by track. It reads and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.plays.added_fields import unfolded
from segue.plays.event import NOT_OF_TASTES, SIGNAL_WINDOW
from segue.plays.event_types import signal_weights
from segue.settings import SignalSettings
from segue.taste.history import Window


def windows_of(table: pa.Table, *, signals: SignalSettings) -> Iterator[tuple[str, int, Window]]:
    """Weigh each row's signals and sum them by track.

    Parameters
    ----------
    table
        SignalWindow rows: `user_id`, `window_start`, `signals` (list of struct of
        :data:`segue.plays.event.SIGNAL_WINDOW`). Order within a row does not matter.

    Yields
    ------
    ``(user_id, window_start, Window)`` in the order of the rows.
    """
    table = table.combine_chunks()
    lists = table.column("signals").combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0) if lists.num_chunks else pa.array([], lists.type)
    flat = unfolded(pc.list_flatten(lists))
    names, tracks = _coded(flat.field("track_id"))
    weighed = _weighed(pc.list_parent_indices(lists), flat, tracks, signals=signals)
    # An event id counts once in a row, with its earliest event, in case a client reuses it.
    events = pc.dictionary_encode(flat.field("event_id")).indices.to_numpy(zero_copy_only=False)
    once = weighed.take(first := _first_of_each(weighed.row, events, weighed.at))
    # A fixed order of summation makes a repeated batch give exactly the same floats.
    order = np.lexsort((once.type.astype(str), once.weight, once.at, once.track, once.row))
    once = once.take(order)
    row, track = once.row, once.track
    starts = np.flatnonzero(np.r_[True, (row[1:] != row[:-1]) | (track[1:] != track[:-1])][: len(row)])
    last = np.r_[starts[1:], len(row)][: len(starts)] - 1
    track_ids = [names[code] for code in track[last].tolist()]
    types, at = once.type[last].tolist(), once.at[last].tolist()
    weights = (np.add.reduceat(once.weight, starts) if len(row) else once.weight).tolist()
    places = pa.array(first[order[last]])
    kept = {name: flat.field(name).take(places).to_pylist() for name in _kept_fields(flat.type)}
    bounds = np.searchsorted(row[starts], np.arange(table.num_rows + 1))
    users, window_starts = table.column("user_id").to_pylist(), table.column("window_start").to_pylist()
    for i, (user, start) in enumerate(zip(users, window_starts, strict=True)):
        part = slice(bounds[i], bounds[i + 1])
        own = {name: values[part] for name, values in kept.items() if _any(values[part])}
        yield user, start, Window(track_ids[part], weights[part], at[part], types[part], own)


def _any(values: Sequence[Any]) -> bool:
    """Whether any signal has a kept field. A window without it is stored as before the field was added."""
    return any(value is not None for value in values)


class _Signals(NamedTuple):
    """Signals of a table, flat: arrays with one entry for each, (n,)."""

    row: np.ndarray
    """int64: the row of the table."""
    track: np.ndarray
    """int64 codes in the order of the track ids."""
    at: np.ndarray
    """int64, epoch ms."""
    weight: np.ndarray
    """float64"""
    type: np.ndarray
    """object: event types."""

    def take(self, places: np.ndarray) -> _Signals:
        """The signals at some indices, in that order."""
        return _Signals(*(values[places] for values in self))


def _coded(texts: pa.Array) -> tuple[list[str], np.ndarray]:
    """The distinct texts in ascending order, and for each text its index among them, (n,) int64."""
    encoded = pc.dictionary_encode(texts)
    names = encoded.dictionary.to_pylist()
    if not names:
        return [], np.empty(0, dtype=np.int64)
    order = np.argsort(np.asarray(names, dtype=object))
    code_of = np.empty(len(names), dtype=np.int64)
    code_of[order] = np.arange(len(names))
    return [names[place] for place in order.tolist()], code_of[encoded.indices.to_numpy(zero_copy_only=False)]


def _weighed(row: pa.Array, flat: pa.StructArray, tracks: np.ndarray, *, signals: SignalSettings) -> _Signals:
    """The signals of a flat list with their weights; `row` is the row of each."""
    at, played, duration = (
        flat.field(name).to_numpy(zero_copy_only=False)
        for name in ("occurred_at", "ms_played", "duration_ms")
    )
    types = flat.field("type").to_pylist()
    weight = signal_weights(types, played, duration, signals=signals)
    return _Signals(row.to_numpy(zero_copy_only=False), tracks, at, weight, np.asarray(types, dtype=object))


def _kept_fields(signal: pa.StructType) -> list[str]:
    """The kept fields of a signal besides those that every signal has, and those of statistics."""
    names = [signal.field(number).name for number in range(signal.num_fields)]
    return [name for name in names if name not in SIGNAL_WINDOW.state and name not in NOT_OF_TASTES]


def _first_of_each(row: np.ndarray, events: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The indices of one signal for each (row, event), the earliest."""
    by_event = np.lexsort((at, events, row))
    again = np.r_[False, (np.diff(row[by_event]) == 0) & (np.diff(events[by_event]) == 0)]
    first: np.ndarray = by_event[~again[: len(by_event)]]
    return first
