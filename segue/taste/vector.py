"""Taste: one vector a listener, from a history and the tracks' vectors. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue.settings import TasteSettings
from segue.taste.history import History


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
    """(n,) float64: how many signals the listener has given since."""
    positive: np.ndarray
    """(n,) bool: the signal is above 0, and so is the sum of its listener's signals on the same track."""


def decayed(histories: Sequence[History], *, settings: Sequence[TasteSettings]) -> DecayedSignals:
    """Flatten histories; each weight decays with its window's age and with the tracks heard since.

    ``weight * 2 ** (-age / half_life) * 2 ** (-tracks heard since / half_life_tracks)``: the first is the
    long-term memory, the second makes what is heard now count for more than what was heard an hour ago. A
    window's age counts from the listener's newest window and not from the clock, so that the same plays
    give the same taste whenever they are computed.

    Parameters
    ----------
    settings
        The half-lives of each listener, aligned with the histories.
    """
    track_ids: list[str] = []
    weights: list[float] = []
    at: list[int] = []
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
        bounds.append(len(track_ids))
    times, edges = np.asarray(at, dtype=np.int64), np.asarray(bounds)
    since = _heard_since(times, edges, track_ids)
    half_lives = np.repeat([own.half_life_tracks for own in settings], np.diff(edges))
    faded = np.asarray(weights) * np.exp2(-since / half_lives)
    return DecayedSignals(track_ids, faded, times, edges, since, _positive(track_ids, faded, edges))


def _positive(track_ids: Sequence[str], weights: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """(n,) bool, see :class:`DecayedSignals`; a later negative signal can cancel a positive one."""
    codes: dict[str, int] = {}
    code = np.array([codes.setdefault(track_id, len(codes)) for track_id in track_ids], dtype=np.int64)
    listener = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    _, pair = np.unique(listener * len(codes) + code, return_inverse=True)
    together: np.ndarray = np.bincount(pair, weights=weights)[pair] > 0
    return together & (weights > 0)


def _heard_since(at: np.ndarray, bounds: np.ndarray, track_ids: list[str]) -> np.ndarray:
    """How many signals each listener has given since each signal, (n,); ties go by track id."""
    listener = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    order = np.lexsort((np.asarray(track_ids, dtype=np.str_), -at, listener))
    since = np.empty(len(at))
    since[order] = np.arange(len(at)) - bounds[:-1][listener]
    return since


def taste_vectors(vectors: np.ndarray, signals: DecayedSignals) -> np.ndarray:
    """Weighted sums of the tracks' vectors, one a listener, at unit length.

    Parameters
    ----------
    vectors
        (n, d) float32: the vector of each signal's track; zeros for a track without one.

    Returns
    -------
    (listeners, d) float32. A row is zero where a listener has no usable taste: no signal, only unknown
    tracks, or no positive one, since negative ones say what to avoid but not what to seek.
    """
    weights, bounds = signals.weights, signals.bounds
    listeners, dimension = len(bounds) - 1, vectors.shape[1]
    sums = np.zeros((listeners, dimension))
    seeking = np.zeros(listeners, dtype=bool)
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    if len(filled):
        sums[filled] = np.add.reduceat(vectors * weights[:, None], bounds[filled], axis=0)
        seeking[filled] = np.logical_or.reduceat(signals.positive & vectors.any(axis=1), bounds[filled])
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    usable = seeking[:, None] & (length > 1e-9)
    vectors_at_length: np.ndarray = np.divide(sums, length, out=np.zeros_like(sums), where=usable)
    return vectors_at_length.astype(np.float32)
