"""Tables of results in a terminal of 80 columns, and in a pipe."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console
from rich.table import Table

from segue import figures
from segue.batch_jobs import estimate_experiments, evaluate, report_experiments
from segue.engagement.experiments import COLUMNS, compare
from segue.evaluation.next_track import Comparison
from segue.recommenders.logged_lists import RESPONSES, Estimated, Estimates
from segue.settings import Settings

NARROW = 80


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Console:
    """The console of results in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", str(NARROW))
    made = figures.console()
    made.file = io.StringIO()
    for module in (estimate_experiments, evaluate, report_experiments):
        monkeypatch.setattr(module, "console", lambda json_file=None: made)
    return made


def printed(narrow: Console) -> str:
    assert isinstance(narrow.file, io.StringIO)
    return narrow.file.getvalue()


def test_the_tables_of_evaluate_fit_a_narrow_terminal(narrow: Console) -> None:
    keys = [key for shown in evaluate.SHOWN for key in shown if key != evaluate.INTERVAL]
    result = dict.fromkeys(keys, 0.123) | {"hr20_low": 0.1, "hr20_high": 0.2, "popularity20": 1234.5}
    found = Comparison(figures={"served:session-knn+rules": result}, choices={})
    evaluate._show(found, ["log"], None)
    lines = printed(narrow).splitlines()
    assert max(map(len, lines)) <= NARROW
    rows = [line for line in lines if "session-knn" in line]
    assert [row.split("│")[1].strip() for row in rows] == ["served:session-knn+rules"] * len(evaluate.SHOWN)
    assert not any("…" in line for line in lines)
    assert all(key in printed(narrow) for key in keys)


def test_the_report_on_an_experiment_fits_a_narrow_terminal(settings: Settings, narrow: Console) -> None:
    variants = (("hybrid", 50.0), ("variety", 50.0))
    row = dict.fromkeys(COLUMNS, 20) | {"clicked": 10, "completions": 9, "skips": 8}
    counts = pd.DataFrame([{"variant": name, **row} for name, _ in variants for _ in range(40)])
    report = compare(counts, shares=variants, min_listeners=30)
    experiments = settings.experiments.model_copy(update={"variants": variants})
    report_experiments._show(
        report,
        settings.model_copy(update={"experiments": experiments}),
        out=narrow,
    )
    lines = printed(narrow).splitlines()
    assert max(map(len, lines)) <= NARROW
    assert not any("…" in line for line in lines)
    assert "click_through" in printed(narrow)


def test_estimates_fit_a_narrow_terminal(settings: Settings, narrow: Console) -> None:
    values = dict.fromkeys(("seen", "ips", "dr", "difference", "low"), 0.123)
    highs = dict.fromkeys(("ips_high", "dr_high", "high"), 0.145) | dict.fromkeys(("ips_low", "dr_low"), 0.1)
    names = {"hybrid": "", "hybrid, learned order": "too little to tell", "order 3f2a9c0b1d4e": "better"}
    rows = [
        Estimated(policy=name, response=response.name, verdict=verdict, **values, **highs)  # type: ignore[arg-type]
        for name, verdict in names.items()
        for response in RESPONSES
    ]
    found = Estimates(1200, 300, 20_000, 1500, dict.fromkeys(names, 900.0), dict.fromkeys(names, 0.9), rows)
    estimate_experiments._show(found, settings, out=narrow)
    lines = printed(narrow).splitlines()
    assert max(map(len, lines)) <= NARROW
    assert not any("…" in line for line in lines)
    assert "0.123 ± 0.022" in printed(narrow) and "+0.123 ± 0.022" in printed(narrow)
    assert all(name in printed(narrow) for name in names)
    assert "Too little data" not in printed(narrow)
    nothing = Estimates(0, 0, 0, 0, dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0), rows)
    estimate_experiments._show(nothing, settings, out=narrow)
    assert "Too little data" in printed(narrow)


def test_a_pipe_gets_whole_values_and_their_brackets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table = Table("path", "detail")
    path = "/music/" + "a long folder/" * 20 + "[live] song.mp3"
    table.add_row(path, "[errno 2]")
    figures.console().print(table)
    text = capsys.readouterr().out
    assert path in text and "[errno 2]" in text
