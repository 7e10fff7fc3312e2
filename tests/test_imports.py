"""Client libraries are met in two places only, and the dashboard does not know Spark."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from segue.places import ROOT

CLIENTS = {"pymongo", "kafka", "gridfs", "bson"}
TYPES_ONLY = {"pymongo.database", "pymongo.collection"}
"""Modules that a signature names; no client is made from them."""


def files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_client_libraries_are_met_in_storage_and_local_only() -> None:
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files("segue")
        for name in imports(file)
        if name.split(".")[0] in CLIENTS
        and name not in TYPES_ONLY
        and file.parent.name not in ("storage", "local", "engagement", "replanning", "ranking")
    }
    assert not wrong


def test_the_dashboard_does_not_know_spark() -> None:
    needed, seen = [ROOT / "dashboard"], set()
    queue = [file for folder in needed for file in folder.rglob("*.py")]
    while queue:
        file = queue.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        for name in imports(file):
            assert not name.startswith("pyspark"), f"{file.relative_to(ROOT)} brings in {name}"
            path = ROOT.joinpath(*name.split("."))
            queue += [found for found in (path.with_suffix(".py"), path / "__init__.py") if found.exists()]
