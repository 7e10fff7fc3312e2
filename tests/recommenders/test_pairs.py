"""Models over pairs of listeners and items, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from segue.recommenders.pairs import PairEnsemble, best_unseen, ease, item_knn


@pytest.fixture
def plays() -> sparse.csr_matrix:
    """Two tastes: listeners 0 to 9 play items 0 to 5, the others items 6 to 11; item 12 everybody plays."""
    rng = np.random.default_rng(3)
    counts = np.zeros((20, 13))
    counts[:10, :6] = rng.integers(1, 50, size=(10, 6)) * (rng.random((10, 6)) < 0.7)
    counts[10:, 6:12] = rng.integers(1, 50, size=(10, 6)) * (rng.random((10, 6)) < 0.7)
    counts[:, 12] = 5
    return sparse.csr_matrix(counts)


def test_ease_is_the_item_model_of_the_paper(plays: sparse.csr_matrix) -> None:
    x = (plays.toarray() > 0).astype(float)
    p = np.linalg.inv(x.T @ x + 7.0 * np.eye(x.shape[1]))
    weights = -p / np.diag(p)
    np.fill_diagonal(weights, 0.0)
    np.testing.assert_allclose(ease(plays, regularisation=7.0), x @ weights, atol=1e-5)


def test_counts_are_relative_to_their_listener(plays: sparse.csr_matrix) -> None:
    louder = sparse.diags(np.linspace(1, 9, plays.shape[0])) @ plays
    once, again = (ease(one, regularisation=5.0, counts=0.5) for one in (plays, louder.tocsr()))
    np.testing.assert_allclose(once, again, rtol=1e-3, atol=1e-5)


def test_tracks_that_everybody_plays_are_damped(plays: sparse.csr_matrix) -> None:
    plain, damped = (ease(plays, regularisation=5.0, popularity=power) for power in (0.0, 0.5))

    def place(scores: np.ndarray) -> float:
        return float((scores > scores[:, [12]]).sum())

    assert place(damped) > place(plain)


@pytest.mark.parametrize("model", [PairEnsemble(factors=4).scores, item_knn])
def test_listeners_get_their_own_taste(plays: sparse.csr_matrix, model) -> None:  # type: ignore[no-untyped-def]
    best = best_unseen(np.asarray(model(plays)), plays, 1)
    missing = [
        row for row in range(20) if plays[row, (0 if row < 10 else 6) : (6 if row < 10 else 12)].nnz < 6
    ]
    assert missing
    for row in missing:
        assert best[row, 0] // 6 == row // 10
