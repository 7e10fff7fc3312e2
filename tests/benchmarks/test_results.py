"""The tables of docs/evaluation are those that the committed figures give."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from segue.benchmarks import results
from segue.benchmarks.results import COMPUTED, PAGES, RESULTS, read, record, rewritten, shown, table

NAMES = sorted(path.stem for path in RESULTS.glob("*.json"))


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda path: path.name)
def test_the_tables_are_current(page: Path) -> None:
    assert rewritten(page.read_text()) == page.read_text(), (
        "run: .local/venv/bin/python -m segue.benchmarks.results"
    )


def test_each_table_is_shown_once() -> None:
    found = [one for page in PAGES.glob("*.md") for one in shown(page.read_text())]
    stored = [(name, which) for name in NAMES for which in read(name)["tables"]]
    assert sorted(found) == sorted([*stored, *COMPUTED])


@pytest.mark.parametrize("name", NAMES)
def test_results_are_dated_and_have_their_commit(name: str) -> None:
    result = read(name)
    assert date.fromisoformat(result["measured_on"]) <= date.today()
    assert re.fullmatch(r"[0-9a-f]{7}", result["commit"])
    assert result["command"] and result["conditions"] and result["figures"]


def test_new_figures_come_with_the_date_and_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read("search")
    (tmp_path / "search.json").write_text(json.dumps(before | {"release": "0.1"}))
    (tmp_path / "new.json").write_text(json.dumps(before["figures"] | {"p50_ms": 1.25}))
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    record("search", tmp_path / "new.json")
    after = read("search")
    assert after["figures"]["p50_ms"] == 1.25 and "release" not in after
    assert re.fullmatch(r"[0-9a-f]{7}", after["commit"])
    assert date.fromisoformat(after["measured_on"]) >= date.fromisoformat(before["measured_on"])
    assert "| 1.25 ms |" in table("search", "search") and after["commit"] in table("search", "search")
