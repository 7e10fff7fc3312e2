"""Planning without a stream: the time that session knowledge and artist tracks add to a listener's plan.

Vectors, rules and artists are synthetic (segue.benchmarks.catalogue), at the size of the Free Music Archive.
The variants take turns, so that other work on the machine affects all of them; the figures are processor
time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console

from segue.benchmarks.catalogue import FMA, bundle_of, track_id
from segue.index.bundle import Bundle, load_bundle
from segue.ranking.plan import plan
from segue.settings import Settings, load_settings
from segue.taste.history import History, Window
from segue.taste.profile import ListenerHistory

WINDOWS, SIGNALS = 6, 12
"""The windows of a listener's history."""


@dataclass(frozen=True)
class Way:
    bundle: Bundle
    settings: Settings

    def __call__(self, histories: Mapping[str, History]) -> None:
        taste = self.settings.taste
        plan(
            [ListenerHistory(user_id, history, taste) for user_id, history in histories.items()],
            bundle=self.bundle,
            ranking=self.settings.ranking,
            experiments=self.settings.experiments,
        )


def measure(*, quick: bool, console: Console) -> Mapping[str, float | bool]:
    """The figures by key: see docs/reference/benchmarks.md."""
    settings = load_settings()
    tracks = 10_000 if quick else FMA
    bundle = load_bundle(bundle_of(tracks, rules=True, console=console))
    of_sum = settings.model_copy(update={"ranking": settings.ranking.model_copy(update={"model": "sum"})})
    rules_only = of_sum.ranking.model_copy(update={"artist_weight": 0.0})
    learned_order = settings.ranking.model_copy(update={"model": "learned"})
    ways: dict[str, Callable[[Mapping[str, History]], None]] = {
        "sound": Way(replace(bundle, transition_rules=None, artist_tracks=None), of_sum),
        "rules": Way(bundle, settings.model_copy(update={"ranking": rules_only})),
        "hybrid": Way(bundle, of_sum),
        "learned": Way(bundle, settings.model_copy(update={"ranking": learned_order})),
    }
    figures: dict[str, float | bool] = {"tracks": float(tracks)}
    for listeners, rounds in ((1, 200), (20, 40), (256, 6)):
        times = timed(ways, listeners=listeners, rounds=rounds // (4 if quick else 1) or 1, tracks=tracks)
        for name, spent in times.items():
            figures[f"{name}_ms_{listeners}"] = 1000 * float(np.median(spent))
        figures[f"hybrid_over_sound_{listeners}"] = (
            figures[f"hybrid_ms_{listeners}"] / figures[f"sound_ms_{listeners}"]
        )
        figures[f"learned_over_hybrid_{listeners}"] = (
            figures[f"learned_ms_{listeners}"] / figures[f"hybrid_ms_{listeners}"]
        )
    return figures


def histories(rng: np.random.Generator, *, listeners: int, tracks: int) -> dict[str, History]:
    """Histories whose windows each stay in a neighbourhood, with a fifth of the tracks skipped."""
    history_of: dict[str, History] = {}
    for number in range(listeners):
        history = {}
        for window in range(WINDOWS):
            start = 1_800_000 * window
            rows = (rng.integers(tracks) + rng.integers(0, 2000, size=SIGNALS)) % tracks
            weights = np.where(rng.random(SIGNALS) < 0.2, -0.5, 1.0)
            at = [start + 60_000 * place for place in range(SIGNALS)]
            names = [track_id(row) for row in rows.tolist()]
            history[start] = Window(names, weights.tolist(), at, ["complete"] * SIGNALS)
        history_of[f"listener{number}"] = history
    return history_of


def timed(
    ways: Mapping[str, Callable[[Mapping[str, History]], None]], *, listeners: int, rounds: int, tracks: int
) -> dict[str, list[float]]:
    """Processor seconds of each variant's rounds; each round has other listeners, and the first does not
    count."""
    rng = np.random.default_rng(listeners)
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        batch = histories(rng, listeners=listeners, tracks=tracks)
        for name, way in ways.items():
            began = time.process_time()
            way(batch)
            if number:
                spent[name].append(time.process_time() - began)
    return spent
