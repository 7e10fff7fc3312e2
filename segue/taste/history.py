"""A listener's history: what the windows said of each track. It outlives any embedding.

Keeping the weight of each track in each window, rather than a vector, means that a new embedding can be
swapped in without forgetting anyone: the taste is made anew from the same history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, NotRequired, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.plays.added_fields import unfolded
from segue.plays.event import SIGNAL_WINDOW
from segue.plays.event_types import signal_weights
from segue.settings import SignalSettings, TasteSettings


@dataclass(frozen=True)
class Window:
    """One listener's signals in one event-time window, summed by track: four aligned lists, by track id."""

    tracks: list[str]
    weights: list[float]
    at: list[int]
    """Epoch ms of the last signal of each track."""
    types: list[str]
    """The event type of that last signal."""
    kept: Mapping[str, list[Any]] = field(default_factory=dict)
    """By name, the fields of the play that are kept, of that last signal (`Field.kept` of
    :mod:`segue.plays.event`); None where it had none. More aligned lists."""


History = dict[int, Window]
"""Window start (epoch ms) -> the signals in it."""


class StoredWindow(TypedDict):
    """A window as it is stored: the aligned lists of :class:`Window`."""

    tracks: list[str]
    """Ids, ascending; the other lists are aligned with it."""
    weights: list[float]
    """The sum of the track's signals, not decayed."""
    at: list[int]
    """Epoch ms of the track's last signal."""
    types: list[str]
    """The event type of that signal."""
    kept: NotRequired[dict[str, list[Any]]]
    """By name, fields of that signal's play that are kept; missing where plays have none."""


class PlayedTrack(NamedTuple):
    """A track of a history, with its last signal."""

    track_id: str
    event_type: str
    at: int
    """Epoch ms."""
    kept: Mapping[str, Any] = MappingProxyType({})
    """The fields of the play that are kept."""


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
    # One event id counts once in a row, the earliest, should a client ever reuse one for another event.
    events = pc.dictionary_encode(flat.field("event_id")).indices.to_numpy(zero_copy_only=False)
    once = weighed.take(first := _first_of_each(weighed.row, events, weighed.at))
    # A fixed order of summing makes a repeated batch give the same floats to the last bit.
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
    """Whether a window has a kept field at all; one that has not is stored as before the field was added."""
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
        """Those at some places, in that order."""
        return _Signals(*(values[places] for values in self))


def _coded(texts: pa.Array) -> tuple[list[str], np.ndarray]:
    """Different texts in ascending order, and for each text its place among them, (n,) int64."""
    encoded = pc.dictionary_encode(texts)
    names = encoded.dictionary.to_pylist()
    if not names:
        return [], np.empty(0, dtype=np.int64)
    order = np.argsort(np.asarray(names, dtype=object))
    code_of = np.empty(len(names), dtype=np.int64)
    code_of[order] = np.arange(len(names))
    return [names[place] for place in order.tolist()], code_of[encoded.indices.to_numpy(zero_copy_only=False)]


def _weighed(row: pa.Array, flat: pa.StructArray, tracks: np.ndarray, *, signals: SignalSettings) -> _Signals:
    """The signals of a flat list, each with its weight; `row` says of which row each is."""
    at, played, duration = (
        flat.field(name).to_numpy(zero_copy_only=False)
        for name in ("occurred_at", "ms_played", "duration_ms")
    )
    types = flat.field("type").to_pylist()
    weight = signal_weights(types, played, duration, signals=signals)
    return _Signals(row.to_numpy(zero_copy_only=False), tracks, at, weight, np.asarray(types, dtype=object))


def _kept_fields(signal: pa.StructType) -> list[str]:
    """The fields of a signal that are kept with it, beside those that every signal has."""
    names = [signal.field(number).name for number in range(signal.num_fields)]
    return [name for name in names if name not in SIGNAL_WINDOW.state]


