"""The alert rules, evaluated by Prometheus' own tool over made-up series."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from segue.places import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
UP = 'up{job="segue-stream"}'
START = 'process_start_time_seconds{job="segue-stream"}'
AT = 'segue_query_progress_timestamp_seconds{job="segue-stream",query="recommend"}'
QUERY = '{job="segue-stream",query="recommend"}'

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool evaluates the rules")


def _read(**by_query: int) -> dict[str, str]:
    """Counters that grow by so many records in ten seconds."""
    return {
        f'segue_records_read_total{{job="segue-stream",query="{query}"}}': f"0+{step}x400"
        for query, step in by_query.items()
    }


CASES: list[tuple[str, dict[str, str], str, str, bool]] = [
    # (case, series at every 10 s, at, alert, whether it fires)
    ("an idle stream", {UP: "1x30", f"segue_query_stalled{QUERY}": "0x30"}, "5m", "QueryHangs", False),
    ("a hung micro-batch", {f"segue_query_stalled{QUERY}": "0x3 1x9"}, "40s", "QueryHangs", True),
    ("a start that takes long", {START: "0x60"}, "6m", "StreamDoesNotStart", True),
    ("queries run", {START: "0x60", AT: "300x60"}, "6m", "StreamDoesNotStart", False),
    ("a stream that is away", {UP: "1x6 0x9"}, "2m10s", "StreamDown", True),
    ("a stream that is away briefly", {UP: "1x6 0x3 1x9"}, "2m10s", "StreamDown", False),
    ("one restart", {UP: "1x6 0x1 1x9", START: "100x6 170x9"}, "2m", "StreamRestarts", False),
    ("three lives", {UP: "1x12", START: "100x4 140x4 180x4"}, "2m", "StreamRestarts", True),
    ("lives too short to be seen", {UP: "1x6 0x2 1x1 0x6"}, "2m", "StreamRestarts", True),
    ("a query far behind", _read(recommend=100, rejected=100, engagement=10), "65m", "QueriesApart", True),
    ("queries side by side", _read(recommend=100, rejected=99, engagement=98), "65m", "QueriesApart", False),
    (
        "a record dated ahead",
        {'segue_plays_rejected_total{reason="future_arrival"}': "0x3 1x3"},
        "1m",
        "PlaysDatedAhead",
        True,
    ),
    (
        "a late record",
        {'segue_plays_rejected_total{reason="late"}': "0x3 1x3"},
        "1m",
        "PlaysDatedAhead",
        False,
    ),
    ("few records", _read(recommend=1, rejected=0, engagement=0), "65m", "QueriesApart", False),
    ("starts that were counted", {"segue_stream_starts_total": "5x4 6x4 8x4"}, "2m", "StreamRestarts", True),
]


@pytest.mark.parametrize(("case", "series", "at", "alert", "fires"), CASES, ids=[case[0] for case in CASES])
def test_a_rule(case: str, series: dict[str, str], at: str, alert: str, fires: bool, tmp_path: Path) -> None:
    evaluate(tmp_path, series, at=at, alert=alert, fires=fires)


def test_the_rules_are_valid() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def evaluate(folder: Path, series: dict[str, str], *, at: str, alert: str, fires: bool) -> None:
    """Check whether an alert fires at a time.

    Series have a sample every ten seconds: "1x3 0x2" is three times 1, then twice 0.
    """
    values = {name: _values(text) for name, text in series.items()}
    document: dict[str, Any] = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "10s",
        "tests": [
            {
                "interval": "10s",
                "input_series": [{"series": name, "values": text} for name, text in values.items()],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                        "eval_time": at,
                        "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                    }
                ],
            }
        ],
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(document))
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _values(text: str) -> str:
    """The same in promtool's notation: "1+0x2 0+0x1"."""
    if "+" in text:
        return text
    parts = (part.split("x") for part in text.split())
    return " ".join(f"{value}+0x{int(count) - 1}" for value, count in parts)
