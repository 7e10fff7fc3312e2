"""Next-track evaluation: every model and baseline over time splits of session logs, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from segue.evaluation.metrics import (
    artist_diversity,
    average_popularity,
    bootstrap,
    by_rank,
    coverage,
    gini,
    intra_list_similarity,
    novelty,
)
from segue.recommenders.chosen import ChosenBlend, context_tree, nearest_sessions
from segue.recommenders.nearest_sessions import GRIDS
from segue.recommenders.ordered import ordered
from segue.recommenders.played import AlsRecommender
from segue.recommenders.ranked import Ranked
from segue.recommenders.served import AsServed, ServedRecommender, SessionKnowledge
from segue.recommenders.session_ensemble import baseline, session_ensemble
from segue.recommenders.session_models import ItemKnn, Popularity, SessionKnn, SessionModel
from segue.recommenders.session_rules import SequentialRules
from segue.recommenders.tastes import NearTaste, centroids
from segue.recommenders.top import ranks_of, top_lists
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries, TimeSplit, blocks
from segue.settings import Settings

MODELS: Mapping[str, Callable[[], SessionModel]] = {
    "popularity": Popularity,
    "item-knn": lambda: ItemKnn(decay=0.6),
    "session-knn": SessionKnn,
    "rules": SequentialRules,
    "session-knn+rules": baseline,
    "context-tree": context_tree,
    "v-sknn": lambda: nearest_sessions(GRIDS["v-sknn"]),
    "stan": lambda: nearest_sessions(GRIDS["stan"]),
    "vstan": lambda: nearest_sessions(GRIDS["vstan"]),
    "hybrid": session_ensemble,
    "blend": ChosenBlend,
    "ranked": Ranked,
}
"""Models without settings, the baselines first."""


def compared(settings: Settings) -> dict[str, Callable[[], SessionModel]]:
    """The models that `evaluate` compares: :data:`MODELS`, collaborative filtering, the session space with
    tastes formed in several ways, and lists as the service makes them with its settings ("served")."""
    models, ranking, taste = settings.models, settings.ranking, settings.taste
    half_life = taste.half_life_tracks

    def space(**how: Any) -> Callable[[], SessionModel]:
        return lambda: NearTaste(models.sessions, **{"half_life": half_life, **how})

    def as_served(make: Callable[[], SessionModel]) -> Callable[[], SessionModel]:
        return lambda: AsServed(make(), ranking)

    of_sum = as_served(lambda: ServedRecommender(models, ranking, taste))

    return {
        **MODELS,
        "als": lambda: AlsRecommender(models.als),
        "space": space(),
        "space:last-track": space(half_life=0),
        "space:plain-mean": space(half_life=None),
        "space:3-centroids": space(taste=centroids(3)),
        "served:session-knn+rules": as_served(baseline),
        "served:hybrid": as_served(session_ensemble),
        "served:ranked": as_served(lambda: Ranked(again=False)),
        "served:space": as_served(space()),
        "served:sessions": as_served(lambda: SessionKnowledge(models, ranking)),
        "served:sum": of_sum,
        "served:learned": lambda: ordered(settings),
        "served": (lambda: ordered(settings)) if ranking.model == "learned" else of_sum,
    }


MANY = 20_000
"""With more predictions than this, only models whose cost allows it are compared unless they are named."""
SLOW = ("item-knn", "session-knn", "als", "space", "served")
"""The models that are left out then, and those whose names begin with them and a colon."""
SAMPLE_DIMENSION = 64
WORKERS = 2
"""The blocks that are answered at once."""


def affordable(names: Sequence[str], *, queries: int) -> list[str]:
    """The models that are compared by default on a log with so many queries."""
    if queries <= MANY:
        return list(names)
    return [name for name in names if name.partition(":")[0] not in SLOW]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The answers of a model on one split."""

    ranks: np.ndarray
    """(p,) float64, inf if the target was not recommended."""
    lists: np.ndarray
    """(p, 20) int64."""
    choice: str
    """The parameters that the model has chosen for this history; empty for a model that chooses none."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The figures of :func:`evaluate`, by model."""

    figures: dict[str, dict[str, float]]
    choices: dict[str, list[str]]
    """The choice of each model on each split; without the models that choose nothing."""


def outcome(model: SessionModel, split: TimeSplit, *, k: int = 20) -> Outcome:
    """Fit a model on the history, and answer the queries block by block."""
    fitted = model.fit(split.history)
    choice = getattr(fitted, "choice", "")

    def answer(block: slice) -> tuple[np.ndarray, np.ndarray]:
        queries = split.queries.take(block)
        scores = fitted.scores(queries)
        return ranks_of(scores, queries.targets), top_lists(scores, k)

    with ThreadPoolExecutor(WORKERS) as pool:
        answers = list(pool.map(answer, blocks(len(split.queries))))
    return Outcome(
        ranks=np.concatenate([ranks for ranks, _ in answers]),
        lists=np.concatenate([lists for _, lists in answers]),
        choice=choice,
    )


