"""The search begins with the settings in use, continues where it stopped, and tries only valid settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import TrialState
from typer.testing import CliRunner

from segue.batch_jobs.tune import (
    RANGES,
    Searched,
    Values,
    fixed,
    in_use,
    search,
    study_name,
    with_values,
)
from segue.cli.main import app
from segue.session_logs.datasets import read_sessions
from segue.settings import Settings, load_settings

SETTINGS = load_settings()


def test_the_settings_in_use_are_within_the_searched_range() -> None:
    ranges = RANGES[Searched.SERVED]
    values = in_use(SETTINGS)
    assert values["ranking.transition_weight"] == SETTINGS.ranking.transition_weight
    assert all(ranges[name][0] <= value <= ranges[name][1] for name, value in values.items())
    changed = with_values(SETTINGS, values | {"models.rules.shrinkage": 7.0})
    assert (changed.models.rules.shrinkage, changed.ranking) == (7.0, SETTINGS.ranking)
    assert SETTINGS.models.rules.shrinkage != 7.0


def test_a_search_begins_with_the_settings_in_use_improves_on_them_and_continues(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'tune.db'}"
    first = in_use(SETTINGS)
    best = first["ranking.artist_weight"] / 2

    def answer(values: Mapping[str, float]) -> list[np.ndarray]:
        """The target's rank is the better, the nearer a value is to half of the one in use."""
        return [np.array([1 + abs(values["ranking.artist_weight"] - best)])]

    study = search(Searched.SERVED, answer, name="s", first=first, trials=4, storage=storage, seed=0)
    assert study.trials[0].params == pytest.approx(first)
    again = search(Searched.SERVED, answer, name="s", first=first, trials=12, storage=storage, seed=1)
    assert len(again.trials) == 16
    assert sum(trial.params == study.trials[0].params for trial in again.trials) == 1
    assert study.trials[0].value is not None
    assert again.best_value > study.trials[0].value
    assert abs(again.best_params["ranking.artist_weight"] - best) < best


def test_the_settings_in_use_are_tried_after_an_interrupted_search(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'tune.db'}"
    first = in_use(SETTINGS)

    def ended(values: Values) -> list[np.ndarray]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(Searched.SERVED, ended, name="s", first=first, trials=4, storage=storage, seed=0)
    again = search(
        Searched.SERVED, lambda values: [np.ones(1)], name="s", first=first, trials=2, storage=storage, seed=0
    )
    tried = [trial.params for trial in again.trials if trial.state == TrialState.COMPLETE]
    assert len(tried) == 2
    assert tried[0] == pytest.approx(first)


def name_of(folder: Path, settings: Settings = SETTINGS) -> str:
    return study_name(Searched.SERVED, read_sessions(folder), fixed(settings))


def test_a_study_belongs_to_one_log_and_to_the_settings_that_it_does_not_search(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "copy", "other")]
    for folder, seed in zip(folders, (2, 2, 3), strict=True):
        folder.mkdir()
        write_log(folder / "log.tsv", seed=seed)
    names = [name_of(folder) for folder in folders]
    assert names[0] == names[1] != names[2]
    assert all(name.startswith("served on log, ") for name in names)
    (folders[1] / "30music").mkdir()
    (folders[1] / "log.tsv").rename(folders[1] / "30music" / "log.tsv")
    assert name_of(folders[1]) == names[0]
    searched = with_values(SETTINGS, {"ranking.transition_weight": 1.25, "models.als.alpha": 3.0})
    assert name_of(folders[0], searched) == names[0]
    for kept in ({"ranking.max_per_artist": 9}, {"models.rules.max_gap": 3}):
        assert name_of(folders[0], with_values(SETTINGS, kept)) != names[0]
    (folders[0] / "log.tsv").rename(folders[0] / "a.tsv")
    write_log(folders[0] / "b.tsv", seed=4)
    assert name_of(folders[0]).startswith("served on a and 1 more, ")


def write_log(file: Path, *, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = ["UserId\tSessionId\tItemId\tTime\tArtistId"]
    for session in range(60):
        for place, item in enumerate(rng.permutation(12)[:5] + 12 * (session % 2)):
            time = 1_500_000_000 + 14_400 * session + 60 * place
            rows.append(f"u{session % 9}\ts{session}\ti{item}\t{time}\ta{item % 7}")
    file.write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("model", list(Searched))
def test_the_command_searches_a_log_and_mixes_it_with_no_other(tmp_path: Path, model: Searched) -> None:
    for seed in (2, 3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        write_log(folder / "log.tsv", seed=seed)
        options = ["--model", model.value, "--trials", "2", "--store", str(tmp_path / "t.db")]
        done = CliRunner().invoke(app, ["models", "tune", "--data", str(folder), *options])
        assert done.exit_code == 0, done.output
        assert "best of 2 trials" in done.output
