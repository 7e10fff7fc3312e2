"""`./run.sh tune`: searches the weights of the hybrid on a validation split, tracked in an Optuna study.

The test is cut off first and never looked at: the validation is the last day of what remains. Delivery: each
trial is stored in SQLite when it ends; a search that was cut short goes on where it was.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path
from typing import Annotated

import numpy as np
import optuna
import typer
from rich.console import Console
from scipy import sparse

from segue.errors import one_line_errors
from segue.evaluation.datasets import read_sessions
from segue.evaluation.metrics import by_rank
from segue.evaluation.splits import TimeSplit, split_by_time
from segue.places import LOCAL
from segue.recommenders.hybrid import WEIGHTS, hybrid
from segue.recommenders.top import ranks_of, scaled, top_k

STUDY = "hybrid"
Scores = dict[str, sparse.csr_matrix]


def main() -> None:
    typer.run(tune)


def tune(
    data: Annotated[Path, typer.Option(help="Folder with session logs, *.tsv or 30music/*.tsv.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials to add to the study.")] = 100,
    store: Annotated[Path, typer.Option(help="SQLite file of the study.")] = LOCAL / "tune.db",
    seed: Annotated[int, typer.Option(help="Of the search.")] = 0,
) -> None:
    """Search the hybrid's weights by hit rate and MRR at 20 on the last day before the test day.

    Compare the trials in a browser: .local/venv/bin/optuna-dashboard sqlite:///.local/tune.db

    Example: ./run.sh tune --data ~/logs --trials 200
    """
    with one_line_errors():
        console = Console(stderr=True)
        with console.status("Fitting the parts"):
            splits = [split_by_time(split_by_time(log).history) for log in read_sessions(data).values()]
            parts = [part_scores(split) for split in splits]
        store.parent.mkdir(parents=True, exist_ok=True)
        study = search(splits, parts, trials=trials, storage=f"sqlite:///{store}", seed=seed)
        best = ", ".join(f"{name} {value:.3g}" for name, value in study.best_params.items())
        console.print(f"best of {len(study.trials)} trials: {study.best_value:.4f} with {best}")


def part_scores(split: TimeSplit) -> Scores:
    """Each part's scaled scores for the queries, fitted once: a trial only adds them up."""
    blend = hybrid()
    return {
        part.name: top_k(scaled(part.model.fit(split.history).scores(split.queries)), blend.candidates)
        for part in blend.parts
    }


def objective(splits: list[TimeSplit], parts: list[Scores], weights: dict[str, float]) -> tuple[float, float]:
    """Hit rate and MRR at 20 over all queries."""
    ranks = []
    for split, scores in zip(splits, parts, strict=True):
        total = reduce(add, (weights[name] * one for name, one in scores.items()))
        ranks.append(ranks_of(total.tocsr(), split.queries.targets))
    found = by_rank(np.concatenate(ranks), 20)
    return float(found["hr"].mean()), float(found["mrr"].mean())


def search(
    splits: list[TimeSplit], parts: list[Scores], *, trials: int, storage: str | None, seed: int
) -> optuna.Study:
    """Add trials to the study; the first one of a new study is the weights in use."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=STUDY,
        storage=storage,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        load_if_exists=True,
    )
    if not study.trials:
        study.enqueue_trial(WEIGHTS)

    def one(trial: optuna.Trial) -> float:
        weights = {name: trial.suggest_float(name, 0.01, 10.0, log=True) for name in WEIGHTS}
        hr, mrr = objective(splits, parts, weights)
        trial.set_user_attr("hr20", hr)
        trial.set_user_attr("mrr20", mrr)
        return hr + 2 * mrr  # MRR is about half of the hit rate: both count alike

    study.optimize(one, n_trials=trials)
    return study


if __name__ == "__main__":
    main()
