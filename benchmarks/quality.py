"""The quality of recommendations: next tracks, artists, genres and new tracks, each beside its baselines.

The data sets are read from `--data DIR`; docs/how-to/train-and-tune.md names the folders. They are not
distributed. Settings of the models were chosen without the test parts, except for the ensemble on HetRec's
artists: its settings were chosen on a fifth of the training pairs of the first fold, which are test pairs of
the other folds. No setting was chosen on the test pairs of the first fold; figures that end in `_fold1` are
from this fold only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, process_time

import numpy as np
from rich.console import Console
from scipy import sparse

from segue.benchmarks import memory_quality
from segue.benchmarks.log_kinds import KINDS
from segue.embeddings.genre_space import fit_genre_space
from segue.embeddings.session_space_training import FARTHEST
from segue.embeddings.skip_gram import train, vectors
from segue.errors import SegueError
from segue.evaluation.metrics import by_lists, coverage
from segue.evaluation.next_track import compared, evaluate
from segue.evaluation.spaces import genre_quality
from segue.ranking.learned_order import shipped
from segue.recommenders.ordered import Ordered, ordered
from segue.recommenders.pairs import PairEnsemble, best_unseen, implicit_als, item_knn, listeners_of
from segue.recommenders.ranked import FIXED, FixedOrder, Ranked, RepeatsLimited
from segue.recommenders.served import AsServed
from segue.recommenders.session_models import SessionModel
from segue.session_logs.datasets import GenreSplit, read_gtzan, read_hetrec, read_sessions
from segue.session_logs.logs import SessionLog, make_log, sessions_alone
from segue.session_logs.splits import Queries, TimeSplit, folds, split_by_time
from segue.settings import SessionSpaceSettings, load_settings

MEMORY = "memory"
"""The part of the long memory, which needs no data set but reads 30Music if it is there."""
PREFIXES = {
    "hybrid": "",
    "session-knn+rules": "baseline_",
    "served:sum": "served_sum_",
    "served:session-knn+rules": "served_baseline_",
}
"""The models of the session logs, with the prefix of their keys. These served lists leave out the tracks of
the session and limit the tracks per artist. The lists of the service with its default settings are beside
them."""
SEEDS = 3
"""The number of trainings of the session embedding and of the learned ranker; figures vary with the seed."""
SINGLE = ("rules", "context-tree", "v-sknn", "stan", "vstan")
"""The single methods that the ranker is compared with."""
REPEATS = (0, 1, 2, 5, 20)
"""The tracks of the session that a list of 20 may have, for the curve of repeats."""
TAUGHT = (0, 200, 250, 500, 1000, 2000)
"""The predictions that teach, at most, for the learning curve; 0: fixed weights."""
CURVE = ("hr20", "hr20_lowest", "mrr20", "mrr20_lowest")
"""The figures of a point of the learning curve."""
REPEAT_SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
"""The values of `ranking.repeat_share`, for the curve of lists as served."""


def measure(
    *, quick: bool, console: Console, data: Path | None = None, part: str | None = None
) -> Mapping[str, float | bool]:
    """The figures by key, for the data sets below `data`; of one part, its name, or of all."""
    if data is None:
        raise SegueError("bench quality needs the data: --data DIR, see docs/how-to/train-and-tune.md")
    figures: dict[str, float | bool] = {}

    def add(name: str, measured: Callable[[], Mapping[str, float | bool]]) -> None:
        began, worked = monotonic(), process_time()
        with console.status(f"Measuring {name}"):
            found = measured()
        figures.update(found)
        # A run takes long: the figures of a part are there if a later one fails.
        console.print(
            f"{name}: {monotonic() - began:.0f} s, of the processor {process_time() - worked:.0f} s"
        )
        console.print_json(data=found)

    sets: dict[str, dict[str, Callable[[Path, bool], Mapping[str, float | bool]]]] = {
        "30music": {
            "learned ranker": _of_logs(_ranked),
            "sessions alone": _of_logs(_session_only),
            "lists as served": _of_logs(_served),
            "other kinds of log": _of_logs(_other_kinds),
            "learning curve": _of_logs(_learning_curve),
            "curve of repeats": _of_logs(_repeat_curve),
            "ensembles": _of_logs(_ensembles),
        },
        "gtzan-features": {"genres and new tracks": _genres},
        "hetrec-lastfm-2k": {"artists": _artists},
    }
    if part not in (None, MEMORY, *sets):
        raise SegueError(f"quality has no part {part}: one of {', '.join([*sets, MEMORY])}")
    for folder, parts in sets.items():
        if part not in (None, folder):
            continue
        if not (data / folder).is_dir():
            console.print(f"{folder}: not in {data}, left out")
            continue
        for name, measured in parts.items():
            add(name, partial(measured, data / folder, quick))
    if not figures and part != MEMORY:
        raise SegueError(f"{data} has none of {part or ', '.join(sets)}: see docs/how-to/train-and-tune.md")
    if part in (None, MEMORY):
        logs = data / "30music"
        known = logs if logs.is_dir() else None
        add("long memory", lambda: memory_quality.measured(known, load_settings(), quick=quick))
    return figures


def _of_logs(
    part: Callable[[Sequence[SessionLog], bool], dict[str, float]],
) -> Callable[[Path, bool], dict[str, float]]:
    """A part that reads the logs of a folder; quick: the first of them."""
    return lambda folder, quick: part(list(read_sessions(folder).values())[: 1 if quick else None], quick)


def _ensembles(logs: Sequence[SessionLog], quick: bool) -> dict[str, float]:
    """The ensemble and the simple baseline, with free lists and as served."""
    known = compared(load_settings())
    chosen = {name: known[name] for name in PREFIXES}
    results = evaluate([split_by_time(log) for log in logs], chosen).figures
    figures = {}
    for name, prefix in PREFIXES.items():
        for key in (
            "hr20",
            "mrr20",
            "coverage20",
            "ndcg20",
            "hr20_new",
            "hr20_repeat",
            "hr20_low_mainstream",
        ):
            figures[prefix + key] = results[name][key]
    figures["ratio_hr20"] = figures["hr20"] / figures["baseline_hr20"]
    figures["ratio_mrr20"] = figures["mrr20"] / figures["baseline_mrr20"]
    figures["queries"] = results["hybrid"]["queries"]
    return figures


class _FittedOnce:
    """A model that is fitted to each history once, for several forms of its lists."""

    def __init__(self, make: Callable[[], SessionModel]) -> None:
        self.make = make
        self.fitted: dict[int, SessionModel] = {}

    def fit(self, history: SessionLog) -> SessionModel:
        if id(history) not in self.fitted:
            self.fitted[id(history)] = self.make().fit(history)
        self.current = self.fitted[id(history)]
        return self.current

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.current.scores(queries)


def _over_seeds(
    splits: Sequence[TimeSplit], prefix: str, make: Callable[[int], SessionModel], *, seeds: int
) -> dict[str, float]:
    """The means of the learned ranker's figures over its seeds, and the lowest of them; intervals of the
    first seed."""
    models = {str(seed): partial(make, seed) for seed in range(seeds)}
    found = evaluate(splits, models).figures
    figures = {}
    for key in ("hr20", "mrr20"):
        values = [of_seed[key] for of_seed in found.values()]
        figures[prefix + key] = float(np.mean(values))
        figures[f"{prefix}{key}_lowest"] = min(values)
        for end in ("low", "high"):
            figures[f"{prefix}{key}_{end}"] = found["0"][f"{key}_{end}"]
    for key in ("coverage20", "ndcg20", "hr20_new", "hr20_repeat", "hr20_low_mainstream", "heard20"):
        mean = float(np.mean([of_seed[key] for of_seed in found.values()]))
        # Without listeners, nobody is mainstream.
        if not np.isnan(mean):
            figures[prefix + key] = mean
    return figures


def _ranked(logs: Sequence[SessionLog], quick: bool) -> dict[str, float]:
    """The learned ranker beside single methods, and under the limits on artists and heard tracks."""
    figures, single = _beside_single(logs, "ranked_", quick)
    splits, ranking = [split_by_time(log) for log in logs], load_settings().ranking
    limited = _over_seeds(
        splits,
        "ranked_served_",
        lambda seed: AsServed(Ranked(again=False, seed=seed), ranking),
        seeds=1 if quick else SEEDS,
    )
    return figures | _of_each(single, "ranked_") | limited


def _served(logs: Sequence[SessionLog], quick: bool) -> dict[str, float]:
    """The lists of the service with its default settings, and in the learned order with more and more tracks
    that were heard recently; and with the limits of the sum: none of these tracks, and
    `ranking.max_per_artist` for every artist."""
    settings, splits = load_settings(), [split_by_time(log) for log in logs]
    fitted = _FittedOnce(partial(ordered, settings))
    seeds = 1 if quick else SEEDS
    if settings.ranking.model == "sum":
        figures = _over_seeds(splits, "served_", lambda seed: compared(settings)["served"](), seeds=1)
    else:
        figures = _over_seeds(splits, "served_", partial(_Reseeded, fitted), seeds=seeds)
    figures |= _over_seeds(splits, "ranked_shipped_", lambda _: _Shipped(fitted), seeds=1)
    forms: dict[str, dict[str, float]] = {
        f"{round(100 * share)}": {"repeat_share": share} for share in REPEAT_SHARES
    }
    forms["strict"] = {"repeat_share": 0.0, "staying_per_artist": settings.ranking.max_per_artist}
    models = {name: partial(_Limited, fitted, changes) for name, changes in forms.items()}
    for name, of_form in evaluate(splits, models).figures.items():
        for key in (
            "hr20",
            "mrr20",
            "hr20_new",
            "hr20_repeat",
            "coverage20",
            "heard20",
            "artist_diversity20",
        ):
            figures[f"repeat_curve_served_{name}_{key}"] = of_form[key]
    return figures


class _Reseeded:
    """A learned order whose sources are fitted once, learned with another seed."""

    def __init__(self, fitted: _FittedOnce, seed: int) -> None:
        self.fitted, self.seed = fitted, seed

    def fit(self, history: SessionLog) -> SessionModel:
        model = self.fitted.fit(history)
        assert isinstance(model, Ordered)
        return model.learned(self.seed)

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.fitted.scores(queries)


class _Shipped:
    """The order that comes with the software, with sources that are fitted once."""

    def __init__(self, fitted: _FittedOnce) -> None:
        self.fitted = fitted

    def fit(self, history: SessionLog) -> SessionModel:
        model = self.fitted.fit(history)
        assert isinstance(model, Ordered)
        return model.with_order(shipped())

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.fitted.scores(queries)


class _Limited:
    """A learned order that is fitted once, with other limits for its lists."""

    def __init__(self, fitted: _FittedOnce, changes: Mapping[str, float]) -> None:
        self.fitted, self.changes = fitted, changes

    def fit(self, history: SessionLog) -> SessionModel:
        model = self.fitted.fit(history)
        assert isinstance(model, Ordered)
        return model.limited(**self.changes)

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.fitted.scores(queries)


def _session_only(logs: Sequence[SessionLog], quick: bool) -> dict[str, float]:
    """The learned ranker beside single methods, on logs whose listeners and artists are removed."""
    prefix = "session_only_"
    figures, single = _beside_single([sessions_alone(log) for log in logs], prefix, quick)
    return figures | _of_each(single, prefix)


def _other_kinds(logs: Sequence[SessionLog], quick: bool) -> dict[str, float]:
    """The learned ranker beside single methods on other kinds of log, for which nothing was tuned."""
    figures: dict[str, float] = {}
    for kind, changed in KINDS.items():
        figures |= _beside_single([changed(log) for log in logs], f"ranked_{kind}_", quick)[0]
    for key in ("ratio_hr20", "ratio_mrr20", "ingredients_ratio_hr20", "ingredients_ratio_mrr20"):
        figures[f"ranked_lowest_{key}"] = min(figures[f"ranked_{kind}_{key}"] for kind in KINDS)
    return figures


def _beside_single(
    logs: Sequence[SessionLog], prefix: str, quick: bool
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The figures of the learned ranker with its ratios to the best single method and to the best of its own
    ingredients, each figure by itself; and the figures of the single methods."""
    splits = [split_by_time(log) for log in logs]
    known = compared(load_settings())
    single = evaluate(splits, {name: known[name] for name in SINGLE}).figures
    ingredients = evaluate(splits, {name: partial(FixedOrder, name) for name in FIXED}).figures
    figures = _over_seeds(splits, prefix, lambda seed: Ranked(seed=seed), seeds=1 if quick else SEEDS)
    for key in ("hr20", "mrr20"):
        for others, of_models in (("", single), ("ingredients_", ingredients)):
            best = max(of_model[key] for of_model in of_models.values())
            figures[f"{prefix}{others}best_{key}"] = best
            figures[f"{prefix}{others}ratio_{key}"] = figures[f"{prefix}{key}"] / best
    return figures, single


