"""`./run.sh models tune`: searches weights and settings on a validation split, tracked in an Optuna study.

The test day is removed first and not used: the validation split is the last day of the rest. The name of a
study has a digest of the logs' plays and of the fixed settings, so that only comparable trials share a study.
Delivery: each trial is stored in SQLite when it ends; an interrupted search continues from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import reduce
from operator import add, attrgetter
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import optuna
import typer
from optuna.trial import TrialState
from pydantic import BaseModel
from rich.console import Console
from scipy import sparse

from segue.counted import counted
from segue.errors import one_line_errors
from segue.evaluation.metrics import by_rank
from segue.places import LOCAL
from segue.recommenders.served import AsServed, ServedRecommender
from segue.recommenders.session_ensemble import WEIGHTS, session_ensemble
from segue.recommenders.top import goal, ranks_of, scaled, top_k
from segue.session_logs.datasets import read_sessions
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import TimeSplit, split_by_time
from segue.settings import Settings, load_settings

SectionT = TypeVar("SectionT", bound=BaseModel)
Values = Mapping[str, float]
Answer = Callable[[Values], list[np.ndarray]]
"""Values of the searched settings -> the rank of each query's target, by split."""


class Searched(StrEnum):
    """The targets of a search; names of studies begin with the target."""

    SESSION_ENSEMBLE = "hybrid"
    SERVED = "served"


RANGES: dict[Searched, dict[str, tuple[float, float]]] = {
    Searched.SESSION_ENSEMBLE: dict.fromkeys(WEIGHTS, (0.01, 10.0)),
    Searched.SERVED: {
        "ranking.transition_weight": (0.5, 20.0),
        "ranking.artist_weight": (0.05, 5.0),
        "ranking.recent_decay": (0.3, 1.0),
        "models.rules.backward_weight": (0.01, 1.0),
        "models.rules.shrinkage": (0.1, 20.0),
        "taste.half_life_tracks": (0.5, 50.0),
    },
}
"""The lowest and highest value of each setting, searched on a logarithmic scale."""
ELSEWHERE = ("models.als.", "models.folder", "models.keep_versions", "models.max_steps_per_listener")
"""Settings of `[models]` that do not affect the served lists: those of ALS and of storage."""


def tune(
    data: Annotated[Path, typer.Option(help="Folder with session logs, *.tsv or 30music/*.tsv.")],
    model: Annotated[
        Searched,
        typer.Option(
            help="hybrid: the weights of the ensemble of session models. served: settings of the service."
        ),
    ] = Searched.SESSION_ENSEMBLE,
    trials: Annotated[int, typer.Option(min=1, max=1_000_000, help="Trials to add to the study.")] = 100,
    store: Annotated[Path, typer.Option(help="The SQLite file of the studies.")] = LOCAL / "tune.db",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of the search.")] = 0,
) -> None:
    """Search for better weights by hit rate and MRR at 20, on the last day before the test day.

    Trials are stored in an Optuna study. Another run with the same logs and settings adds trials to it, and
    an interrupted run continues. Compare the trials in a browser:
    .local/venv/bin/optuna-dashboard sqlite:///.local/tune.db

    Example: ./run.sh models tune --data ~/logs --trials 200

    Example: ./run.sh models tune --data ~/logs --model served
    """
    with one_line_errors():
        settings = load_settings()
        console = Console(stderr=True)
        with console.status("Fitting the fixed models"):
            logs = read_sessions(data)
            splits = [split_by_time(split_by_time(log).history) for log in logs.values()]
            answer = (
                ensemble_trials(splits) if model is Searched.SESSION_ENSEMBLE else served(splits, settings)
            )
        store.parent.mkdir(parents=True, exist_ok=True)
        first = WEIGHTS if model is Searched.SESSION_ENSEMBLE else in_use(settings)
        name = study_name(model, logs, {} if model is Searched.SESSION_ENSEMBLE else fixed(settings))
        study = search(
            model, answer, name=name, first=first, trials=trials, storage=f"sqlite:///{store}", seed=seed
        )
        console.print(f"study {name}", highlight=False)
        best = ", ".join(f"{name} {value:.3g}" for name, value in study.best_params.items())
        console.print(f"best of {counted(len(study.trials), 'trial')}: {study.best_value:.4f} with {best}")