def subsets(split: TimeSplit) -> dict[str, np.ndarray]:
    """Masks of the queries: repeat (the listener has played the target before, in this session or an earlier
    one) and new; `low_mainstream` (the third whose earlier plays are of the least played items)."""
    history, queries = split.history, split.queries
    n = split.n_items
    played = np.unique(history.users * n + history.items)
    repeat = np.isin(queries.users * n + queries.targets, played)
    for i in np.flatnonzero(~repeat):
        repeat[i] = queries.targets[i] in queries.items[queries.starts[i] : queries.ends[i]]
    plays = np.bincount(history.items, minlength=n)
    count = np.bincount(history.users, minlength=len(history.user_ids))
    total = np.bincount(history.users, np.log(plays[history.items]), minlength=len(count))
    mainstream = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    level = mainstream[queries.users]
    known = np.unique(queries.users[np.isfinite(level)])
    bar = np.quantile(mainstream[known], 1 / 3) if len(known) else np.nan
    return {"repeat": repeat, "new": ~repeat, "low_mainstream": level <= bar}


def heard(lists: np.ndarray, queries: Queries) -> np.ndarray:
    """(p,) float64: the share of each list that the prefix has played; NaN for an empty list."""
    shares = np.full(len(lists), np.nan)
    for i in range(len(lists)):
        listed = lists[i][lists[i] >= 0]
        if len(listed):
            shares[i] = np.isin(listed, queries.items[queries.starts[i] : queries.ends[i]]).mean()
    return shares


def item_vectors(history: SessionLog, *, dimension: int = SAMPLE_DIMENSION, seed: int = 0) -> np.ndarray:
    """(items, dimension) unit rows for similarity within a list: random projections of the items' sessions.

    The cosine of two items is, up to noise of 1 / sqrt(dimension), that of the sets of sessions they are in.
    It is the same measure for every model, and none of them learns from it.
    """
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(int(history.sessions.max()) + 1, dimension))
    plays = np.ones(len(history))
    shape = (len(history.artists), len(signs))
    projected = sparse.csr_matrix((plays, (history.items, history.sessions)), shape=shape) @ signs
    length = np.linalg.norm(projected, axis=1, keepdims=True)
    return np.asarray(projected / np.where(length > 0, length, 1.0))


def evaluate(
    splits: Sequence[TimeSplit],
    models: Mapping[str, Callable[[], SessionModel]] = MODELS,
    *,
    progress: Callable[[], None] = lambda: None,
) -> Comparison:
    """Compare models by their figures, pooled over the queries of all splits.

    Accuracy is a mean over queries, with `_low` and `_high` of 95 % intervals that draw whole sessions for
    hit rate and MRR at 20. Coverage and Gini are means over the splits: each has a separate catalogue. An
    undefined figure, such as that of empty lists or of a subset without queries, is NaN.
    """
    figures: dict[str, dict[str, float]] = {}
    choices: dict[str, list[str]] = {}
    masks = [subsets(split) for split in splits]
    vectors = [item_vectors(split.history) for split in splits]
    sessions = np.concatenate(
        [split.queries.sessions + number * 10_000_000 for number, split in enumerate(splits)]
    )
    for name, make in models.items():
        outcomes = []
        for split in splits:
            outcomes.append(outcome(make(), split))
            progress()
        figures[name] = _figures(outcomes, splits, masks, vectors, sessions)
        if any(outcome.choice for outcome in outcomes):
            choices[name] = [outcome.choice for outcome in outcomes]
    return Comparison(figures=figures, choices=choices)


def _figures(
    outcomes: Sequence[Outcome],
    splits: Sequence[TimeSplit],
    masks: Sequence[Mapping[str, np.ndarray]],
    vectors: Sequence[np.ndarray],
    sessions: np.ndarray,
) -> dict[str, float]:
    ranks = np.concatenate([outcome.ranks for outcome in outcomes])
    figures: dict[str, float] = {"queries": float(len(ranks))}
    for k in (10, 20):
        for metric, values in by_rank(ranks, k).items():
            figures[f"{metric}{k}"] = float(values.mean())
        lists = [outcome.lists[:, :k] for outcome in outcomes]
        pairs = list(zip(lists, splits, strict=True))
        plays = [np.bincount(split.history.items, minlength=split.n_items) for split in splits]
        figures[f"coverage{k}"] = float(np.mean([coverage(ranked, split.n_items) for ranked, split in pairs]))
        figures[f"gini{k}"] = float(np.mean([gini(ranked, split.n_items) for ranked, split in pairs]))
        by_list = {
            "novelty": [novelty(ranked, counts) for ranked, counts in zip(lists, plays, strict=True)],
            "popularity": [
                average_popularity(ranked, counts) for ranked, counts in zip(lists, plays, strict=True)
            ],
            "heard": [heard(ranked, split.queries) for ranked, split in pairs],
            "artist_diversity": [artist_diversity(ranked, split.history.artists) for ranked, split in pairs],
            "intra_list_similarity": [
                intra_list_similarity(ranked[block], rows)
                for ranked, rows in zip(lists, vectors, strict=True)
                for block in blocks(len(ranked))
            ],
        }
        for metric, parts in by_list.items():
            values = np.concatenate(parts)
            defined = values[~np.isnan(values)]
            figures[f"{metric}{k}"] = float(defined.mean()) if len(defined) else float("nan")
    at20 = by_rank(ranks, 20)
    for metric in ("hr", "mrr"):
        low, high = bootstrap(at20[metric], groups=sessions)
        figures[f"{metric}20_low"], figures[f"{metric}20_high"] = low, high
    for subset in masks[0]:
        mask = np.concatenate([split_masks[subset] for split_masks in masks])
        figures[f"queries_{subset}"] = float(mask.sum())
        for metric in ("hr", "mrr"):
            figures[f"{metric}20_{subset}"] = float(at20[metric][mask].mean()) if mask.any() else float("nan")
    return figures