def _of_each(single: Mapping[str, Mapping[str, float]], prefix: str) -> dict[str, float]:
    """The figures of each single method, each with the name of the method in its key."""
    return {
        f"{prefix}{name.replace('-', '_')}_{key}": of_model[key]
        for name, of_model in single.items()
        for key in ("hr20", "mrr20")
    }


def _learning_curve(logs: Sequence[SessionLog], quick: bool) -> dict[str, float]:
    """The learned ranker with free lists, taught by more and more predictions."""
    splits = [split_by_time(log) for log in logs]
    figures: dict[str, float] = {}
    for most in TAUGHT:
        prefix = f"ranked_curve_{most}_"
        found = _over_seeds(splits, prefix, partial(_taught, most), seeds=1 if quick else SEEDS)
        figures |= {prefix + key: found[prefix + key] for key in CURVE}
    return figures


def _taught(most: int, seed: int) -> Ranked:
    return Ranked(seed=seed, most=most)


def _repeat_curve(logs: Sequence[SessionLog], quick: bool) -> dict[str, float]:
    """The learned ranker with at most 0, 1, … tracks of the session in a list."""
    splits = [split_by_time(log) for log in logs]
    ranked = _FittedOnce(Ranked)
    models = {str(most): partial(RepeatsLimited, ranked, most) for most in REPEATS}
    found = evaluate(splits, models).figures
    figures = {}
    for most, of_model in found.items():
        for key in ("hr20", "mrr20", "hr20_new", "hr20_repeat", "coverage20", "heard20"):
            figures[f"repeat_curve_{most}_{key}"] = of_model[key]
    share = found["0"]["queries_repeat"] / found["0"]["queries"]
    return figures | {"repeat_curve_share_of_repeats": share}


