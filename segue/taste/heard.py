"""The tracks that a listener has heard: the last word on each, and those that may come again. Pure.

All evidence that a track may come again is formed so that one more skip or dislike raises none of it for
another track: it fades with every signal, and depends otherwise on the plays of the track itself and of the
liked tracks before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from segue.settings import TasteSettings

LATELY = 0.8
"""The factor by which evidence fades with each signal since."""
ON_LOOP = 2.8
"""A track whose signals in one window are worth nearly three complete plays was repeated in it. Two are not
enough: a track that was heard once and liked is worth as much."""
_PAUSE_MS = 3_600_000.0
"""The time after which a repeat counts half as a sign that the listener is repeating."""
_LOOP_MS = 1_800_000.0
_AFTER_MS = 600_000
_AFTER_HALF_MS = 300_000.0
_SEEDS_SINCE = 5
_MOST = 60
"""The tracks that are ranked again, at most."""


@dataclass(frozen=True)
class Words:
    """The last word on each track of a listener, the newest first: indices of signals."""

    liked: np.ndarray
    against: np.ndarray
    """Tracks whose last word is a skip or a dislike with a negative weight."""
    liked_since: np.ndarray
    """Aligned with `against`: the tracks that were liked since."""
    tracks: int
    """All tracks of the history."""


class Signals(Protocol):
    """The signals of a listener, as :class:`segue.taste.profile.ListenerProfile` has them."""

    @property
    def rows(self) -> np.ndarray: ...
    @property
    def weights(self) -> np.ndarray: ...
    @property
    def at(self) -> np.ndarray: ...
    @property
    def positive(self) -> np.ndarray: ...
    @property
    def since(self) -> np.ndarray: ...
    @property
    def turned_down(self) -> np.ndarray: ...
    @property
    def is_recent(self) -> np.ndarray: ...
    @property
    def newest(self) -> int: ...
    @property
    def left_out(self) -> frozenset[int]: ...
    @property
    def settings(self) -> TasteSettings: ...
    @property
    def words(self) -> Words: ...


def words_of(profile: Signals) -> Words:
    """The last word on each track."""
    order = np.argsort(profile.since, kind="stable")
    # A track that is not in the index is told apart by its place.
    row = np.where(profile.rows >= 0, profile.rows, -2 - np.arange(len(profile.rows)))[order]
    _, first = np.unique(row, return_index=True)
    newest = order[np.sort(first)]
    weights = profile.weights[newest]
    liked = newest[(weights > 0) & ~profile.turned_down[newest]]
    against = newest[weights < 0]
    liked_since = np.searchsorted(profile.since[liked], profile.since[against])
    return Words(liked, against, liked_since, len(newest))


@dataclass(frozen=True)
class Heard:
    """The tracks heard within `taste.repeat_after` that may come again: their last word is positive, and so
    is the sum of their signals. The arrays have an entry for each, (k,) float32 from 0 to about 1."""

    rows: np.ndarray
    """(k,) int64 rows of the index, ascending."""
    lately: np.ndarray
    """:data:`LATELY` to the power of the signals since."""
    often: np.ndarray
    """How often it was heard besides once, as a logarithm."""
    looped: np.ndarray
    """How lately, and how soon, it came right again."""
    after: np.ndarray
    """Whether it was heard before after the tracks that were heard just now, within minutes."""
    repeating: float
    """The share of repeats in the last signals, from 0 to 1; half for each hour that has passed since."""

    @property
    def candidates(self) -> np.ndarray:
        """The rows that are ranked: of many, those with the strongest evidence."""
        if len(self.rows) <= _MOST:
            return self.rows
        strength = self.lately + self.often + self.looped + 2 * self.after
        return np.asarray(self.rows[np.argsort(-strength, kind="stable")[:_MOST]])


_NOTHING = np.empty(0, dtype=np.float32)
NOTHING_HEARD = Heard(np.empty(0, dtype=np.int64), _NOTHING, _NOTHING, _NOTHING, _NOTHING, 0.0)


def heard_of(profile: Signals) -> Heard:
    """The tracks that may come again, with the evidence for each."""
    liked = profile.words.liked
    may = (profile.rows[liked] >= 0) & profile.positive[liked] & profile.is_recent[liked]
    if profile.left_out:
        may &= ~np.isin(profile.rows[liked], list(profile.left_out))
    newest = liked[may]
    if not len(newest):
        return NOTHING_HEARD
    newest = newest[np.argsort(profile.rows[newest], kind="stable")]
    rows = profile.rows[newest]
    # The positive signals on these tracks, by track and then by time.
    place = np.searchsorted(rows, profile.rows)
    ours = rows[np.minimum(place, len(rows) - 1)] == profile.rows
    own = np.flatnonzero(ours & (profile.weights > 0))
    own = own[np.lexsort((-profile.since[own], place[own]))]
    track, at, since = place[own], profile.at[own], profile.since[own]
    is_first, is_last = _edges(track)
    several = _worth(profile, own) >= ON_LOOP
    fading = LATELY**since
    repeated = several | ~is_first
    now = np.exp2((at - profile.newest) / _PAUSE_MS)
    repeating = min(1.0, float(((1 - LATELY) * fading * now)[repeated].sum()))
    soon = np.zeros(len(at))
    soon[1:] = np.exp2(np.minimum(at[:-1] - at[1:], 0) / _LOOP_MS)
    soon[is_first] = 0.0
    looped = np.zeros(len(rows))
    np.maximum.at(looped, track, np.where(several, 1.0, soon) * 0.5**since * now)
    plays = np.bincount(track, minlength=len(rows)) + np.bincount(track, several, minlength=len(rows))
    return Heard(
        rows=rows,
        lately=(LATELY ** profile.since[newest]).astype(np.float32),
        often=(np.log(np.maximum(plays, 1)) / 2).astype(np.float32),
        looped=looped.astype(np.float32),
        after=_after(track, at, since, is_last, len(rows)).astype(np.float32),
        repeating=repeating,
    )


def _edges(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether each of some sorted codes is the first, and the last, of its kind; (n,) bool each."""
    changes = np.ones(len(codes) + 1, dtype=bool)
    np.not_equal(codes[1:], codes[:-1], out=changes[1:-1])
    return changes[:-1], changes[1:]


