"""Generates the tables of docs/evaluation from the figures in docs/evaluation/results.

``python -m segue.benchmarks.results`` updates the tables. With ``NAME FILE`` it first stores the new figures
of a measurement, from the ``--json FILE`` of a benchmark, with today's date and the commit.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from segue.benchmarks.sizing import GB, Assumed, count_ms, index_needs, live, needs
from segue.places import ROOT
from segue.settings import load_settings

PAGES = ROOT / "docs" / "evaluation"
RESULTS = PAGES / "results"
_MARKED = re.compile(r"(<!-- results: ([\w-]+)/([\w-]+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


class TableOf(TypedDict):
    """A table of a page. A cell is a format string over the figures, such as "{p50_ms} ms"."""

    columns: list[str]
    rows: NotRequired[list[list[str]]]
    each: NotRequired[list[str]]
    """The cells of a row, for figures with a record per name."""


class Result(TypedDict):
    """A file of results."""

    measured_on: str
    """The day, as YYYY-MM-DD."""
    commit: str
    command: str
    conditions: str
    machine: NotRequired[str]
    release: NotRequired[str]
    """The release of the figures, if the code has changed significantly since."""
    figures: dict[str, Any]
    """The benchmark's figures: numbers by key, or a table of these for each name."""
    tables: dict[str, TableOf]


def read(name: str) -> Result:
    """The results of a measurement."""
    result: Result = json.loads((RESULTS / f"{name}.json").read_text())
    return result


def table(name: str, which: str) -> str:
    """A table as Markdown, with a line on date, machine and command of the measurement."""
    result = read(name)
    computed = COMPUTED.get((name, which))
    lines = list(computed(result["figures"]) if computed else _measured(result, result["tables"][which]))
    return "\n".join(lines) + f"\n\n{_origin(result, computed=computed is not None)}\n"


def _measured(result: Result, wanted: TableOf) -> Iterator[str]:
    figures = result["figures"]
    rows = wanted.get("rows")
    if rows is None:
        cells = wanted["each"]
        made = [[cell.format(name=name, **record) for cell in cells] for name, record in figures.items()]
    else:
        made = [[cell.format_map(figures) for cell in row] for row in rows]
    return _markdown(wanted["columns"], made)