def _artists(folder: Path, quick: bool) -> dict[str, float]:
    pairs = read_hetrec(folder)
    rows: list[dict[str, float]] = []
    for train_pairs, test in list(folds(pairs))[: 1 if quick else None]:
        listeners = listeners_of(train_pairs)
        row: dict[str, float] = {}
        popular = np.tile(listeners.astype(np.float32), (pairs.shape[0], 1))
        for prefix, scores in (
            ("", PairEnsemble().scores(train_pairs)),
            ("als_", implicit_als(train_pairs, factors=64, regularisation=20, alpha=5)),
            ("knn_", item_knn(train_pairs)),
            ("popularity_", popular),
        ):
            row |= _artist_figures(scores, train_pairs, test, prefix)
        rows.append(row)
    figures = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    return figures | {f"{key}_fold1": value for key, value in rows[0].items()}


def _artist_figures(
    scores: np.ndarray, seen: sparse.csr_matrix, test: sparse.csr_matrix, prefix: str
) -> dict[str, float]:
    asked = np.flatnonzero(np.diff(test.indptr))
    lists = best_unseen(scores, seen, 10)[asked]
    metrics = by_lists(lists, test[asked], 10)
    return {
        f"{prefix}ndcg10": float(metrics["ndcg"].mean()),
        f"{prefix}precision10": float(metrics["precision"].mean()),
        f"{prefix}coverage10": coverage(lists, scores.shape[1]),
    }