def ensemble_trials(splits: Sequence[TimeSplit]) -> Answer:
    """The ensemble as a function of its weights. Its members are fitted once; a trial only adds them up."""
    members = [member_scores(split) for split in splits]

    def answer(weights: Values) -> list[np.ndarray]:
        totals = [
            reduce(add, (weights[name] * member for name, member in scores.items())) for scores in members
        ]
        return [
            ranks_of(total.tocsr(), split.queries.targets)
            for total, split in zip(totals, splits, strict=True)
        ]

    return answer


def member_scores(split: TimeSplit) -> dict[str, sparse.csr_matrix]:
    """Each member's scaled scores for the queries."""
    ensemble = session_ensemble()
    return {
        member.name: top_k(scaled(member.model.fit(split.history).scores(split.queries)), ensemble.candidates)
        for member in ensemble.members
    }


def served(splits: Sequence[TimeSplit], settings: Settings) -> Answer:
    """The served lists as a function of settings. The session space is trained once."""
    spaces = [
        ServedRecommender(settings.models, settings.ranking, settings.taste).near.fit(split.history)
        for split in splits
    ]

    def answer(values: Values) -> list[np.ndarray]:
        changed = with_values(settings, values)
        ranks = []
        for split, near in zip(splits, spaces, strict=True):
            model = ServedRecommender(changed.models, changed.ranking, changed.taste)
            near.half_life = changed.taste.half_life_tracks
            model.near = near
            model.knowledge.fit(split.history)
            lists = AsServed(model, changed.ranking).over(split.history)
            ranks.append(ranks_of(lists.scores(split.queries), split.queries.targets))
        return ranks

    return answer


def in_use(settings: Settings) -> dict[str, float]:
    """The current values of the searched settings."""
    values = {}
    for name in RANGES[Searched.SERVED]:
        values[name] = float(attrgetter(name)(settings))
    return values


def with_values(settings: Settings, values: Values) -> Settings:
    """Settings with other values."""
    for name, value in values.items():
        settings = _with_value(settings, name.split("."), value)
    return settings


def _with_value(section: SectionT, path: Sequence[str], value: float) -> SectionT:
    key, *rest = path
    new = _with_value(getattr(section, key), rest, value) if rest else value
    return section.model_copy(update={key: new})


def fixed(settings: Settings) -> dict[str, Any]:
    """The settings, other than the searched ones, on which the served lists depend, as plain values."""
    kept = {}
    for section in ("models", "ranking", "taste"):
        for key, value in _leaves(getattr(settings, section).model_dump(mode="json"), f"{section}."):
            if key not in RANGES[Searched.SERVED] and not key.startswith(ELSEWHERE):
                kept[key] = value
    return kept


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """The values of nested tables, by their names joined with dots."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def study_name(model: Searched, logs: Mapping[str, SessionLog], settings: Mapping[str, Any]) -> str:
    """The target, the first log's name, and a digest of all plays and of the fixed settings.

    The digest is of the contents, not of the files' names, sizes or times: a copy in another folder is the
    same log, and a log with new plays is another one.
    """
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=4)
    for log in logs.values():
        for column in (log.users, log.sessions, log.items, log.times, log.artists):
            digest.update(str(len(column)).encode() + column.tobytes())
    first, *others = logs
    more = f" and {len(others)} more" if others else ""
    return f"{model.value} on {first.rpartition('/')[2]}{more}, {digest.hexdigest()}"


def search(
    model: Searched,
    answer: Answer,
    *,
    name: str,
    first: Values,
    trials: int,
    storage: str | None,
    seed: int,
) -> optuna.Study:
    """Add trials to the study of that name. The first trial of a study has the current settings."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        load_if_exists=True,
    )
    # An interrupted trial stays in the study as running, and does not count.
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not any(trial.params == dict(first) for trial in done):
        study.enqueue_trial(dict(first))

    def trial_of(trial: optuna.Trial) -> float:
        values = {name: trial.suggest_float(name, *ends, log=True) for name, ends in RANGES[model].items()}
        ranks = np.concatenate(answer(values))
        metrics = by_rank(ranks, 20)
        hr, mrr = float(metrics["hr"].mean()), float(metrics["mrr"].mean())
        trial.set_user_attr("hr20", hr)
        trial.set_user_attr("mrr20", mrr)
        return goal(ranks)

    study.optimize(trial_of, n_trials=trials)
    return study
