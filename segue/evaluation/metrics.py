"""Metrics of top-k lists. All take whole arrays; a list shorter than k is padded with -1.

Accuracy metrics return a value for each row, so that rows can be grouped (repeat and new tracks, listeners)
and bootstrapped. Definitions follow Gunawardana, Shani and Yogev (2022), "Evaluating recommender systems".
"""

from __future__ import annotations

import numpy as np
from scipy import sparse


def by_rank(ranks: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """Metrics of rows with one relevant item each, from its rank.

    Parameters
    ----------
    ranks
        (n,) from 1; inf if the item is not in the list.

    Returns
    -------
    (n,) each: `hr` (whether it is among the first k; with one item, equal to recall), `mrr` (1 / rank),
    `ndcg` (1 / log2(rank + 1)), `precision` (hr / k), `recall`, `map` (with one item, equal to mrr); 0 beyond
    k.
    """
    within = ranks <= k
    safe = np.where(within, ranks, 1.0)
    hit = within.astype(np.float64)
    reciprocal = hit / safe
    return {
        "hr": hit,
        "mrr": reciprocal,
        "ndcg": hit / np.log2(safe + 1),
        "precision": hit / k,
        "recall": hit,
        "map": reciprocal,
    }


def by_lists(lists: np.ndarray, relevant: sparse.csr_matrix, k: int) -> dict[str, np.ndarray]:
    """Metrics of rows with any number of relevant items, at least one each.

    Parameters
    ----------
    lists
        (n, k or more) columns of `relevant`, best first; -1: none.
    relevant
        (n, items); a stored positive entry is relevant.

    Returns
    -------
    (n,) each: `hr` (any hit), `mrr` (1 / rank of the first hit), `ndcg` (binary gains, against the best
    possible list), `precision` (hits / k), `recall` (hits / relevant), `map` (mean precision at the
    hits, over min(relevant, k)).

    Raises
    ------
    ValueError
        A row has no relevant item, so that its recall is undefined.
    """
    count = np.asarray((relevant > 0).sum(axis=1)).ravel()
    if (count == 0).any():
        raise ValueError(f"row {int(np.argmin(count))} has no relevant item")
    hits = hit_matrix(lists[:, :k], relevant)
    places = np.arange(1, hits.shape[1] + 1)
    gains = 1 / np.log2(places + 1)
    best = np.cumsum(1 / np.log2(np.arange(1, k + 1) + 1))[np.minimum(count, k) - 1]
    precisions = np.cumsum(hits, axis=1) / places
    return {
        "hr": hits.any(axis=1).astype(np.float64),
        "mrr": (hits / places).max(axis=1),
        "ndcg": hits @ gains / best,
        "precision": hits.sum(axis=1) / k,
        "recall": hits.sum(axis=1) / count,
        "map": (precisions * hits).sum(axis=1) / np.minimum(count, k),
    }


def hit_matrix(lists: np.ndarray, relevant: sparse.csr_matrix) -> np.ndarray:
    """(n, k) bool: whether each listed item is relevant."""
    rows = np.repeat(np.arange(len(lists)), lists.shape[1])
    values = np.asarray(relevant[rows, np.maximum(lists, 0).ravel()]).reshape(lists.shape)
    return (values > 0) & (lists >= 0)


def coverage(lists: np.ndarray, n_items: int) -> float:
    """The share of the catalogue that is in at least one list."""
    return len(np.unique(lists[lists >= 0])) / n_items


def gini(lists: np.ndarray, n_items: int) -> float:
    """The inequality of recommendations over the catalogue: 0 for equal counts, near 1 for a single item.

    ``sum((2 i - n - 1) x_i) / (n sum(x))`` over the items' counts in ascending order; 0 for no lists.
    """
    counts = np.sort(np.bincount(lists[lists >= 0], minlength=n_items))
    total = counts.sum()
    if total == 0:
        return 0.0
    n = len(counts)
    return float(((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / (n * total))


def novelty(lists: np.ndarray, plays: np.ndarray) -> np.ndarray:
    """Mean self-information of each list, bits: ``-log2(share of plays)``; (n,), NaN for an empty list.

    An item without plays counts as played once.
    """
    information = -np.log2(np.maximum(plays, 1) / max(plays.sum(), 1))
    return _mean_over(lists, information)


def average_popularity(lists: np.ndarray, plays: np.ndarray) -> np.ndarray:
    """Mean plays of the items of each list; (n,), NaN for an empty list."""
    return _mean_over(lists, plays.astype(np.float64))


def _mean_over(lists: np.ndarray, values: np.ndarray) -> np.ndarray:
    there = lists >= 0
    count = there.sum(axis=1)
    total = np.where(there, values[np.maximum(lists, 0)], 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(lists), np.nan), where=count > 0))


def artist_diversity(lists: np.ndarray, artists: np.ndarray) -> np.ndarray:
    """Distinct artists / items of each list; an unknown artist (-1) counts as a separate one. (n,)."""
    there = lists >= 0
    # An unknown artist gets a code that no other item has.
    own = np.where(artists >= 0, artists, artists.max(initial=0) + 1 + np.arange(len(artists)))
    listed = np.sort(np.where(there, own[np.maximum(lists, 0)], -1), axis=1)
    new = np.ones_like(listed, dtype=bool)
    new[:, 1:] = listed[:, 1:] != listed[:, :-1]
    count = there.sum(axis=1)
    distinct = (new & (listed >= 0)).sum(axis=1)
    return np.asarray(np.divide(distinct, count, out=np.full(len(lists), np.nan), where=count > 0))


def intra_list_similarity(lists: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Mean cosine of all pairs of each list (Ziegler et al., 2005); NaN for fewer than two items. (n,).

    `vectors` is (items, d) with rows of unit length or zero. The sum over pairs follows from the sum of the
    list: ``(|sum v|^2 - sum |v|^2) / (m (m - 1))``.
    """
    there = lists >= 0
    listed = np.where(there[:, :, None], vectors[np.maximum(lists, 0)], 0.0)
    total = listed.sum(axis=1)
    pairs = np.square(total).sum(axis=1) - np.square(listed).sum(axis=(1, 2))
    m = there.sum(axis=1)
    return np.asarray(np.divide(pairs, m * (m - 1), out=np.full(len(lists), np.nan), where=m > 1))


def bootstrap(
    values: np.ndarray, *, groups: np.ndarray | None = None, samples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of a mean, by resampling with replacement (percentile bootstrap, Efron 1979).

    With `groups` (such as sessions), whole groups are drawn: the predictions in a session are not
    independent.
    """
    codes = np.arange(len(values)) if groups is None else np.unique(groups, return_inverse=True)[1]
    total = np.bincount(codes, values)
    count = np.bincount(codes)
    draw = np.random.default_rng(seed).multinomial(len(total), np.full(len(total), 1 / len(total)), samples)
    low, high = np.percentile((draw @ total) / (draw @ count), [2.5, 97.5])
    return float(low), float(high)
