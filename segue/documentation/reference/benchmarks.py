"""The page on benchmarks and the keys of their JSON output."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from segue.benchmarks.cli import BENCHMARKS
from segue.documentation.reference import markdown as md
from segue.places import ROOT


def documented() -> dict[str, dict[str, Any]]:
    """`benchmarks/keys.toml`: by benchmark `about`, and `keys` as pairs of keys and meaning."""
    return tomllib.loads((ROOT / "benchmarks" / "keys.toml").read_text())


def render() -> str:
    """The page."""
    entries = documented()
    return md.page(
        "Benchmarks",
        "`./run.sh bench NAME` measures a part of Segue beside a baseline in the same run, and prints the "
        "figures. "
        "`--json FILE` writes them as one flat object. `--quick` runs are smaller: use them to try a "
        "benchmark, not to "
        "quote it. [Results](../evaluation/results.md) and [capacity](../evaluation/capacity.md) have "
        "measured figures.",
        "In the benchmarks of the stream, each variant is a process with its own database, topics and "
        "checkpoint, which "
        "are removed afterwards. Kafka, MongoDB and the producer run on the same machine, so close other "
        "programs. The "
        "servers that a benchmark starts keep running until `./run.sh down`.",
        md.table(
            ("benchmark", "question"),
            ((f"[`{name}`](#{name})", text) for name, text in BENCHMARKS.items()),
        ),
        *(part for name in BENCHMARKS for part in _benchmark(name, entries[name])),
    )


def _benchmark(name: str, entry: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}"
    yield entry["about"]
    if keys := entry.get("keys"):
        yield md.table(("key", "meaning"), keys)
