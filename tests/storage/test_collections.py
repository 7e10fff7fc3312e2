"""The list of collections names what the code uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pymongo.database import Database

from segue.index.publish import BUCKET as BUNDLES
from segue.places import ROOT
from segue.privacy.holdings import SECRETS
from segue.storage.collections import COLLECTIONS, NOT_PERSONAL
from segue.storage.forgotten import WRITTEN_BY_STREAMS
from segue.storage.trained import BUCKET as TRAINED

ROOMS = ("segue", "udfs", "batch_jobs", "streaming_jobs", "dashboard")


def named(file: Path) -> Iterator[str]:
    """The collections that a file takes by name: `database.tracks`, `door.database.tracks`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute) and not hasattr(Database, node.attr):
            of = node.value
            if getattr(of, "id", getattr(of, "attr", "")) in ("database", "_database"):
                yield node.attr


def test_every_collection_that_the_code_takes_is_listed() -> None:
    taken = {name for room in ROOMS for file in (ROOT / room).rglob("*.py") for name in named(file)}
    buckets = {f"{bucket}.{part}" for bucket in (BUNDLES, TRAINED) for part in ("files", "chunks")}
    assert taken | buckets == COLLECTIONS.keys()


def test_what_belongs_to_listeners_is_listed_as_personal() -> None:
    assert not NOT_PERSONAL & {*WRITTEN_BY_STREAMS, *SECRETS}
