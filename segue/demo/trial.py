"""A trial of the running stream: sends listeners' plays, and measures the recommendations."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.progress import Progress

from segue.catalog.rejected import RejectedTracks
from segue.counted import counted
from segue.demo.listeners import SimulatedListener, fit, known_styles, make_listeners
from segue.demo.replay import Sent, replay, songs_of
from segue.demo.summary import DemoSummary
from segue.errors import SegueError
from segue.evaluation.freshness import FreshnessWatch
from segue.index.published import PublishedBundles
from segue.plays.delivery import PlayProducer
from segue.ranking.recommendations import Recommendation, Recommendations
from segue.settings import Settings
from segue.storage.kafka import read_rejected
from segue.storage.store import open_store
from segue.taste.tastes import Tastes

PATIENCE = 90
"""Seconds for the stream to catch up with the sent plays."""
WARM_UP = 20
"""Seconds of plays before the measurement: the JVM is slower until it has warmed up."""
_CLOCKS_APART_MS = 60_000
SHOWN = 5
"""The number of recommendations in the fit: those that a listener would hear in the next minutes."""


class Trial:
    """A trial; `alive` raises if the stream has ended."""

    def __init__(self, settings: Settings, *, console: Console, alive: Callable[[], None]) -> None:
        self._settings, self._console, self._alive = settings, console, alive
        self._store = open_store(settings)
        self._tastes = Tastes(self._store)
        self._recommendations = Recommendations(self._store)
        self._songs = songs_of(self._store)
        if not self._songs:
            raise SegueError("no track of the library could be used: see ./run.sh library rejected")
        self._began = time.time_ns() // 1_000_000

    def warm_up(self, *, per_second: float) -> None:
        """Warm up the stream with listeners who are removed afterwards."""
        tracks = int(WARM_UP * per_second / 20)
        listeners = [SimulatedListener(f"warm-up-{n}", ()) for n in range(10)]
        self._send(listeners, tracks=tracks, per_second=per_second, title="Warming up")
        user_ids = [listener.user_id for listener in listeners]
        self._tastes.remove(user_ids)
        self._recommendations.remove(user_ids)

    def measure(self, *, tracks: int, per_second: float, run: str) -> DemoSummary:
        """Replay listeners with known tastes, and compare their recommendations with these tastes."""
        listeners = make_listeners(known_styles(self._songs), run=run)
        title = f"Replaying {counted(len(listeners), 'listener')}"
        with FreshnessWatch(self._store) as watch:
            sent = self._send(listeners, tracks=tracks, per_second=per_second, title=title, malformed=True)
            latencies, unseen = watch.latencies(sent.signals)
        lists = self._lists(sent)
        rejected = self._rejected()
        faults = []
        if missing := sorted({user for user, _ in sent.signals} - set(lists)):
            faults.append(f"without recommendations that reflect their plays: {', '.join(missing)}")
        if unseen:
            faults.append(f"{counted(unseen, 'play is', plural='plays are')} not reflected in any document")
        if rejected != sent.malformed:
            faults.append(
                f"{sent.malformed} malformed records were sent, but {rejected} are in the rejected topic"
            )
        return self._summary(
            sent,
            latencies=latencies,
            fits=self._fits(listeners, lists),
            served=len(lists),
            rejected=rejected,
            faults=faults,
        )

    def _send(
        self,
        listeners: Sequence[SimulatedListener],
        *,
        tracks: int,
        per_second: float,
        title: str,
        malformed: bool = False,
    ) -> Sent:
        with PlayProducer(self._settings.kafka) as producer, Progress(console=self._console) as progress:
            task = progress.add_task(title, total=None)
            sent = replay(
                producer,
                listeners,
                self._songs,
                tracks=tracks,
                per_second=per_second,
                malformed=malformed,
                progress=lambda count: progress.advance(task, count),
            )
            progress.update(task, total=sent.plays, completed=sent.plays)
        self._catch_up(sent)
        return sent

    def _catch_up(self, sent: Sent) -> None:
        """Wait until each listener's last play is reflected and the malformed records are rejected."""
        last = dict(sent.signals)
        end = time.monotonic() + PATIENCE
        with self._console.status("Waiting for the stream to catch up"):
            while time.monotonic() < end:
                reflected = self._recommendations.reflected(list(last))
                if all(reflected.get(user, 0) >= at for user, at in last.items()) and (
                    not sent.malformed or self._rejected() >= sent.malformed
                ):
                    return
                self._alive()
                time.sleep(0.25)

    def _rejected(self) -> int:
        # The broker's clock, which dates the records of the topic, may be behind that of this machine.
        recent = read_rejected(self._settings.kafka, since=self._began - _CLOCKS_APART_MS)
        return sum(record.timestamp >= self._began for record in recent)

    def _lists(self, sent: Sent) -> dict[str, Recommendation]:
        """The recommendations that reflect a play of this trial, by listener."""
        first = {user: at for user, at in reversed(sent.signals)}
        return {
            recommendation.user_id: recommendation
            for recommendation in self._recommendations.of_several(list(first))
            if recommendation.reflects_at >= first[recommendation.user_id] and recommendation.tracks
        }

    def _fits(
        self, listeners: Sequence[SimulatedListener], lists: Mapping[str, Recommendation]
    ) -> list[tuple[float, float]]:
        """The fit of each listener's list, and of random unheard tracks, for listeners with a taste."""
        songs = {song.track_id: song for song in self._songs}
        fits = []
        for listener in listeners:
            if listener.style is None or listener.user_id not in lists:
                continue
            items = [songs[track.track_id] for track in lists[listener.user_id].tracks[:SHOWN]]
            history = self._tastes.history(listener.user_id)
            heard = {track for window in history.values() for track in window.tracks}
            fresh = [song for song in self._songs if song.track_id not in heard]
            fits.append((fit(items, listener.style), fit(fresh, listener.style)))
        return fits

    def _summary(
        self,
        sent: Sent,
        *,
        latencies: np.ndarray,
        fits: Sequence[tuple[float, float]],
        served: int,
        rejected: int,
        faults: Sequence[str],
    ) -> DemoSummary:
        bundles = PublishedBundles(self._store)
        manifest = bundles.manifest(bundles.active_version())
        p50, p99 = np.percentile(latencies, [50, 99]) if len(latencies) else (float("nan"), float("nan"))
        return DemoSummary(
            tracks=manifest.count if manifest else 0,
            tracks_rejected=RejectedTracks(self._store).reasons().total(),
            recall20=manifest.recall20 if manifest else float("nan"),
            plays_sent=sent.plays + sent.malformed,
            plays_rejected=rejected,
            listeners_served=served,
            p50_ms=round(float(p50), 1),
            p99_ms=round(float(p99), 1),
            fit=float(np.mean([own for own, _ in fits])) if fits else None,
            fit_by_chance=float(np.mean([chance for _, chance in fits])) if fits else None,
            faults=tuple(faults),
        )
