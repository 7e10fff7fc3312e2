"""Listener profiles: listeners' histories over the tracks of an index bundle. Pure.

A profile is built once. Planning, the lists that are made on request, and the mood dial share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from segue.index.track_index import TrackIndex
from segue.settings import TasteSettings
from segue.taste.corrections import NO_CORRECTIONS, NOTHING_UNWANTED, ListenerCorrections, UnwantedRows
from segue.taste.cosines import cosines
from segue.taste.heard import Heard, Words, heard_of, words_of
from segue.taste.history import DecayedSignals, History, decayed, reflects_at, together, without
from segue.taste.memory import NOTHING_LOVED, Loved

VectorLookup = Callable[[Sequence[str]], Mapping[str, np.ndarray]]
"""Looks up, by track id, the vectors of tracks that the bundle lacks; unknown tracks are missing."""


def no_lookup(track_ids: Sequence[str]) -> Mapping[str, np.ndarray]:
    """Leave tracks that the bundle lacks without a vector."""
    return {}


@dataclass(frozen=True)
class ListenerHistory:
    """A listener's history, with the settings that turn it into a taste."""

    user_id: str
    history: History
    """The signals from the topic of plays."""
    settings: TasteSettings
    imported: History = field(default_factory=dict)
    """The signals of imported and delayed plays."""
    loved: Loved = NOTHING_LOVED
    """The long memory."""
    corrections: ListenerCorrections = NO_CORRECTIONS
    unwanted: UnwantedRows = NOTHING_UNWANTED
    """The rows of the index that the corrections mean."""