def _genres(folder: Path, quick: bool) -> dict[str, float]:
    data = read_gtzan(folder)
    known, test = data.part < 2, data.part == 2
    x, y = data.descriptors, data.genres
    space = fit_genre_space(x[known], [str(genre) for genre in y[known]], features_version="gtzan")
    plain = _standardised(data)
    accuracy, p10 = genre_quality(space.transform(x[known]), y[known], space.transform(x[test]), y[test])
    plain_accuracy, plain_p10 = genre_quality(plain[known], y[known], plain[test], y[test])
    return {
        "gtzan_accuracy": accuracy,
        "gtzan_p10": p10,
        "baseline_gtzan_accuracy": plain_accuracy,
        "baseline_gtzan_p10": plain_p10,
        **new_tracks(data, sessions=400 if quick else 1500, training=load_settings().models.sessions),
    }


def _standardised(data: GenreSplit) -> np.ndarray:
    known = data.descriptors[data.part < 2]
    return np.asarray((data.descriptors - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-9))


def composed_sessions(genres: np.ndarray, *, sessions: int, seed: int) -> SessionLog:
    """Synthetic sessions of 8 tracks: a genre each, with a tenth of the tracks from any genre."""
    rng = np.random.default_rng(seed)
    items = rng.integers(len(genres), size=(sessions, 8))
    genre = rng.integers(int(genres.max()) + 1, size=sessions)
    for number in range(sessions):
        inside = rng.choice(np.flatnonzero(genres == genre[number]), size=8)
        stays = rng.random(8) >= 0.1
        items[number, stays] = inside[stays]
    session = np.repeat(np.arange(sessions), 8)
    flat = items.ravel()
    return make_log(users=session, sessions=session, items=flat, times=np.arange(len(flat), dtype=np.float64))