def _markdown(columns: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _origin(result: Result, *, computed: bool) -> str:
    release = f" (release {result['release']})" if "release" in result else ""
    verb = "Computed from figures measured" if computed else "Measured"
    parts = [result["conditions"], result.get("machine", "")]
    how = "; ".join(part for part in parts if part)
    when = f"on {result['measured_on']} at commit `{result['commit']}`{release}"
    return f"*{verb} {when} by `{result['command']}`: {how}.*"


LISTENERS = (10**5, 10**6, 10**8)
TRACKS = (10**6, 10**7, 10**8)
_NEEDS = {
    "listening at the peak": ("listening", ",.0f"),
    "plays and other events a second": ("events_per_s", ",.0f"),
    "Spark: cores": ("spark_cores", ",.1f"),
    "Spark: memory, GB": ("spark_gb", ",.1f"),
    "of which state, GB": ("state_gb", ",.2f"),
    "partitions of the topic and of the windows": ("partitions", ",.0f"),
    "Kafka: cores, all copies": ("broker_cores", ",.2f"),
    "Kafka: brokers": ("brokers", ",.0f"),
    "Kafka: log of 30 days, TB on all brokers": ("log_tb", ",.2f"),
    "MongoDB: cores, all members": ("mongod_cores", ",.2f"),
    "MongoDB: shards, of three members each": ("mongo_shards", ",.0f"),
    "MongoDB: tastes and recommendations, GB a copy": ("documents_gb", ",.1f"),
    "MongoDB: facts and sessions of 400 days, TB a copy": ("listening_tb", ",.2f"),
    "MongoDB: recounting a window, seconds": ("count_s", ",.1f"),
    "network, MB a second": ("network_mb_per_s", ",.1f"),
}


def _for_listeners(figures: Mapping[str, float]) -> Iterator[str]:
    settings = load_settings()
    sizes = [needs(figures, listeners=listeners, settings=settings) for listeners in LISTENERS]
    rows = [[name, *(format(size[key], form) for size in sizes)] for name, (key, form) in _NEEDS.items()]
    return _markdown(["listeners", *(f"{listeners:,}" for listeners in LISTENERS)], rows)


def _for_tracks(figures: Mapping[str, float]) -> Iterator[str]:
    index_sizes = [index_needs(figures, tracks=tracks) for tracks in TRACKS]
    rows = [
        ["bundle, GB", *(f"{size['bundle_gb']:,.1f}" for _, size in index_sizes)],
        ["parts", *(f"{size['index_parts']:.0f}" for _, size in index_sizes)],
        [
            "one query if every part is asked, ms of all cores",
            *(f"{size['sharded_query_cpu_ms']:.1f}" for _, size in index_sizes),
        ],
        ["layout", *(layout for layout, _ in index_sizes)],
    ]
    return _markdown(["tracks", *(f"{tracks:,}" for tracks in TRACKS)], rows)


def _live(figures: Mapping[str, float]) -> Iterator[str]:
    costs = {
        "Spark, ms of a core": live(figures, "job_cpu_ms_per_event", "update_cpu_ms"),
        "MongoDB, ms of a core": live(figures, "mongod_cpu_ms_per_event", "update_mongod_cpu_ms"),
        "network to and from MongoDB, KB": live(
            figures, "mongo_network_bytes_per_event", "update_network_bytes"
        )
        / 1000,
    }
    return _markdown(["a live event costs", ""], [[name, f"{cost:.2f}"] for name, cost in costs.items()])


def _about(value: float) -> str:
    """A number with two significant digits."""
    return f"{float(f'{value:.2g}'):,.0f}"


def _limits(figures: Mapping[str, float]) -> Iterator[str]:
    """The limit of each part under the assumptions of :class:`Assumed`."""
    settings, assumed = load_settings(), Assumed()
    per_event = assumed.seconds_between_events / assumed.listening

    def listeners_for(key: str, most: float) -> float:
        return most / needs(figures, listeners=1, settings=settings)[key]

    one_machine = figures["queue_most_per_s"] * assumed.busy
    trigger_ms = settings.engagement.trigger_interval.total_seconds() * 1000
    counted = trigger_ms / count_ms(figures, settings, assumed)
    primary = 1000 * assumed.machine_cores * assumed.busy
    primary /= live(figures, "mongod_cpu_ms_per_event", "update_mongod_cpu_ms")
    a_track = figures["index_bytes_per_track_fma"] / GB
    rows = [
        [
            "one machine with two cores",
            f"{_about(one_machine)} events a second, {_about(one_machine * per_event)} listeners",
        ],
        [
            "recounting statistics within a trigger",
            f"{_about(counted)} listening at once, {_about(counted / assumed.listening)} listeners",
        ],
        [
            "a terabyte of facts and sessions in each copy",
            f"{_about(listeners_for('listening_tb', 1))} listeners",
        ],
        [
            "8 cores of MongoDB's primary",
            f"{_about(primary)} events a second, {_about(primary * per_event)} listeners",
        ],
        ["the index in a quarter of 32 GB", f"{_about(assumed.machine_gb / 4 / a_track)} tracks"],
        ["all parts of the index in 32 GB", f"{_about(assumed.machine_gb / a_track)} tracks"],
    ]
    return _markdown(["part", "reaches its limit at about"], rows)


COMPUTED: Mapping[tuple[str, str], Callable[[Mapping[str, float]], Iterator[str]]] = {
    ("capacity", "listeners"): _for_listeners,
    ("capacity", "tracks"): _for_tracks,
    ("capacity", "live"): _live,
    ("capacity", "limits"): _limits,
}
"""The tables of estimates from measured figures."""


def rewritten(text: str) -> str:
    """A page with updated tables."""

    def made(match: re.Match[str]) -> str:
        start, name, which, end = match.groups()
        return f"{start}\n{table(name, which)}\n{end}"

    return _MARKED.sub(made, text)


def shown(text: str) -> list[tuple[str, str]]:
    """The tables of a page: (name of the results, name of the table)."""
    return [(name, which) for _, name, which, _ in _MARKED.findall(text)]


def record(name: str, file: Path) -> None:
    """Store new figures for an existing measurement, with today's date and the commit."""
    result = read(name)
    result["figures"] = json.loads(file.read_text())
    result["measured_on"] = f"{datetime.now(UTC):%Y-%m-%d}"
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=7", "HEAD"]
    result["commit"] = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    result.pop("release", None)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def main(arguments: list[str]) -> None:
    if arguments:
        record(arguments[0], Path(arguments[1]))
    for page in sorted(PAGES.glob("*.md")):
        page.write_text(rewritten(page.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