@dataclass(frozen=True)
class ListenerProfile:
    """One listener's profile; arrays have one entry for each signal, (n,)."""

    listener: ListenerHistory
    track_ids: Sequence[str]
    rows: np.ndarray
    """int64: the bundle's row of each signal's track, -1 where it has none."""
    weights: np.ndarray
    """float64, decayed."""
    at: np.ndarray
    """int64, epoch ms."""
    positive: np.ndarray
    """bool, see :class:`segue.taste.history.DecayedSignals`."""
    since: np.ndarray
    """float64: the number of the listener's signals since each one."""
    turned_down: np.ndarray
    """bool, see :class:`segue.taste.history.DecayedSignals`."""
    vectors: np.ndarray
    """(n, d) float32, zeros where no vector is known."""
    taste: np.ndarray
    """(d,) float32 at unit length, or zeros without a usable taste."""

    @property
    def user_id(self) -> str:
        return self.listener.user_id

    @property
    def settings(self) -> TasteSettings:
        return self.listener.settings

    @cached_property
    def reflects_at(self) -> int:
        """Epoch ms of the newest signal from the topic of plays; 0 without one."""
        return reflects_at(self.listener.history)

    @cached_property
    def newest(self) -> int:
        """Epoch ms of the newest signal, imported ones included; 0 without one."""
        return int(self.at.max(initial=0))

    @property
    def has_taste(self) -> bool:
        return bool(self.taste.any())

    @cached_property
    def recent(self) -> frozenset[int]:
        """Rows played too recently to be repeated."""
        return frozenset(self.rows[self.is_recent].tolist()) - {-1}

    @property
    def barred(self) -> frozenset[int]:
        """Rows that must not be recommended: played recently, disliked at any time, or corrected."""
        return self.recent | (self._earlier.keys() - self.repeatable) | self.left_out

    @cached_property
    def left_out(self) -> frozenset[int]:
        """Rows that the listener's corrections leave out on the day of the newest signal."""
        return self.listener.unwanted.left_out(self.user_id, self.newest)

    @cached_property
    def repeatable(self) -> frozenset[int]:
        """Rows with positive signals long ago, which may be repeated."""
        return frozenset(row for row, weight in self._earlier.items() if weight > 0) - self.recent

    @cached_property
    def positive_rows(self) -> dict[int, float]:
        """Row -> the sum of its signals, where that is above 0."""
        weights = _summed(self.rows, self.weights)
        return {row: weight for row, weight in weights.items() if row >= 0 and weight > 0}

    @property
    def heard_rows(self) -> frozenset[int]:
        """Rows of all tracks in the history."""
        return frozenset(self.rows.tolist()) - {-1}

    @property
    def unknown(self) -> list[str]:
        """Played tracks that have no vector anywhere, in order."""
        lost = (self.rows < 0) & ~self.vectors.any(axis=1)
        return sorted({self.track_ids[i] for i in np.flatnonzero(lost).tolist()})

    def similarity(self, vectors: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """A function from rows of a bundle with these vectors to their cosines with the taste, (n,)."""
        return lambda rows: vectors[rows] @ self.taste

    def nearest_positive(self, rows: Sequence[int], vectors: np.ndarray) -> list[int]:
        """For each of a bundle's rows, the index of the nearest positive signal.

        Empty if no track with a positive signal has a vector.
        """
        known = np.flatnonzero(self.positive & self.vectors.any(axis=1))
        if not len(rows) or not len(known):
            return []
        nearest = np.argmax(cosines(vectors[list(rows)], self.vectors[known]), axis=1)
        return [int(place) for place in known[nearest]]

    @cached_property
    def words(self) -> Words:
        """The last word on each track."""
        return words_of(self)

    @cached_property
    def heard(self) -> Heard:
        """The tracks that may come again although they were heard recently."""
        return heard_of(self)

    @cached_property
    def is_recent(self) -> np.ndarray:
        """(n,) bool: the signals within `taste.repeat_after`."""
        too_soon: np.ndarray = self.at > self.newest - self.settings.repeat_after.total_seconds() * 1000
        return too_soon

    @cached_property
    def _earlier(self) -> dict[int, float]:
        """Row -> the sum of its signals from before the time after which a track may be repeated."""
        old = ~self.is_recent & (self.rows >= 0)
        return _summed(self.rows[old], self.weights[old])


@dataclass(frozen=True)
class Profiles:
    """The profiles of a batch of listeners, flat: listener `i` owns `bounds[i]:bounds[i + 1]`."""

    listeners: Sequence[ListenerHistory]
    signals: DecayedSignals
    rows: np.ndarray
    """(n,) int64: the bundle's row of each signal's track, -1 where it has none."""
    vectors: np.ndarray
    """(n, d) float32, zeros where no vector is known."""
    tastes: np.ndarray
    """(listeners, d) float32 at unit length; zeros for a listener without a usable taste."""

    def __len__(self) -> int:
        return len(self.signals.bounds) - 1

    def __getitem__(self, i: int) -> ListenerProfile:
        signals = self.signals
        part = slice(int(signals.bounds[i]), int(signals.bounds[i + 1]))
        return ListenerProfile(
            listener=self.listeners[i],
            track_ids=signals.track_ids[part],
            rows=self.rows[part],
            weights=signals.weights[part],
            at=signals.at[part],
            positive=signals.positive[part],
            since=signals.since[part],
            turned_down=signals.turned_down[part],
            vectors=self.vectors[part],
            taste=self.tastes[i],
        )

    @cached_property
    def owner(self) -> np.ndarray:
        """(n,) int64: the listener of each signal."""
        return np.repeat(np.arange(len(self)), np.diff(self.signals.bounds))

    def only(self, listeners: Sequence[int]) -> Profiles:
        """The profiles of some of the listeners, in the order given."""
        signals, bounds = self.signals, self.signals.bounds
        places = np.concatenate([np.arange(bounds[i], bounds[i + 1]) for i in listeners])
        return Profiles(
            listeners=[self.listeners[i] for i in listeners],
            signals=DecayedSignals(
                track_ids=[signals.track_ids[place] for place in places.tolist()],
                weights=signals.weights[places],
                at=signals.at[places],
                bounds=np.r_[0, np.cumsum([bounds[i + 1] - bounds[i] for i in listeners])],
                since=signals.since[places],
                positive=signals.positive[places],
                turned_down=signals.turned_down[places],
            ),
            rows=self.rows[places],
            vectors=self.vectors[places],
            tastes=self.tastes[list(listeners)],
        )


def build_profiles(
    listeners: Sequence[ListenerHistory], *, bundle: TrackIndex, lookup: VectorLookup = no_lookup
) -> Profiles:
    """Join the tracks' vectors to the histories and form the tastes.

    Vectors come from the bundle's mapped file, and from `lookup` for tracks that are newer than the bundle.
    """
    signals = decayed(
        [
            without(together(listener.history, listener.imported), listener.corrections.spans)
            for listener in listeners
        ],
        settings=[listener.settings for listener in listeners],
    )
    rows = bundle.rows(signals.track_ids)
    vectors = np.asarray(bundle.vectors[np.maximum(rows, 0)], dtype=np.float32)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        vectors[missing] = 0
        known = lookup(sorted({signals.track_ids[i] for i in missing}))
        for i in missing:
            vector = known.get(signals.track_ids[i])
            # A vector of another embedding space has another shape, and is ignored.
            if vector is not None and vector.shape == vectors[i].shape:
                vectors[i] = vector
    signals = _corrected(signals, rows, listeners)
    return Profiles(listeners, signals, rows, vectors, taste_vectors(vectors, signals))


def _corrected(
    signals: DecayedSignals, rows: np.ndarray, listeners: Sequence[ListenerHistory]
) -> DecayedSignals:
    """The signals, with less weight for tracks that listeners want less, and none for unwanted ones."""
    corrected = [i for i, listener in enumerate(listeners) if listener.unwanted]
    if not corrected:
        return signals
    weights, positive = signals.weights.copy(), signals.positive.copy()
    for i in corrected:
        part = slice(int(signals.bounds[i]), int(signals.bounds[i + 1]))
        factor = listeners[i].unwanted.weight_of(rows[part])
        weights[part] = np.where(weights[part] > 0, weights[part] * factor, weights[part])
        positive[part] &= factor > 0
    return replace(signals, weights=weights, positive=positive)


def taste_vectors(vectors: np.ndarray, signals: DecayedSignals) -> np.ndarray:
    """Weighted sums of the tracks' vectors, one for each listener, at unit length.

    Parameters
    ----------
    vectors
        (n, d) float32: the vector of each signal's track; zeros for a track without one.

    Returns
    -------
    (listeners, d) float32. A row is zero if a listener has no usable taste: no signal, only unknown
    tracks, or no positive signal, since negative signals give no direction to seek.
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


def _summed(rows: np.ndarray, weights: np.ndarray) -> dict[int, float]:
    """Row -> the sum of its weights, in the order of the signals."""
    sums: dict[int, float] = {}
    for row, weight in zip(rows.tolist(), weights.tolist(), strict=True):
        sums[row] = sums.get(row, 0.0) + weight
    return sums
