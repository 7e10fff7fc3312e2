"""The service that re-plans listeners: it weighs their signals, reads, plans, writes, and waits for MongoDB.

Delivery: tastes and recommendations are whole documents under the listener's id, guarded by event time
(:mod:`segue.taste.tastes`, :mod:`segue.ranking.recommendations`). After a crash during a batch, the batch is
repeated and writes the same documents.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.catalog.tracks import Tracks
from segue.catalog.unknown import UnknownTracks
from segue.embeddings.stored import Embeddings
from segue.index.track_index import TrackIndex
from segue.index.visible import VisibleIndexes
from segue.people.forgotten import Forgotten
from segue.people.library_access import NOTHING, AdmittedListeners, LibraryAccess
from segue.plays.added_fields import unfolded
from segue.plays.event import SIGNAL_WINDOW
from segue.plays.event_types import signal_weights
from segue.ranking.feedback import NO_FEEDBACK, Feedback
from segue.ranking.plan import Plan, plan
from segue.ranking.recommendations import Recommendations
from segue.settings import Settings, SignalSettings
from segue.storage.mongo import patient
from segue.storage.store import Store
from segue.taste.history import History, Window, prune, retention
from segue.taste.profile import ListenerHistory
from segue.taste.tastes import TasteRecord, Tastes


class Replanning:
    """Plans the listeners whose windows have changed: one a process, in the stream's driver and workers."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._settings, self._unknown = settings, UnknownTracks(store)
        self._tastes, self._recommendations = Tastes(store), Recommendations(store)
        self._forgotten, self._embeddings = Forgotten(store), Embeddings(store)
        self._access, self._admitted = LibraryAccess(settings.library.accounts), AdmittedListeners(store)
        self._visible = VisibleIndexes[TrackIndex](Tracks(store).ids_in)
        self._steps: tuple[tuple[str, str], dict[int, float]] = (("", ""), {})

    def replan(
        self, windows: pa.Table, *, bundle: TrackIndex, feedback: Feedback = NO_FEEDBACK
    ) -> list[float]:
        """Write the documents that changed windows give; wait for MongoDB up to `stream.mongo_retry_timeout`.

        Documents that were written before MongoDB became unavailable are written again.

        Parameters
        ----------
        windows
            Rows as for :func:`windows_of`. All of a listener's rows must be in one table,
            since the history is read, extended and written once.

        Returns
        -------
        For each listener written, the milliseconds since the newest play that the documents reflect.
        """
        patiently = patient(self._settings.stream.mongo_retry_timeout)
        return patiently(self.replan_once, windows, bundle=bundle, feedback=feedback)

    def replan_once(
        self, windows: pa.Table, *, bundle: TrackIndex, feedback: Feedback = NO_FEEDBACK
    ) -> list[float]:
        """Re-plan without waiting for MongoDB."""
        plans = self._plan(self._extended(windows), bundle=bundle, feedback=feedback)
        self.write(plans, space=bundle.space)
        written = time.time() * 1000
        return [written - plan.reflects_at for plan in plans]

    def replan_histories(
        self, histories: Mapping[str, History], *, bundle: TrackIndex, feedback: Feedback = NO_FEEDBACK
    ) -> None:
        """Write the documents that whole histories give, by listener; for documents that are rebuilt."""
        stored = self._tastes.listeners(list(histories), taste=self._settings.taste)
        listeners = [replace(own, history=histories[own.user_id]) for own in stored]
        self.write(self._plan(listeners, bundle=bundle, feedback=feedback), space=bundle.space)

    def replan_again(
        self, user_ids: Sequence[str], *, bundle: TrackIndex, feedback: Feedback = NO_FEEDBACK
    ) -> None:
        """Write the documents that the stored histories give, after a change of imported plays."""
        listeners = self._tastes.listeners(user_ids, taste=self._settings.taste)
        self.write(self._plan(listeners, bundle=bundle, feedback=feedback), space=bundle.space)

    def _plan(
        self, listeners: Sequence[ListenerHistory], *, bundle: TrackIndex, feedback: Feedback
    ) -> list[Plan]:
        return [
            each
            for hidden, members in self._by_hidden_libraries(listeners).items()
            for each in plan(
                members,
                bundle=self._visible.of(bundle, hidden),
                lookup=partial(self._embeddings.vectors_of, space=bundle.space),
                ranking=self._settings.ranking,
                experiments=self._settings.experiments,
                feedback=self._by_row(feedback, bundle),
            )
        ]

    def _by_hidden_libraries(
        self, listeners: Sequence[ListenerHistory]
    ) -> dict[frozenset[str], list[ListenerHistory]]:
        """The listeners by the libraries that they do not see."""
        if not self._access.restricted:
            return {NOTHING: list(listeners)}
        names = self._admitted.among([listener.user_id for listener in listeners])
        groups: dict[frozenset[str], list[ListenerHistory]] = {}
        for listener in listeners:
            hidden = self._access.hidden_from(listener.user_id, names.get(listener.user_id))
            groups.setdefault(hidden, []).append(listener)
        return groups

    def write(self, plans: Sequence[Plan], *, space: str) -> None:
        """Write recommendations and tastes in parallel, then the tracks that are in no catalogue."""
        if not plans:
            return
        tastes = _write_executor().submit(
            self._tastes.write,
            [TasteRecord(made.user_id, made.history, made.vector, space, made.reflects_at) for made in plans],
        )
        try:
            self._recommendations.write(plans)
        finally:
            tastes.result()
        self._unknown.note((track_id, made.reflects_at) for made in plans for track_id in made.unknown)

    def _extended(self, windows: pa.Table) -> list[ListenerHistory]:
        """The histories of a table's listeners with the changed windows, without listeners who have left."""
        signals = self._settings.signals
        changed: dict[str, History] = {}
        for user_id, start, window in windows_of(windows, signals=signals):
            changed.setdefault(user_id, {})[start] = window
        for user_id in self._forgotten.among(changed.keys()):
            del changed[user_id]
        if not changed:
            return []
        return [
            replace(
                stored,
                history=prune(
                    stored.history | changed[stored.user_id],
                    taste=retention(stored.settings, self._settings.taste),
                    signals=signals,
                ),
            )
            for stored in self._tastes.listeners(list(changed), taste=self._settings.taste)
        ]

    def _by_row(self, feedback: Feedback, bundle: TrackIndex) -> dict[int, float]:
        """The feedback by row of the bundle, computed once for each pair of versions."""
        key = (feedback.version, bundle.version)
        if key != self._steps[0]:
            self._steps = key, feedback.by_row(bundle)
        return self._steps[1]


@lru_cache(maxsize=1)
def _write_executor() -> ThreadPoolExecutor:
    """The process's executor for a write in parallel with another."""
    return ThreadPoolExecutor(thread_name_prefix="tastes")


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
    """The kept fields of a signal besides those that every signal has."""
    names = [signal.field(number).name for number in range(signal.num_fields)]
    return [name for name in names if name not in SIGNAL_WINDOW.state]


def _first_of_each(row: np.ndarray, events: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The indices of one signal for each (row, event), the earliest."""
    by_event = np.lexsort((at, events, row))
    again = np.r_[False, (np.diff(row[by_event]) == 0) & (np.diff(events[by_event]) == 0)]
    first: np.ndarray = by_event[~again[: len(by_event)]]
    return first