def _worth(profile: Signals, signals: np.ndarray) -> np.ndarray:
    """(m,) float64: the weights of signals without their decay."""
    settings = profile.settings
    age = (profile.newest - profile.at[signals]) / (settings.half_life.total_seconds() * 1000)
    worth: np.ndarray = profile.weights[signals] * np.exp2(
        np.minimum(age + profile.since[signals] / settings.half_life_tracks, 60.0)
    )
    return worth


def _after(
    track: np.ndarray, at: np.ndarray, since: np.ndarray, is_last: np.ndarray, count: int
) -> np.ndarray:
    """(count,) float64: how soon each track followed an earlier play of a track that was heard just now.

    The signals are by track, then by time. Other tracks between the two do not matter.
    """
    found = np.zeros(count)
    now = np.zeros(count)
    now[track[is_last]] = np.where(since[is_last] < _SEEDS_SINCE, 0.5 ** since[is_last], 0.0)
    earlier = np.flatnonzero(~is_last & (now[track] > 0))
    if not len(earlier):
        return found
    by_time = np.argsort(at, kind="stable")
    times = at[by_time]
    begin = np.searchsorted(times, at[earlier], "right")
    length = np.searchsorted(times, at[earlier] + _AFTER_MS, "right") - begin
    follower = by_time[np.arange(length.sum()) + np.repeat(begin - np.cumsum(length) + length, length)]
    seed = np.repeat(earlier, length)
    strength = now[track[seed]] * np.exp2(-(at[follower] - at[seed]) / _AFTER_HALF_MS)
    np.maximum.at(found, track[follower], strength)
    return found
