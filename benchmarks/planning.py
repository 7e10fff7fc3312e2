"""Planning alone, without a stream: what session knowledge and the artists' tracks add to a listener's plan.

Vectors, rules and artists are made up, at the size of the Free Music Archive. All ways take turns, so that a
busy moment of the machine falls on all of them; the figures are processor time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.catalogue import FMA, vectors
from segue.index.bundle import Bundle, load_bundle, write_bundle
from segue.index.following import by_artist_of, following_of
from segue.index.track_ids import encode_ids
from segue.ranking.plan import plan
from segue.settings import Settings, load_settings
from segue.taste.history import History, Window

RULES = 50
"""For each track: as many as `models.neighbours` lets through."""
TRACKS_OF_ARTIST = 7
"""As in the Free Music Archive on average."""
WINDOWS, SIGNALS = 6, 12
"""Of a listener's history."""


@dataclass(frozen=True)
class Way:
    bundle: Bundle
    settings: Settings

    def __call__(self, histories: Mapping[str, History]) -> None:
        plan(
            histories,
            bundle=self.bundle,
            lookup=lambda ids: {},
            taste=self.settings.taste,
            ranking=self.settings.ranking,
            experiments=self.settings.experiments,
        )


def measure(*, quick: bool, console: Console) -> Mapping[str, float | bool]:
    """Figures by key: see docs/benchmarks.md."""
    settings = load_settings()
    tracks = 10_000 if quick else FMA
    with tempfile.TemporaryDirectory() as folder, console.status(f"Building an index of {tracks} tracks"):
        bundle = made_up(Path(folder), settings, tracks=tracks)
        rules_only = settings.ranking.model_copy(update={"artist_weight": 0.0})
        ways: dict[str, Callable[[Mapping[str, History]], None]] = {
            "sound": Way(replace(bundle, following=None, by_artist=None), settings),
            "rules": Way(bundle, settings.model_copy(update={"ranking": rules_only})),
            "hybrid": Way(bundle, settings),
        }
        figures: dict[str, float | bool] = {"tracks": float(tracks)}
        for listeners, rounds in ((1, 200), (20, 40), (256, 6)):
            times = timed(ways, listeners=listeners, rounds=rounds // (4 if quick else 1) or 1, tracks=tracks)
            for name, spent in times.items():
                figures[f"{name}_ms_{listeners}"] = 1000 * float(np.median(spent))
            figures[f"hybrid_over_sound_{listeners}"] = (
                figures[f"hybrid_ms_{listeners}"] / figures[f"sound_ms_{listeners}"]
            )
    return figures


def made_up(folder: Path, settings: Settings, *, tracks: int) -> Bundle:
    """A bundle of clustered vectors with rules between tracks that lie near each other by number."""
    rng = np.random.default_rng(4)
    ids = encode_ids([f"t{row:07d}" for row in range(tracks)])
    artists = (np.arange(tracks) // TRACKS_OF_ARTIST).astype(np.int32)
    source = np.repeat(np.arange(tracks, dtype=np.int32), RULES)
    model = {
        "track_ids": ids,
        "listeners": rng.integers(0, 100, size=tracks),
        "tracks": source,
        "next": ((source + rng.integers(1, 2000, size=len(source))) % tracks).astype(np.int32),
        "scores": rng.random(len(source), dtype=np.float32),
    }
    manifest = write_bundle(
        folder,
        vectors=vectors(tracks),
        track_ids=ids,
        artists=artists,
        cold_start=np.arange(0, tracks, tracks // settings.index.cold_start, dtype=np.int32),
        songs=np.arange(tracks, dtype=np.int32),
        following=following_of(model, track_ids=ids),
        by_artist=by_artist_of(model, track_ids=ids, artists=artists),
        space="made-up",
        trees=settings.index.trees,
        search_k=settings.index.search_k,
        recall_queries=20,
    )
    return load_bundle(folder / manifest.version)


def histories(rng: np.random.Generator, *, listeners: int, tracks: int) -> dict[str, History]:
    """Listeners whose windows each keep to a neighbourhood, and who skip a fifth of what they hear."""
    found: dict[str, History] = {}
    for number in range(listeners):
        history = {}
        for window in range(WINDOWS):
            start = 1_800_000 * window
            rows = (rng.integers(tracks) + rng.integers(0, 2000, size=SIGNALS)) % tracks
            weights = np.where(rng.random(SIGNALS) < 0.2, -0.5, 1.0)
            at = [start + 60_000 * place for place in range(SIGNALS)]
            names = [f"t{row:07d}" for row in rows]
            history[start] = Window(names, weights.tolist(), at, ["complete"] * SIGNALS)
        found[f"listener{number}"] = history
    return found


def timed(
    ways: Mapping[str, Callable[[Mapping[str, History]], None]], *, listeners: int, rounds: int, tracks: int
) -> dict[str, list[float]]:
    """Seconds of processor time of each way's rounds; every round is of other listeners, the first is not
    counted."""
    rng = np.random.default_rng(listeners)
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        who = histories(rng, listeners=listeners, tracks=tracks)
        for name, way in ways.items():
            began = time.process_time()
            way(who)
            if number:
                spent[name].append(time.process_time() - began)
    return spent
