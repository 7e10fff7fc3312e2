"""The service that re-plans listeners: it reads, plans, writes, and waits for MongoDB.

Delivery: tastes and recommendations are whole documents under the listener's id, guarded by event time
(:mod:`segue.taste.tastes`, :mod:`segue.ranking.recommendations`). After a crash during a batch, the batch is
repeated and writes the same documents, unless a new version of the learned order has come into use meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, lru_cache, partial

import pyarrow as pa

from segue.catalog.tracks import Tracks
from segue.catalog.unknown import UnknownTracks
from segue.embeddings.stored import Embeddings
from segue.index.track_index import TrackIndex
from segue.index.visible import VisibleIndexes
from segue.people.forgotten import Forgotten
from segue.people.library_access import NOTHING, AdmittedListeners, LibraryAccess
from segue.ranking.feedback import NO_FEEDBACK, Feedback
from segue.ranking.order_versions import ActiveOrder
from segue.ranking.plan import Plan, plan
from segue.ranking.recommendations import Recommendations
from segue.ranking.variants import ranking_of
from segue.replanning.weighing import windows_of
from segue.settings import Settings
from segue.storage.mongo import patient
from segue.storage.store import Store
from segue.taste.corrections import Unwanted
from segue.taste.history import History, prune, retention
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
        self._unwanted = Unwanted(Tracks(store).ids_under)
        self._order = ActiveOrder(store)
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
                [self._corrected(own, bundle) for own in members],
                bundle=self._visible.of(bundle, hidden),
                lookup=partial(self._embeddings.vectors_of, space=bundle.space),
                ranking=self._settings.ranking,
                experiments=self._settings.experiments,
                feedback=self._by_row(feedback, bundle),
                order=self._order.current() if self._is_ordered else None,
            )
        ]

    @cached_property
    def _is_ordered(self) -> bool:
        """Whether a learned order is used, for all listeners or in a variant."""
        experiments, ranking = self._settings.experiments, self._settings.ranking
        variants = [
            ranking_of(name, ranking=ranking, experiments=experiments) for name, _ in experiments.ranking
        ]
        return any(own.model == "learned" for own in (ranking, *variants))

    def _corrected(self, listener: ListenerHistory, bundle: TrackIndex) -> ListenerHistory:
        """The listener with the rows that their corrections mean."""
        if not listener.corrections:
            return listener
        return replace(listener, unwanted=self._unwanted.of(listener.corrections, bundle))

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
