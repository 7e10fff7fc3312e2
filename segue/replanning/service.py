"""The service that plans listeners anew once they have played: reads, plans, writes, and waits for MongoDB.

Delivery: tastes and recommendations are whole documents under the listener's id, guarded by event time
(:mod:`segue.taste.tastes`, :mod:`segue.ranking.recommendations`). After a crash in the middle of a batch the
batch is repeated and ends in the same documents.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial

import pyarrow as pa

from segue.catalog.unknown import UnknownTracks
from segue.embeddings.stored import Embeddings
from segue.index.track_index import TrackIndex
from segue.people.forgotten import Forgotten
from segue.ranking.feedback import NO_FEEDBACK, Feedback
from segue.ranking.plan import Plan, plan
from segue.ranking.recommendations import Recommendations
from segue.settings import Settings
from segue.storage.mongo import patient
from segue.storage.store import Store
from segue.taste.history import History, prune, retention, windows_of
from segue.taste.profile import ListenerHistory
from segue.taste.tastes import TasteRecord, Tastes


class Replanning:
    """Plans the listeners whose windows have changed: one a process, in the stream's driver and workers."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._settings, self._unknown = settings, UnknownTracks(store)
        self._tastes, self._recommendations = Tastes(store), Recommendations(store)
        self._forgotten, self._embeddings = Forgotten(store), Embeddings(store)
        self._steps: tuple[tuple[str, str], dict[int, float]] = (("", ""), {})

    def replan(
        self, windows: pa.Table, *, bundle: TrackIndex, feedback: Feedback = NO_FEEDBACK
    ) -> list[float]:
        """From changed windows to documents; waits for MongoDB as long as the settings' `stream.outage`.

        What was written before MongoDB went away is written again.

        Parameters
        ----------
        windows
            Rows as for :func:`segue.taste.history.windows_of`. All of a listener's rows must be in one table,
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
        """The same without waiting."""
        listeners = self._extended(windows)
        if not listeners:
            return []
        plans = plan(
            listeners,
            bundle=bundle,
            lookup=partial(self._embeddings.vectors_of, space=bundle.space),
            ranking=self._settings.ranking,
            experiments=self._settings.experiments,
            feedback=self._by_row(feedback, bundle),
        )
        self.write(plans, space=bundle.space)
        written = time.time() * 1000
        return [written - plan.reflects_at for plan in plans]

    def write(self, plans: Sequence[Plan], *, space: str) -> None:
        """Write recommendations and, beside them, tastes; then which tracks are in no catalogue."""
        if not plans:
            return
        tastes = _beside().submit(
            self._tastes.write,
            [TasteRecord(made.user_id, made.history, made.vector, space, made.reflects_at) for made in plans],
        )
        try:
            self._recommendations.write(plans)
        finally:
            tastes.result()
        self._unknown.note((track_id, made.reflects_at) for made in plans for track_id in made.unknown)

    def _extended(self, windows: pa.Table) -> list[ListenerHistory]:
        """The histories of a table's listeners with their changed windows; none of those who have left."""
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
        """The feedback by row of the bundle, worked out once for each pair of versions."""
        key = (feedback.version, bundle.version)
        if key != self._steps[0]:
            self._steps = key, feedback.by_row(bundle)
        return self._steps[1]


@lru_cache(maxsize=1)
def _beside() -> ThreadPoolExecutor:
    """For a write that goes on beside another; one a process."""
    return ThreadPoolExecutor(thread_name_prefix="tastes")
