"""The neighbour index: recall@20 against the time of one query, for Annoy, Voyager and exact search.

One process, one thread, one query at a time. The indexes take turns in blocks of queries, so that other work
on the machine affects all of them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from threadpoolctl import threadpool_limits

from segue.benchmarks.bars import track
from segue.benchmarks.catalogue import FMA, vectors
from segue.benchmarks.index_plot import REACHED, K, Point, check_kind, draw
from segue.index.annoy_index import AnnoyBackend
from segue.index.backend import Backend
from segue.index.exact import ExactIndex
from segue.index.neighbours import NeighbourIndex
from segue.index.voyager_index import VoyagerBackend
from segue.settings import AnnoySettings, VoyagerSettings, load_settings

ROUNDING = 1e-6
TREES = (25, 50, 100)
SEARCH_K = (500, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 7000, 10_000, 20_000)
QUERY_EF = (20, 30, 50, 75, 100, 200, 400)


@dataclass(frozen=True)
class BuiltIndex:
    folder: Path
    seconds: float
    cpu_seconds: float
    """Processor time, which excludes other work on the machine."""
    file_mb: float


def measure(
    *, quick: bool, console: Console, plot: Path | None = None, tracks: int | None = None
) -> dict[str, float | bool]:
    """The figures for the configured trees and search_k, then the whole sweep, which the plot shows."""
    if plot is not None:
        check_kind(plot)
    count = tracks or (20_000 if quick else FMA)
    return compare(count, queries=300 if quick else 500, plot=plot, console=console)


def compare(
    tracks: int,
    *,
    queries: int,
    console: Console,
    trees: Sequence[int] = TREES,
    search_k: Sequence[int] = SEARCH_K,
    query_ef: Sequence[int] = QUERY_EF,
    plot: Path | None = None,
) -> dict[str, float | bool]:
    """Build, sweep and measure; `trees` and `search_k` of the settings are added to those given."""
    loaded = load_settings()
    chosen, candidates = loaded.index.annoy, loaded.ranking.candidates
    trees, search_k = sorted({*trees, chosen.n_trees}), sorted({*search_k, chosen.search_k})
    with tempfile.TemporaryDirectory() as temporary, threadpool_limits(1):
        rows = vectors(tracks)
        np.save(Path(temporary) / "vectors.npy", rows)
        forests = {
            count: _built(
                rows, _annoy(count, chosen.search_k), Path(temporary) / f"annoy{count}", console=console
            )
            for count in trees
        }
        graph = _built(rows, _voyager(0), Path(temporary) / "voyager", console=console)
        settings = _opened(rows, forests, graph, search_k=search_k, query_ef=query_ef)
        asked = rows[np.random.default_rng(0).choice(tracks, size=min(queries, tracks), replace=False)]
        points = sweep(settings, asked)
        tastes = _tastes(rows, queries)
        annoy = settings[f"Annoy, {chosen.n_trees} trees", chosen.search_k]
        point_of = {(point.curve, point.breadth): point for point in points}
        default = point_of[f"Annoy, {chosen.n_trees} trees", chosen.search_k]
        voyager, exact = point_of["Voyager's default", 0], point_of["exact", 0]
        memory = {
            "annoy": _memory(AnnoyBackend(chosen), forests[chosen.n_trees].folder, queries=asked),
            "voyager": _memory(_voyager(0), graph.folder, queries=asked),
        }
        enough = [
            point.breadth for point in points if point.curve == default.curve and point.recall >= REACHED
        ]
        figures: dict[str, float | bool] = {
            "tracks": tracks,
            "trees": chosen.n_trees,
            "search_k": chosen.search_k,
            "least_search_k": min(enough, default=0),
            "annoy_recall": default.recall,
            "annoy_recall_tastes": _recall(annoy, tastes, rows, k=K),
            "annoy_recall_candidates": _recall(annoy, tastes, rows, k=min(candidates, tracks)),
            "voyager_recall": voyager.recall,
            **_times(default, voyager, exact),
        }
        for name, built in (("annoy", forests[chosen.n_trees]), ("voyager", graph)):
            growth, own = memory[name]
            figures |= {
                f"{name}_build_s": built.seconds,
                f"{name}_build_cpu_s": built.cpu_seconds,
                f"{name}_mb": built.file_mb,
                f"{name}_memory_mb": growth,
                f"{name}_own_memory_mb": own,
            }
        figures |= _swept(points)
    if plot is not None:
        draw(points, default=default, tracks=tracks, file=plot)
    return figures


def _opened(
    rows: np.ndarray,
    forests: Mapping[int, BuiltIndex],
    graph: BuiltIndex,
    *,
    search_k: Sequence[int],
    query_ef: Sequence[int],
) -> dict[tuple[str, int], NeighbourIndex]:
    """All indexes to compare, by curve and search breadth."""
    settings: dict[tuple[str, int], NeighbourIndex] = {("exact", 0): ExactIndex(rows)}
    for count, forest in forests.items():
        for breadth in search_k:
            settings[f"Annoy, {count} trees", breadth] = _annoy(count, breadth).open(rows, forest.folder)
    for breadth in query_ef:
        settings["Voyager", breadth] = _voyager(breadth).open(rows, graph.folder)
    settings["Voyager's default", 0] = _voyager(0).open(rows, graph.folder)
    return settings


def _times(annoy: Point, voyager: Point, exact: Point) -> dict[str, float]:
    """Milliseconds of a query, and the speedup of the backends over exact search."""
    return {
        "annoy_ms": annoy.ms,
        "voyager_ms": voyager.ms,
        "exact_ms": exact.ms,
        "annoy_cpu_ms": annoy.cpu_ms,
        "voyager_cpu_ms": voyager.cpu_ms,
        "exact_cpu_ms": exact.cpu_ms,
        "annoy_speedup": exact.ms / annoy.ms,
        "annoy_speedup_cpu": exact.cpu_ms / annoy.cpu_ms,
        "voyager_speedup": exact.ms / voyager.ms,
        "voyager_speedup_cpu": exact.cpu_ms / voyager.cpu_ms,
    }


def _swept(points: Sequence[Point]) -> dict[str, float | bool]:
    """The figures of each point of the curves."""
    figures: dict[str, float | bool] = {}
    for point in points:
        if point.curve != "exact" and point.breadth:
            name = point.curve.lower().replace(", ", "_").replace(" trees", "")
            figures |= {
                f"{name}_{point.breadth}_recall": point.recall,
                f"{name}_{point.breadth}_ms": point.ms,
                f"{name}_{point.breadth}_cpu_ms": point.cpu_ms,
            }
    return figures


def _annoy(trees: int, search_k: int) -> AnnoyBackend:
    return AnnoyBackend(AnnoySettings(n_trees=trees, search_k=search_k))


def _voyager(ef: int) -> VoyagerBackend:
    return VoyagerBackend(VoyagerSettings(query_ef=ef))


def _built(rows: np.ndarray, backend: Backend[Any], folder: Path, *, console: Console) -> BuiltIndex:
    folder.mkdir()
    with console.status(f"Building {folder.name}"):
        began, began_cpu = time.perf_counter(), time.process_time()
        backend.build(rows, folder)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    size = sum(file.stat().st_size for file in folder.iterdir())
    return BuiltIndex(folder, seconds, cpu_seconds, size / 1e6)


def sweep(
    indexes: dict[tuple[str, int], NeighbourIndex], asked: np.ndarray, *, block: int = 50
) -> list[Point]:
    """Recall of (m, d) queries and the median time of one; `("exact", 0)` must be among the indexes."""
    edges = indexes["exact", 0].query(asked, K)[1][:, -1]
    hits = dict.fromkeys(indexes, 0)
    times: dict[tuple[str, int], list[tuple[float, float]]] = {key: [] for key in indexes}
    for start in track(range(0, len(asked), block), description="Asking"):
        part, edge = asked[start : start + block], edges[start : start + block]
        for key, index in indexes.items():
            for query in asked[-5:]:  # another index has had the processor's caches
                index.query(query[None], K)
            for query, least in zip(part, edge, strict=True):
                began, began_cpu = time.perf_counter(), time.thread_time()
                _, scores = index.query(query[None], K)
                cpu = time.thread_time() - began_cpu
                times[key].append((time.perf_counter() - began, cpu))
                hits[key] += int((scores[0] >= least - ROUNDING).sum())
    medians = {key: np.median(taken, axis=0) * 1e3 for key, taken in times.items()}
    return [Point(*key, hits[key] / (K * len(asked)), *(float(ms) for ms in medians[key])) for key in indexes]


def _tastes(rows: np.ndarray, count: int) -> np.ndarray:
    """Queries similar to tastes, shape (count, d): means of ten near tracks."""
    rng = np.random.default_rng(1)
    near = ExactIndex(rows).query(rows[rng.choice(len(rows), size=min(count, len(rows)))], 200)[0]
    picked = np.take_along_axis(near, rng.integers(min(200, len(rows)), size=(len(near), 10)), axis=1)
    tastes: np.ndarray = rows[picked].mean(axis=1)
    return tastes


def _recall(index: NeighbourIndex, asked: np.ndarray, rows: np.ndarray, *, k: int) -> float:
    edges = ExactIndex(rows).query(asked, k)[1][:, -1]
    _, scores = index.query(asked, k)
    return float((scores >= edges[:, None] - ROUNDING).mean())


def _memory(backend: Backend[Any], folder: Path, *, queries: np.ndarray) -> tuple[float, float]:
    """Growth in MB of a fresh process that opens and queries an index: in all, and without mapped files."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_growth, (backend, folder, queries))


def _growth(backend: Backend[Any], folder: Path, queries: np.ndarray) -> tuple[float, float]:
    rows = np.load(folder.parent / "vectors.npy")  # in memory before the queries, whichever rows they touch
    process = psutil.Process()
    before = process.memory_info()
    index = backend.open(rows, folder)
    for query in queries:
        index.query(query[None], K)
    after = process.memory_info()
    own = (after.rss - after.shared) - (before.rss - before.shared)
    return (after.rss - before.rss) / 1e6, own / 1e6
