"""A listener's history: the signals on each track by window, and their decay. Pure.

It keeps the weight of each track in each window, not a vector. So a new embedding forgets no listener: their
taste is computed again from the same history.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

import numpy as np

from segue.plays.event_types import TURNED_DOWN, WITHDRAWALS
from segue.settings import SignalSettings, TasteSettings
from segue.storage.records import LATEST_MS, Aligned, Between, EpochMs, Numeral
from segue.taste.corrections import Span


@dataclass(frozen=True)
class Window:
    """A listener's signals in an event-time window, summed by track: aligned lists, ordered by track id."""

    tracks: list[str]
    weights: list[float]
    at: list[int]
    """Epoch ms of the last signal of each track."""
    types: list[str]
    """The event type of that last signal."""
    kept: Mapping[str, list[Any]] = field(default_factory=dict)
    """By name, the kept fields of the play of that last signal (`Field.kept` of :mod:`segue.plays.event`), as
    aligned lists; None where the play had none."""


_OPINIONS = frozenset({*WITHDRAWALS, *WITHDRAWALS.values()})
History = dict[int, Window]
"""Window start (epoch ms) -> the signals in it."""


class StoredWindow(TypedDict):
    """The stored form of a window: the aligned lists of :class:`Window`."""

    tracks: list[str]
    """Ids, ascending; the other lists are aligned with it."""
    weights: list[Annotated[float, Between(-1e9, 1e9)]]
    """The sum of the track's signals, without decay."""
    at: list[EpochMs]
    """Epoch ms of the track's last signal."""
    types: list[str]
    """The event type of that signal."""
    kept: NotRequired[dict[str, list[Any]]]
    """By name, the kept fields of that signal's play; missing where plays have none."""


StoredWindows = dict[Annotated[str, Numeral(LATEST_MS)], Annotated[StoredWindow, Aligned()]]
"""Window start (epoch ms, as text) -> the signals in it, by track."""


class PlayedTrack(NamedTuple):
    """A track of a history, with its last signal."""

    track_id: str
    event_type: str
    at: int
    """Epoch ms."""
    kept: Mapping[str, Any] = MappingProxyType({})
    """The kept fields of the play."""


def prune(history: History, *, taste: TasteSettings, signals: SignalSettings) -> History:
    """Leave out windows whose decay is below 1/256, and the oldest signals beyond `max_signals`.

    Dislikes are kept regardless of their age, so that a disliked track does not return: the newest
    `max_signals` of them, counted separately. Half the weight of a dislike is enough, since the play before
    it had a weight. A dislike that a later window outweighs, since it was taken back, is not kept; three
    quarters of its weight are enough, since a skip may have followed.
    """
    if not history:
        return {}
    oldest = max(history) - 8 * int(taste.half_life.total_seconds() * 1000)
    disliked, outweighing = signals.dislike / 2, -0.75 * signals.dislike
    kept: History = {}
    room = room_for_dislikes = taste.max_signals
    for start in sorted(history, reverse=True):
        window = history[start]
        places = _newest(window, range(len(window.at)), room) if start >= oldest else []
        room -= len(places)
        if len(places) < len(window.at):
            left = sorted(set(range(len(window.at))).difference(places))
            dislikes = [i for i in left if window.weights[i] <= disliked]
            dislikes = [
                i for i in dislikes if not _is_outweighed(history, start, window.tracks[i], by=outweighing)
            ]
            dislikes = _newest(window, dislikes, room_for_dislikes)
            room_for_dislikes -= len(dislikes)
            window = _only(window, sorted([*places, *dislikes]))
        if window.tracks:
            kept[start] = window
    return kept


def together(first: History, second: History) -> History:
    """Two histories as one: the signals of windows that both have are added up by track."""
    if not first or not second:
        return first or second
    return {
        start: _added(first[start], second[start])
        if start in first and start in second
        else first.get(start) or second[start]
        for start in sorted({*first, *second})
    }


def _added(first: Window, second: Window) -> Window:
    places: dict[str, list[tuple[Window, int]]] = {}
    for window in (first, second):
        for place, track_id in enumerate(window.tracks):
            places.setdefault(track_id, []).append((window, place))
    tracks = sorted(places)
    last = [max(places[track_id], key=lambda own: own[0].at[own[1]]) for track_id in tracks]
    return Window(
        tracks=tracks,
        weights=[sum(window.weights[place] for window, place in places[track_id]) for track_id in tracks],
        at=[window.at[place] for window, place in last],
        types=[window.types[place] for window, place in last],
        kept={
            name: [window.kept[name][place] if name in window.kept else None for window, place in last]
            for name in sorted({*first.kept, *second.kept})
        },
    )


def without(history: History, spans: Sequence[Span]) -> History:
    """A history without the plays of windows that begin in the spans; opinions in them are kept."""
    if not spans:
        return history
    kept: History = {}
    for start, window in history.items():
        left = window
        if any(start in span for span in spans):
            left = _only(window, [i for i, name in enumerate(window.types) if name in _OPINIONS])
        if left.tracks:
            kept[start] = left
    return kept


def retention(own: TasteSettings, general: TasteSettings) -> TasteSettings:
    """The settings by which a listener's history is pruned: those that keep it longer.

    So a listener can return from a shorter half-life to the general one without losing signals.
    """
    return own if own.half_life >= general.half_life else general