def new_tracks(data: GenreSplit, *, sessions: int, training: SessionSpaceSettings) -> dict[str, float]:
    """The hit rate at 20 for tracks that were in no training session, given a track of the same session.

    The audio descriptors are real (GTZAN), the sessions synthetic: they follow genres, the ground truth. The
    held-out tracks are the test part of the split, by artists who are not in the rest. The figures are the
    mean over the seeds of the training, and the minimum.
    """
    audio = _standardised(data).clip(-FARTHEST, FARTHEST).astype(np.float32)
    held_out = data.part == 2
    log = _recoded(composed_sessions(data.genres, sessions=sessions, seed=1), len(data.genres))
    warm = log.take(~held_out[log.items])
    known = np.bincount(warm.items, minlength=len(audio)) > 0
    after = np.flatnonzero(
        (log.sessions[1:] == log.sessions[:-1]) & held_out[log.items[1:]] & known[log.items[:-1]]
    )
    context, target = log.items[after], log.items[after + 1]
    hit_rates = []
    for seed in range(SEEDS):
        state = train(warm, audio, training.model_copy(update={"seed": seed}))
        hit_rates.append(_hit_rate(vectors(state.best, audio, known=known), context, target))
    figures = {
        "new_hr20": float(np.mean(hit_rates)),
        "new_hr20_lowest": min(hit_rates),
        "new_audio_hr20": _hit_rate(audio / np.linalg.norm(audio, axis=1, keepdims=True), context, target),
        "new_chance_hr20": 20 / (len(audio) - 1),
        "new_queries": float(len(target)),
    }
    figures["new_over_chance"] = figures["new_hr20"] / figures["new_chance_hr20"]
    return figures


def _recoded(log: SessionLog, items: int) -> SessionLog:
    """The log with item codes that are row numbers of the descriptors, which are its item names."""
    return replace(
        log,
        items=log.item_ids[log.items].astype(np.int64),
        artists=np.full(items, -1, dtype=np.int64),
        item_ids=np.arange(items),
    )


def _hit_rate(rows: np.ndarray, context: np.ndarray, target: np.ndarray, *, k: int = 20) -> float:
    similarity = rows[context] @ rows.T
    similarity[np.arange(len(context)), context] = -np.inf
    value = similarity[np.arange(len(context)), target][:, None]
    return float(((similarity > value).sum(axis=1) < k).mean())
