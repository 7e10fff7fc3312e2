"""The tracks that listeners took from the lists that they saw, as choices that teach the learned order.

A window of a listener's facts in which tracks of recommendations were seen gives a choice for each track of
them that was heard to the end: that track, among those that were seen and not heard to the end. Skipped
tracks are among the latter. The evidence is that of the listener's history before the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np

from segue.batches import batches
from segue.engagement.listening import Listening, RowsOfWindow
from segue.engagement.wandering import weights
from segue.index.track_index import TrackIndex
from segue.models.versions import Models
from segue.ranking import order_versions
from segue.ranking.candidates import Candidates
from segue.ranking.learned_order import gathered, shipped
from segue.ranking.sources import in_use
from segue.recommenders.order_learning import FEWEST, Learned, choices_among, learn
from segue.settings import Settings, SignalSettings
from segue.storage.store import Store
from segue.taste.history import History, Window
from segue.taste.profile import ListenerHistory, build_profiles

MOST = 20_000
"""The newest choices that teach."""
WINDOWS = 40
"""The windows of a history before the choice that are looked at."""
_AT_ONCE = 500


@dataclass(frozen=True)
class Seen:
    """The tracks of recommendations that a listener saw in a window."""

    at: datetime
    listener: ListenerHistory
    """With the history before the window."""
    places: Mapping[str, int]
    """Track -> its highest place in a list, from 1."""
    taken: frozenset[str]
    """Those that were heard to the end."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a learning from responses."""

    version: str
    """The version in use now."""
    unchanged: bool
    tracks: int
    """The number of tracks that were seen."""
    learned: Learned


def learn_order(store: Store, settings: Settings, index: TrackIndex, *, seed: int = 0) -> Outcome:
    """Learn the order from the stored facts, and bring it into use; with too few choices nothing changes."""
    several, tracks = choices_seen(Listening(store).by_listener(), index, settings)
    outcome = learn(choices_among(several, rng=np.random.default_rng(seed)), given=shipped().weights)
    if outcome.choices < FEWEST:
        version = Models(store).active_version(order_versions.KIND) or shipped().version
        return Outcome(version, True, tracks, outcome)
    version, unchanged = order_versions.publish(
        store,
        outcome.weights,
        learned=outcome.is_better,
        choices=outcome.choices,
        gain=outcome.gain,
        tracks=tracks,
        keep=settings.models.keep_versions,
    )
    return Outcome(version, unchanged, tracks, outcome)


def choices_seen(
    windows: Iterable[RowsOfWindow], index: TrackIndex, settings: Settings
) -> tuple[list[tuple[np.ndarray, np.ndarray, int]], int]:
    """The choices of :func:`segue.recommenders.order_learning.choices_among` in the order of time, the newest
    of them; and the number of tracks that were seen in their lists.

    Parameters
    ----------
    windows
        By listener, then time.
    """
    found: list[tuple[datetime, tuple[np.ndarray, np.ndarray, int]]] = []
    tracks: set[str] = set()
    for part in batches(seen(windows, settings), _AT_ONCE):
        for lists, choice in _choices(part, index, settings):
            found.append((lists.at, choice))
            tracks.update(lists.places)
    found.sort(key=lambda one: one[0])
    return [choice for _, choice in found[-MOST:]], len(tracks)


def seen(windows: Iterable[RowsOfWindow], settings: Settings) -> Iterator[Seen]:
    """The lists that were seen, with at least one track that was taken and one that was not."""
    for window, rows, history in with_history(windows, settings):
        places: dict[str, int] = {}
        taken = set()
        for row in rows:
            if row.get("variant") and row.get("rank") and row.get("impressions"):
                track = row["track_id"]
                places[track] = min(row["rank"], places.get(track, row["rank"]))
        for row in rows:
            if row["track_id"] in places and row.get("variant") and row.get("completions"):
                taken.add(row["track_id"])
        if history and taken and len(taken) < len(places):
            listener = ListenerHistory(window.user_id, history, settings.taste)
            yield Seen(window.start, listener, places, frozenset(taken))


def with_history(
    windows: Iterable[RowsOfWindow], settings: Settings
) -> Iterator[tuple[RowsOfWindow, list[Mapping[str, Any]], History]]:
    """Each window with its rows that count, and the listener's history before it.

    Parameters
    ----------
    windows
        By listener, then time.
    """
    user_id = ""
    history: History = {}
    for window in windows:
        if window.user_id != user_id:
            user_id, history = window.user_id, {}
        rows: list[Mapping[str, Any]] = [
            row for row in window.rows if not row.get("excess") and not row.get("unknown")
        ]
        yield window, rows, dict(history)
        if heard := _window(rows, window.start, settings.signals):
            history[int(window.start.timestamp() * 1000)] = heard
            history = dict(islice(history.items(), max(len(history) - WINDOWS, 0), None))


def _window(rows: Sequence[Mapping[str, Any]], start: datetime, signals: SignalSettings) -> Window | None:
    """The signals in a window of facts; None without any. All of them are at its start."""
    weight_of = weights(signals)
    sums: dict[str, tuple[float, str]] = {}
    for row in rows:
        weight = sum(row.get(name, 0) * each for name, each in weight_of.items())
        if not weight:
            continue
        before, kind = sums.get(row["track_id"], (0.0, "complete"))
        if row.get("skips", 0) > row.get("completions", 0):
            kind = "skip"
        if row.get("dislikes"):
            kind = "dislike"
        sums[row["track_id"]] = (before + weight, kind)
    if not sums:
        return None
    names = sorted(sums)
    at = int(start.timestamp() * 1000)
    return Window(
        names, [sums[name][0] for name in names], [at] * len(names), [sums[name][1] for name in names]
    )


def _choices(
    several: Sequence[Seen], index: TrackIndex, settings: Settings
) -> Iterator[tuple[Seen, tuple[np.ndarray, np.ndarray, int]]]:
    """A choice for each track that was taken, with the place in the list as a further feature."""
    sources = in_use(index, settings.ranking)
    profiles = build_profiles([one.listener for one in several], bundle=index)
    for i, one in enumerate(several):
        names = list(one.places)
        rows = index.rows(names)
        known = np.flatnonzero(rows >= 0)
        own = Candidates.scored(rows[known], np.zeros(len(known)), sources)
        evidence = gathered(own, profiles[i], index, {})
        place = 1 / np.log2([[1.0 + one.places[names[n]]] for n in known.tolist()])
        features = np.concatenate([evidence.values, place.reshape(-1, 1)], axis=1)
        taken = np.array([names[n] in one.taken for n in known.tolist()], dtype=bool)
        others = np.flatnonzero(~taken)
        for chosen in np.flatnonzero(taken).tolist() if len(others) else ():
            yield one, (features[[chosen, *others.tolist()]], evidence.state, 0)
