"""`./run.sh models evaluate` on small logs: it gives the figures that exist, or one clear line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from segue.batch_jobs.evaluate import evaluate_models
from segue.evaluation.next_track import compared
from segue.session_logs.splits import DAY
from segue.settings import load_settings

Session = tuple[str, float, str]
"""A listener, when it begins in days, and its tracks, a letter each."""


def evaluate(folder: Path, sessions: Sequence[Session], *options: str) -> Result:
    rows = ["UserId\tSessionId\tItemId\tTime\tArtistId"]
    for number, (user, begins, tracks) in enumerate(sessions):
        for place, track in enumerate(tracks):
            rows.append(f"{user}\ts{number}\t{track}\t{begins * DAY + 60 * place}\tartist of {track}")
    (folder / "log.tsv").write_text("\n".join(rows) + "\n")
    app = typer.Typer()
    app.command()(evaluate_models)
    return CliRunner().invoke(app, ["--data", str(folder), *options])


LISTENED: list[Session] = [(f"u{n % 5}", 0.1 * n, "abcdefg"[n % 3 : n % 3 + 4]) for n in range(20)]
SINGLE: list[Session] = [(f"u{n % 5}", 0.1 * n, "abcdefg"[n % 7]) for n in range(20)]
TESTED: list[Session] = [("u0", 9.0, "abc")]


def test_one_test_session_can_be_plotted(tmp_path: Path) -> None:
    # So long that its interval, which is its mean, is summed up in another order.
    log = [*LISTENED, ("u0", 9.0, "abcdefgfdecbage" * 3)]
    models = "popularity,item-knn,session-knn,rules,hybrid"
    done = evaluate(tmp_path, log, "--models", models, "--output", str(tmp_path / "plots"))
    assert done.exit_code == 0, done.output
    assert {file.name for file in (tmp_path / "plots").iterdir()} == {"accuracy.svg", "coverage.svg"}


def test_a_folder_that_cannot_be_is_found_out_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = evaluate(tmp_path, [], "--output", str(tmp_path / "file"))
    assert (done.exit_code, done.output) == (1, f"segue: --output {tmp_path}/file: File exists\n")


def test_sessions_of_one_play_teach_no_order(tmp_path: Path) -> None:
    models = [name for name in compared(load_settings()) if "space" not in name and name != "served"]
    file = tmp_path / "figures.json"
    done = evaluate(tmp_path, SINGLE + TESTED, "--models", ",".join(models), "--json", str(file))
    assert done.exit_code == 0, done.output
    found = json.loads(file.read_text(), parse_constant=pytest.fail)
    assert set(found) == set(models)
    assert found["rules"]["hr20"] == 0
    # A figure that no list has cannot be averaged.
    assert found["rules"]["novelty20"] is None


@pytest.mark.parametrize("model", ["space", "served"])
def test_a_space_of_sessions_needs_two_tracks_in_one(tmp_path: Path, model: str) -> None:
    done = evaluate(tmp_path, SINGLE + TESTED, "--models", model)
    assert done.exit_code == 1
    assert "segue: no session has two different tracks" in done.stderr
    assert "Traceback" not in done.output
