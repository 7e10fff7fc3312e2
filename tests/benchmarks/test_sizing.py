"""The reckoning of a service's size, by hand and against the page that shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from segue.benchmarks.cli import bench
from segue.benchmarks.sizing import Assumed, index_needs, live, measure, needs
from segue.places import ROOT
from segue.settings import load_settings

FIGURES = ROOT / "docs" / "evaluation" / "results" / "capacity.json"
MEASURED = json.loads(FIGURES.read_text())["figures"]
PAGE = (ROOT / "docs" / "evaluation" / "capacity.md").read_text()


def test_by_hand() -> None:
    figures = {
        "updates_per_event_many": 0.5,
        "update_cpu_ms_10": 2.0,
        "update_cpu_ms_500": 4.0,
        "job_cpu_ms_per_event_many": 2.0,
        "update_mongod_cpu_ms_10": 0.2,
        "update_mongod_cpu_ms_500": 0.4,
        "mongod_cpu_ms_per_event_many": 0.2,
        "broker_cpu_ms_per_event_many": 0.1,
        "update_network_bytes_10": 4000.0,
        "update_network_bytes_500": 8000.0,
        "mongo_network_bytes_per_event_many": 3000.0,
        "event_bytes_stored_many": 300.0,
        "listener_document_bytes_500": 10_000.0,
        "listening_bytes_per_event_many": 50.0,
        "events_per_listener_few": 100.0,
        "events_per_listener_many": 10.0,
        "count_mongod_cpu_ms_per_listener_few": 1.0,
        "count_mongod_cpu_ms_per_listener_many": 0.1,
        "state_bytes_per_event_recommend_many": 100.0,
        "state_bytes_per_event_engagement_many": 200.0,
    }
    found = needs(figures, listeners=600_000, settings=load_settings(), assumed=Assumed(busy=0.5))
    assert found["events_per_s"] == 1000  # 30,000 listen
    assert live(figures, "job_cpu_ms_per_event", "update_cpu_ms") == 5.0
    assert found["spark_cores"] == pytest.approx(10.0)
    assert found["partitions"] == 16
    assert found["mongod_cores"] == pytest.approx(3 * 1.0)
    assert found["broker_cores"] == pytest.approx(3 * 0.2)
    assert (found["brokers"], found["mongo_shards"]) == (3, 1)
    assert found["documents_gb"] == pytest.approx(6.0)
    # 2.5 hours of events at 100 bytes, 2.25 hours at 200 bytes.
    assert found["state_gb"] == pytest.approx((2.5 * 100 + 2.25 * 200) * 3600 * 1000 / 1e9)
    assert found["network_mb_per_s"] == pytest.approx(6 * 0.3 + 3.0 - 0.5 * 4.0 + 8.0)
    assert found["listening_tb"] == pytest.approx(1000 / 3 * 86_400 * 400 * 50 / 1e12)
    assert found["count_s"] == pytest.approx(30_000 * 0.3 / 1000)  # 30 events in a window of 15 minutes
    assert found["log_tb"] == pytest.approx(1000 / 3 * 86_400 * 30 * 300 * 3 / 1e12)


def test_ten_times_the_listeners_need_ten_times_as_much() -> None:
    small, large = (
        needs(MEASURED, listeners=listeners, settings=load_settings()) for listeners in (10**6, 10**7)
    )
    for key in ("spark_cores", "state_gb", "spark_gb", "mongod_cores", "broker_cores", "network_mb_per_s"):
        assert large[key] == pytest.approx(10 * small[key]), key


def test_the_index_is_whole_until_it_takes_a_quarter_of_a_machine() -> None:
    figures = {"index_bytes_per_track_fma": 1000.0, "query_cpu_ms_fma": 1.0}
    layouts = {tracks: index_needs(figures, tracks=tracks) for tracks in (8_000_000, 32_000_000, 33_000_000)}
    assert [layout.split(",")[0].split(":")[0] for layout, _ in layouts.values()] == [
        "whole",
        "partitioned",
        "partitioned with routing",
    ]
    assert layouts[32_000_000][1]["sharded_query_cpu_ms"] == 4.0


def _row(name: str) -> list[float]:
    """The numbers of a row of the page's tables."""
    (row,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", PAGE, re.MULTILINE)
    return [float(re.findall(r"[\d,.]+", cell)[0].replace(",", "")) for cell in row.split("|")]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("plays and other events a second", "events_per_s"),
        ("Spark: cores", "spark_cores"),
        ("Spark: memory, GB", "spark_gb"),
        ("partitions of the topic and of the windows", "partitions"),
        ("Kafka: brokers", "brokers"),
        ("Kafka: log of 30 days, TB on all brokers", "log_tb"),
        ("MongoDB: cores, all members", "mongod_cores"),
        ("MongoDB: shards, of three members each", "mongo_shards"),
        ("MongoDB: tastes and recommendations, GB a copy", "documents_gb"),
        ("MongoDB: facts and sessions of 400 days, TB a copy", "listening_tb"),
        ("MongoDB: recounting a window, seconds", "count_s"),
        ("network, MB a second", "network_mb_per_s"),
    ],
)
def test_the_page_has_the_values_computed_from_the_figures(name: str, key: str) -> None:
    reckoned = [
        needs(MEASURED, listeners=listeners, settings=load_settings())[key]
        for listeners in (10**5, 10**6, 10**8)
    ]
    assert _row(name) == pytest.approx(reckoned, rel=0.06, abs=0.06)


def test_the_page_has_the_size_of_the_index() -> None:
    found = [index_needs(MEASURED, tracks=tracks)[1] for tracks in (10**6, 10**7, 10**8)]
    assert _row("bundle, GB") == pytest.approx([one["bundle_gb"] for one in found], rel=0.06)
    assert _row("parts") == [one["index_parts"] for one in found]


def test_the_command_says_the_layout_beside_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    found = measure(console=Console(), figures=FIGURES, listeners=10**5, tracks=10**6)
    assert "whole" in capsys.readouterr().out
    assert found["bundle_gb"] < 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"quick": True, "listeners": 1, "tracks": 100}, "sizing has no option --quick"),
        ({"listeners": 1, "tracks": 100}, "sizing needs --figures"),
    ],
)
def test_a_missing_or_excessive_value_is_reported_in_one_line(
    options: dict[str, int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        bench("sizing", **options)  # type: ignore[arg-type]
    assert said in capsys.readouterr().err


def test_figures_that_are_none_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "figures.json").write_text("{}")
    for file in ("figures.json", "none.json"):
        with pytest.raises(SystemExit):
            bench("sizing", figures_file=tmp_path / file, listeners=5, tracks=100)
        assert capsys.readouterr().err.count("\n") == 1
