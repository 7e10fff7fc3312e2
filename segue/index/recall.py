"""The quality and speed of an index: recall against exact search, and the time of one query."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from segue.index.exact import ExactIndex
from segue.index.neighbours import NeighbourIndex

_ROUNDING = 1e-6


@dataclass(frozen=True)
class RecallMeasurement:
    recall: float
    """The mean share of the k nearest that the index finds, 0 to 1."""
    latency_ms: float
    """The median time of a single query, in milliseconds."""
    queries: int
    """The number of queries."""


def measure_recall(
    index: NeighbourIndex, vectors: np.ndarray, *, queries: int, k: int = 20, seed: int = 0
) -> RecallMeasurement:
    """Query the neighbours of sampled rows, and compare with exact search.

    recall@k = mean over queries of |returned rows with a score of at least the exact k-th| / k. A row that
    ties with the k-th counts, whichever of the tied rows exact search lists. If there are fewer than k rows,
    k is their number.

    Parameters
    ----------
    vectors
        (n, d) float32 unit rows, n at least 1.
    queries
        The number of rows to sample, without repetition.
    """
    k = min(k, len(vectors))
    sample = np.random.default_rng(seed).choice(len(vectors), size=min(queries, len(vectors)), replace=False)
    asked = np.asarray(vectors[np.sort(sample)])
    _, exact = ExactIndex(vectors).query(asked, k)
    hits = 0
    times = []
    for query, edge in zip(asked, exact[:, -1], strict=True):
        began = time.perf_counter()
        _, scores = index.query(query[None], k)
        times.append(time.perf_counter() - began)
        hits += int((scores[0] >= edge - _ROUNDING).sum())
    return RecallMeasurement(
        recall=hits / (k * len(asked)), latency_ms=float(np.median(times)) * 1e3, queries=len(asked)
    )
