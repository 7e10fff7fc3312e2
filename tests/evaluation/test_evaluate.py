"""`./run.sh models evaluate` on small logs: it gives the figures that exist, or one clear line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from segue.batch_jobs.evaluate import evaluate_models
from segue.evaluation import next_track
from segue.evaluation.next_track import affordable, compared
from segue.session_logs.splits import DAY
from segue.settings import load_settings

Session = tuple[str, float, str]
"""A listener, when it begins in days, and its tracks, a letter each."""


def evaluate(folder: Path, sessions: Sequence[Session], *options: str) -> Result:
    rows = ["UserId\tSessionId\tItemId\tTime\tArtistId"]
    for number, (user, begins, tracks) in enumerate(sessions):
        for place, track in enumerate(tracks):
            time = 1_500_000_000 + begins * DAY + 60 * place
            rows.append(f"{user}\ts{number}\t{track}\t{time}\tartist of {track}")
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
    spaces = ("served", "served:learned", "served:sum")  # they learn a session space, too
    models = [name for name in compared(load_settings()) if "space" not in name and name not in spaces]
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


def without_listeners(folder: Path) -> None:
    """Sessions of three to six tracks of ten days, without listeners and artists."""
    rows = ["SessionId\tItemId\tTime"]
    for session in range(80):
        for place in range(3 + session % 4):
            time = 1_500_000_000 + session * 10 * DAY / 80 + 60 * place
            rows.append(f"s{session}\t{(session * 7 + place) % 20}\t{time}")
    (folder / "log.tsv").write_text("\n".join(rows) + "\n")


def run(folder: Path, *options: str) -> Result:
    app = typer.Typer()
    app.command()(evaluate_models)
    return CliRunner().invoke(app, ["--data", str(folder), *options])


def test_sessions_tracks_and_times_are_enough(tmp_path: Path) -> None:
    without_listeners(tmp_path)
    file = tmp_path / "figures.json"
    models = ("rules", "context-tree", "vstan", "blend", "ranked", "served:ranked")
    done = run(tmp_path, "--models", ",".join(models), "--json", str(file))
    assert done.exit_code == 0, done.output
    found = json.loads(file.read_text())
    for name in models:
        assert found[name]["hr20"] > 0.9
        assert ("choice" in found[name]) == (name in ("context-tree", "vstan", "blend", "ranked"))
    assert f"vstan on log: {found['vstan']['choice']['log']}" in done.output
    assert max(len(line) for line in done.output.splitlines() if "on log:" not in line) <= 80


def test_a_log_with_many_predictions_leaves_slow_models_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = list(compared(load_settings()))
    few, many = affordable(names, queries=next_track.MANY), affordable(names, queries=next_track.MANY + 1)
    assert few == names
    assert {"rules", "vstan", "blend", "ranked"} <= set(many)
    assert not {"als", "space:last-track", "served", "served:ranked"} & set(many)
    without_listeners(tmp_path)
    monkeypatch.setattr("segue.evaluation.next_track.MANY", 3)
    kept = ("rules", "popularity", "als")
    monkeypatch.setattr(
        "segue.batch_jobs.evaluate.compared",
        lambda settings: {name: compared(settings)[name] for name in kept},
    )
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert "left out of 28 predictions: als." in done.stderr
    assert "popularity" in done.stdout and "als" not in done.stdout


def test_blocks_of_queries_give_the_same_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_listeners(tmp_path)
    found = []
    for block in (7, 500):
        monkeypatch.setattr("segue.session_logs.splits.BLOCK", block)
        file = tmp_path / f"{block}.json"
        done = run(tmp_path, "--models", "session-knn+rules,stan,blend,ranked", "--json", str(file))
        assert done.exit_code == 0, done.output
        found.append(json.loads(file.read_text()))
    for name, figures in found[0].items():
        for key, value in figures.items():
            assert value == found[1][name][key] or value == pytest.approx(found[1][name][key], rel=1e-6)
