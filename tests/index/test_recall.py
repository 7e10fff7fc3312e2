from __future__ import annotations

import numpy as np
import pytest

from segue.index.exact import ExactIndex
from segue.index.recall import measure_recall
from tests.index.corpus import clustered

VECTORS = clustered(300, 8)


class Forgetful:
    """Finds the nearest like the exact search, but the last `lost` places of each answer hold nothing."""

    def __init__(self, lost: int) -> None:
        self._lost = lost

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        rows, scores = ExactIndex(VECTORS).query(vectors, k)
        rows[:, k - self._lost :], scores[:, k - self._lost :] = -1, -np.inf
        return rows, scores


@pytest.mark.parametrize(("lost", "recall"), [(0, 1.0), (5, 0.75), (20, 0.0)])
def test_recall_is_the_share_of_the_nearest_that_were_found(lost: int, recall: float) -> None:
    assert measure_recall(Forgetful(lost), VECTORS, queries=40).recall == pytest.approx(recall)


def test_a_small_library_is_asked_for_all_it_has() -> None:
    few = VECTORS[:3]
    measured = measure_recall(ExactIndex(few), few, queries=500)
    assert (measured.recall, measured.queries) == (1.0, 3)


def test_another_of_two_equal_tracks_counts_as_found() -> None:
    twins = np.repeat(VECTORS[:30], 2, axis=0)

    class Second:
        """Prefers the second of two equal rows."""

        def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
            rows, scores = ExactIndex(twins).query(vectors, k)
            return rows ^ 1, scores

    assert measure_recall(Second(), twins, queries=60, k=5).recall == 1.0