def _first_of_each(row: np.ndarray, events: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Indices that keep one signal of each (row, event), the earliest."""
    by_event = np.lexsort((at, events, row))
    again = np.r_[False, (np.diff(row[by_event]) == 0) & (np.diff(events[by_event]) == 0)]
    first: np.ndarray = by_event[~again[: len(by_event)]]
    return first


def prune(history: History, *, taste: TasteSettings, signals: SignalSettings) -> History:
    """Leave out windows whose decay is below 1/256 and, of the oldest ones, what exceeds `max_signals`.

    What was disliked stays, however long ago, so that it does not come back; the newest `max_signals` of it,
    which do not count among the others. Half of a dislike is one, since the play it came with had a weight.
    """
    if not history:
        return {}
    oldest = max(history) - 8 * int(taste.half_life.total_seconds() * 1000)
    disliked = signals.dislike / 2
    kept: History = {}
    room = room_for_dislikes = taste.max_signals
    for start in sorted(history, reverse=True):
        window = history[start]
        places = _newest(window, range(len(window.at)), room) if start >= oldest else []
        room -= len(places)
        if len(places) < len(window.at):
            left = sorted(set(range(len(window.at))).difference(places))
            dislikes = [i for i in left if window.weights[i] <= disliked]
            dislikes = _newest(window, dislikes, room_for_dislikes)
            room_for_dislikes -= len(dislikes)
            window = _only(window, sorted([*places, *dislikes]))
        if window.tracks:
            kept[start] = window
    return kept


def retention(own: TasteSettings, general: TasteSettings) -> TasteSettings:
    """The settings by which a listener's history is pruned: those that keep it longer.

    So a listener who has chosen a shorter half-life and regrets it has lost nothing.
    """
    return own if own.half_life >= general.half_life else general


def _newest(window: Window, places: Sequence[int], count: int) -> list[int]:
    """The places of the newest so many signals among those at `places`."""
    if len(places) <= count:
        return list(places)
    return sorted(places, key=lambda i: (-window.at[i], window.tracks[i]))[:count]


def _only(window: Window, places: Sequence[int]) -> Window:
    return Window(
        tracks=[window.tracks[i] for i in places],
        weights=[window.weights[i] for i in places],
        at=[window.at[i] for i in places],
        types=[window.types[i] for i in places],
        kept={name: [values[i] for i in places] for name, values in window.kept.items()},
    )


def reflects_at(history: History) -> int:
    """Epoch ms of the newest signal; 0 for an empty history."""
    return max((at for window in history.values() for at in window.at), default=0)


def last_played(history: History) -> list[PlayedTrack]:
    """Each track of a history once, the one heard last first."""
    newest: dict[str, PlayedTrack] = {}
    for window in history.values():
        for place, (track_id, at) in enumerate(zip(window.tracks, window.at, strict=True)):
            if track_id not in newest or at > newest[track_id].at:
                kept = {name: values[place] for name, values in window.kept.items()}
                newest[track_id] = PlayedTrack(track_id, window.types[place], at, kept)
    return sorted(newest.values(), key=lambda played: (-played.at, played.track_id))


def to_document(history: History) -> dict[str, StoredWindow]:
    """As it is stored: window start as text -> the aligned lists."""
    return {str(start): _stored(window) for start, window in history.items()}


def _stored(window: Window) -> StoredWindow:
    stored: StoredWindow = {
        "tracks": window.tracks,
        "weights": window.weights,
        "at": window.at,
        "types": window.types,
    }
    if window.kept:
        stored["kept"] = dict(window.kept)
    return stored


def from_document(document: Mapping[str, StoredWindow]) -> History:
    """The inverse of :func:`to_document`."""
    return {
        int(start): Window(
            list(w["tracks"]), list(w["weights"]), list(w["at"]), list(w["types"]), dict(w.get("kept", {}))
        )
        for start, w in document.items()
    }
