"""Clients and the operators of MongoDB stay within storage and the owners; the dashboard does not know Spark.

The layers are held by import-linter (pyproject.toml), which sees modules. This looks into them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from segue.places import ROOT

FOLDERS = ("segue", "batch_jobs", "streaming_jobs", "udfs", "dashboard")
CLIENTS = {"pymongo", "kafka", "gridfs", "bson"}
MAY_USE_CLIENTS = ("segue/storage/", "segue/local/")
SLOW = {"scipy.signal", "scipy.stats"}
"""Each takes about a second to import."""


def files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


JSON_SCHEMA = {"$defs", "$ref", "$schema"}
"""Keywords of another language."""


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def bases_of_classes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The name of each class of a module, with each of its bases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from ((node.name, ast.unparse(base)) for base in node.bases)


@cache
def owners_in(package: Path) -> set[str]:
    """The classes of a package that own a collection."""
    trees = (ast.parse(file.read_text()) for file in package.glob("*.py"))
    return {name for tree in trees for name, base in bases_of_classes(tree) if base.startswith("Collection[")}


def owns_a_collection(file: Path, tree: ast.Module) -> bool:
    """Whether a module defines an owner, or an aspect of one: its subclass in the same package."""
    bases = {base for _, base in bases_of_classes(tree)}
    bases |= {base.partition("[")[0] for base in bases}  # without the parameters of a generic class
    return not bases.isdisjoint(owners_in(file.parent)) or any(
        base.startswith("Collection[") for base in bases
    )


def looks_into_the_database(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"\$[a-zA-Z]+", node.value) and node.value not in JSON_SCHEMA:
                yield f"{node.lineno}: the operator {node.value}"
        elif isinstance(node, ast.Name) and node.id == "Database":
            yield f"{node.lineno}: Database"
        elif isinstance(node, ast.Attribute) and node.attr == "documents":
            yield f"{node.lineno}: the documents of a collection"


def test_every_folder_is_looked_at() -> None:
    assert all(files(folder) for folder in FOLDERS)


def test_client_libraries_are_met_in_storage_and_local_only() -> None:
    wrong = {
        f"{name_of(file)}: {name}"
        for file in files(*FOLDERS)
        for name in imports(file)
        if name.split(".")[0] in CLIENTS and not name_of(file).startswith(MAY_USE_CLIENTS)
    }
    assert not wrong


def test_a_slow_library_is_imported_where_it_is_used() -> None:
    """Otherwise every command that imports its module takes a second longer."""
    wrong, seen = set(), set()
    for file in files(*FOLDERS):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.ImportFrom | ast.Import):
                continue
            names = [node.module] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            seen |= SLOW.intersection(names)
            if SLOW.intersection(names) and not node.col_offset:
                wrong.add(name_of(file))
    assert seen == SLOW
    assert wrong == {"segue/demo/mixing.py", "segue/demo/synthesis.py"}, "these make the music of the demo"


def test_only_its_owner_looks_into_a_collection() -> None:
    wrong = {}
    owners = 0
    for file in files(*FOLDERS):
        tree = ast.parse(file.read_text())
        if owns_a_collection(file, tree):
            owners += 1
        elif not name_of(file).startswith(MAY_USE_CLIENTS) and (
            places := list(looks_into_the_database(tree))
        ):
            wrong[name_of(file)] = places
    assert owners > 20
    assert not wrong


def test_the_dashboard_does_not_know_spark() -> None:
    seen: set[Path] = set()
    queue = files("dashboard")
    while queue:
        file = queue.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        for name in imports(file):
            assert not name.startswith("pyspark"), f"{name_of(file)} brings in {name}"
            path = ROOT.joinpath(*name.split("."))
            queue += [module for module in (path.with_suffix(".py"), path / "__init__.py") if module.exists()]