def _is_outweighed(history: History, start: int, track_id: str, *, by: float) -> bool:
    """Whether the signals on a track in one of the windows after `start` sum to at least `by`.

    Those windows are newer, so that each pruning that may drop the window of `start` still has them.
    """
    for window in (history[later] for later in history if later > start):
        place = bisect_left(window.tracks, track_id)
        if place < len(window.tracks) and window.tracks[place] == track_id and window.weights[place] >= by:
            return True
    return False


def _newest(window: Window, places: Sequence[int], count: int) -> list[int]:
    """The indices of the newest `count` signals among those at `places`."""
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
    """Each track of a history once, the last played first."""
    newest: dict[str, PlayedTrack] = {}
    for window in history.values():
        for place, (track_id, at) in enumerate(zip(window.tracks, window.at, strict=True)):
            if track_id not in newest or at > newest[track_id].at:
                kept = {name: values[place] for name, values in window.kept.items()}
                newest[track_id] = PlayedTrack(track_id, window.types[place], at, kept)
    return sorted(newest.values(), key=lambda played: (-played.at, played.track_id))


def to_document(history: History) -> dict[str, StoredWindow]:
    """The stored form: window start as text -> the aligned lists."""
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


@dataclass(frozen=True)
class DecayedSignals:
    """The signals of several listeners, flat: listener `i` owns `bounds[i]:bounds[i + 1]`."""

    track_ids: list[str]
    weights: np.ndarray
    """(n,) float64, decayed."""
    at: np.ndarray
    """(n,) int64, epoch ms of each signal."""
    bounds: np.ndarray
    """(listeners + 1,) int64."""
    since: np.ndarray
    """(n,) float64: the number of signals that the listener has given since."""
    positive: np.ndarray
    """(n,) bool: the signal is above 0, and so is the sum of its listener's signals on the same track."""
    turned_down: np.ndarray
    """(n,) bool: the last event of the signal is a skip or a dislike."""


def decayed(histories: Sequence[History], *, settings: Sequence[TasteSettings]) -> DecayedSignals:
    """Flatten histories; each weight decays with its window's age and with the number of tracks played since.

    ``weight * 2 ** (-age / half_life) * 2 ** (-tracks played since / half_life_tracks)``: the first factor is
    long-term memory, the second gives the current plays more weight than those of an hour ago. The age of a
    window counts from the listener's newest window, not from the clock, so that the same plays always give
    the same taste. Taking an opinion back brings the sum of a track's signals to 0 at most, and never to the
    opposite opinion.

    Parameters
    ----------
    settings
        The half-lives of each listener, aligned with the histories.
    """
    track_ids: list[str] = []
    weights: list[float] = []
    at: list[int] = []
    types: list[str] = []
    bounds = [0]
    for history, own in zip(histories, settings, strict=True):
        half = own.half_life.total_seconds() * 1000
        newest = max(history, default=0)
        for start in sorted(history):
            window = history[start]
            factor = 2.0 ** ((start - newest) / half)
            track_ids += window.tracks
            weights += [weight * factor for weight in window.weights] if factor != 1.0 else window.weights
            at += window.at
            types += window.types
        bounds.append(len(track_ids))
    times, edges = np.asarray(at, dtype=np.int64), np.asarray(bounds)
    since = _signals_since(times, edges, track_ids)
    half_lives = np.repeat([own.half_life_tracks for own in settings], np.diff(edges))
    faded = np.asarray(weights) * np.exp2(-since / half_lives)
    for history, first, last in zip(histories, bounds[:-1], bounds[1:], strict=True):
        if any(not WITHDRAWALS.keys().isdisjoint(window.types) for window in history.values()):
            own_types = types[first:last]
            faded[first:last] = _limited(track_ids[first:last], faded[first:last].tolist(), own_types)
    positive = _positive(track_ids, faded, edges)
    turned_down = np.fromiter((name in TURNED_DOWN for name in types), dtype=bool, count=len(types))
    return DecayedSignals(track_ids, faded, times, edges, since, positive, turned_down)


def _limited(track_ids: Sequence[str], weights: Sequence[float], types: Sequence[str]) -> list[float]:
    """One listener's decayed weights, oldest window first, with those that take an opinion back limited.

    The opinion has decayed when it is taken back. Without the limit, an old like that is taken back would
    count as a dislike.
    """
    sums: dict[str, float] = {}
    limited = []
    for track_id, weight, event_type in zip(track_ids, weights, types, strict=True):
        before = sums.get(track_id, 0.0)
        if event_type in WITHDRAWALS:
            limit = max(weight, -max(before, 0.0)) if weight < 0 else min(weight, -min(before, 0.0))
        else:
            limit = weight
        sums[track_id] = before + limit
        limited.append(limit)
    return limited


def _positive(track_ids: Sequence[str], weights: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """(n,) bool, see :class:`DecayedSignals`; a later negative signal can cancel a positive one."""
    codes: dict[str, int] = {}
    code = np.array([codes.setdefault(track_id, len(codes)) for track_id in track_ids], dtype=np.int64)
    listener = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    _, pair = np.unique(listener * len(codes) + code, return_inverse=True)
    together: np.ndarray = np.bincount(pair, weights=weights)[pair] > 0
    return together & (weights > 0)


def _signals_since(at: np.ndarray, bounds: np.ndarray, track_ids: list[str]) -> np.ndarray:
    """(n,): how many signals each listener has given since each signal; ties go by track id."""
    listener = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    order = np.lexsort((np.asarray(track_ids, dtype=np.str_), -at, listener))
    since = np.empty(len(at))
    since[order] = np.arange(len(at)) - bounds[:-1][listener]
    return since
