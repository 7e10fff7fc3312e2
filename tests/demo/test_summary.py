"""The table of a demo's results."""

from __future__ import annotations

from rich.console import Console

from segue.demo.summary import DemoSummary


def test_the_table_has_milliseconds_and_counts_as_whole_numbers_and_shares_with_three_digits() -> None:
    summary = DemoSummary(
        tracks=64,
        tracks_rejected=0,
        recall20=1.0,
        plays_sent=1294,
        plays_rejected=3,
        listeners_served=9,
        p50_ms=4492.0,
        p99_ms=612.4,
        fit=0.9111,
        fit_by_chance=None,
    )
    console = Console(width=120)
    with console.capture() as shown:
        console.print(summary.table())
    rows = [line.split("│") for line in shown.get().splitlines() if "│" in line]
    assert {row[1].strip(): row[2].strip() for row in rows} == {
        "tracks": "64",
        "tracks_rejected": "0",
        "recall20": "1.000",
        "plays_sent": "1,294",
        "plays_rejected": "3",
        "listeners_served": "9",
        "p50_ms": "4,492",
        "p99_ms": "612",
        "fit": "0.911",
    }
