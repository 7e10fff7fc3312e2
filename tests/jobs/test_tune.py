"""The search: it begins with what is in use, goes on where it was, and searches settings that exist."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from batch_jobs.tune import RANGES, Searched, app, in_use, search, with_values
from segue.settings import load_settings

SETTINGS = load_settings()


def test_the_settings_in_use_are_within_what_is_searched() -> None:
    ranges = RANGES[Searched.SERVED]
    values = in_use(SETTINGS)
    assert values["ranking.session_weight"] == SETTINGS.ranking.session_weight
    assert all(ranges[name][0] <= value <= ranges[name][1] for name, value in values.items())
    changed = with_values(SETTINGS, values | {"models.shrink": 7.0})
    assert (changed.models.shrink, changed.ranking) == (7.0, SETTINGS.ranking)
    assert SETTINGS.models.shrink != 7.0


def test_a_search_begins_with_what_is_in_use_finds_better_and_goes_on(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'tune.db'}"
    first = in_use(SETTINGS)
    best = first["ranking.artist_weight"] / 2

    def answer(values: dict[str, float]) -> list[np.ndarray]:
        """The target's rank is the better, the nearer a value is to half of what is in use."""
        return [np.array([1 + abs(values["ranking.artist_weight"] - best)])]

    study = search(Searched.SERVED, answer, first=first, trials=4, storage=storage, seed=0)
    assert study.trials[0].params == pytest.approx(first)
    again = search(Searched.SERVED, answer, first=first, trials=12, storage=storage, seed=1)
    assert len(again.trials) == 16
    assert again.best_value > study.trials[0].value
    assert abs(again.best_params["ranking.artist_weight"] - best) < best


@pytest.mark.parametrize("model", list(Searched))
def test_the_command_searches_a_log(tmp_path: Path, model: Searched) -> None:
    rng = np.random.default_rng(2)
    rows = ["UserId\tSessionId\tItemId\tTime\tArtistId"]
    for session in range(60):
        for place, item in enumerate(rng.permutation(12)[:5] + 12 * (session % 2)):
            rows.append(f"u{session % 9}\ts{session}\ti{item}\t{14_400 * session + 60 * place}\ta{item % 7}")
    (tmp_path / "log.tsv").write_text("\n".join(rows) + "\n")
    options = [
        "--data",
        str(tmp_path),
        "--model",
        model.value,
        "--trials",
        "2",
        "--store",
        str(tmp_path / "t.db"),
    ]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    assert "best of 2 trials" in done.output
