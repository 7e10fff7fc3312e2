"""Each metric against a case worked by hand, and against scikit-learn where it has the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import average_precision_score, ndcg_score

from segue.evaluation.metrics import (
    artist_diversity,
    average_popularity,
    bootstrap,
    by_lists,
    by_rank,
    coverage,
    gini,
    intra_list_similarity,
    novelty,
)

LISTS = np.array([[0, 1, 2], [3, 2, -1]])


def test_one_relevant_item_by_hand() -> None:
    found = by_rank(np.array([1, 3, 11, np.inf]), 10)
    assert found["hr"].tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(found["mrr"], [1, 1 / 3, 0, 0])
    np.testing.assert_allclose(found["ndcg"], [1, 0.5, 0, 0])
    np.testing.assert_allclose(found["precision"], [0.1, 0.1, 0, 0])


def test_several_relevant_items_by_hand() -> None:
    relevant = sparse.csr_matrix([[0, 1, 1, 1], [1, 0, 1, 0]])
    found = by_lists(LISTS, relevant, 3)
    # The first list hits at 2 and 3 of three relevant, the second at 2 of two.
    assert found["hr"].tolist() == [1, 1]
    np.testing.assert_allclose(found["mrr"], [1 / 2, 1 / 2])
    np.testing.assert_allclose(found["precision"], [2 / 3, 1 / 3])
    np.testing.assert_allclose(found["recall"], [2 / 3, 1 / 2])
    np.testing.assert_allclose(found["map"], [(1 / 2 + 2 / 3) / 3, (1 / 2) / 2])
    first, second, third = 1 / np.log2([2, 3, 4])
    np.testing.assert_allclose(
        found["ndcg"], [(second + third) / (first + second + third), second / (first + second)]
    )


def test_ndcg_and_map_are_scikit_learns() -> None:
    rng = np.random.default_rng(2)
    scores, relevant = rng.random((30, 25)), (rng.random((30, 25)) < 0.2).astype(float)
    relevant[:, 0] = 1
    lists = np.argsort(-scores, axis=1)
    found = by_lists(lists, sparse.csr_matrix(relevant), 10)
    assert found["ndcg"].mean() == pytest.approx(ndcg_score(relevant, scores, k=10))
    whole = by_lists(lists, sparse.csr_matrix(relevant), 25)
    reference = [average_precision_score(truth, score) for truth, score in zip(relevant, scores, strict=True)]
    np.testing.assert_allclose(whole["map"], reference)


def test_one_relevant_item_is_the_special_case_of_several() -> None:
    lists = np.array([[4, 2, 0], [1, 3, 2], [0, 1, 2]])
    relevant = sparse.csr_matrix(np.eye(5)[[2, 1, 4]])
    several, one = by_lists(lists, relevant, 3), by_rank(np.array([2, 1, np.inf]), 3)
    for name, values in one.items():
        np.testing.assert_allclose(several[name], values, err_msg=name)


def test_a_row_without_anything_relevant_is_an_error() -> None:
    with pytest.raises(ValueError, match="row 1 has no relevant item"):
        by_lists(LISTS, sparse.csr_matrix([[1, 0, 0, 0], [0, 0, 0, 0]]), 3)


def test_coverage_and_gini_by_hand() -> None:
    assert coverage(LISTS, 8) == 0.5
    assert gini(np.array([[0], [1], [2], [3]]), 4) == 0
    assert gini(np.array([[0], [0]]), 4) == pytest.approx(3 / 4)
    assert gini(np.array([[0, 1], [1, -1]]), 2) == pytest.approx(1 / 6)
    assert gini(np.array([[-1]]), 3) == 0


def test_novelty_and_popularity_by_hand() -> None:
    plays = np.array([8, 4, 4, 0])
    np.testing.assert_allclose(novelty(LISTS, plays), [(1 + 2 + 2) / 3, (4 + 2) / 2])
    np.testing.assert_allclose(average_popularity(LISTS, plays), [16 / 3, 2])


def test_diversity_by_hand() -> None:
    assert artist_diversity(LISTS, np.array([5, 5, -1, -1])).tolist() == pytest.approx([2 / 3, 1.0])
    vectors = np.array([[1.0, 0], [0, 1], [1, 0], [0.6, 0.8]])
    np.testing.assert_allclose(intra_list_similarity(LISTS, vectors), [1 / 3, 0.6])


def test_the_interval_holds_the_mean_and_whole_groups_make_it_wider() -> None:
    groups = np.repeat(np.arange(40), 25)
    values = np.random.default_rng(0).random(40)[groups]
    low, high = bootstrap(values)
    wide_low, wide_high = bootstrap(values, groups=groups)
    assert wide_low < low < values.mean() < high < wide_high
    # The mean of 40 independent groups: 1.96 standard errors to either side.
    expected = 2 * 1.96 * np.random.default_rng(0).random(40).std() / np.sqrt(40)
    assert wide_high - wide_low == pytest.approx(expected, rel=0.15)
