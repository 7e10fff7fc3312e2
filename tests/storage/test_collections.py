"""The list of collections names what the code uses, and the jobs' users may use it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pymongo.database import Database

from segue.index.publish import BUCKET as BUNDLES
from segue.models.trained import BUCKET as TRAINED
from segue.places import ROOT
from segue.privacy.collections import COLLECTIONS, COMPUTED, NOT_PERSONAL
from segue.privacy.forgotten import WRITTEN_BY_STREAMS
from segue.privacy.holdings import SECRETS
from segue.storage.access import read_access

ROOMS = ("segue", "udfs", "batch_jobs", "streaming_jobs", "dashboard")


def named(file: Path) -> Iterator[str]:
    """The collections that a file takes by name: `database.tracks`, or that a class in it owns."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ClassDef) and any("Collection[" in ast.unparse(base) for base in node.bases):
            yield from (
                one.value.value
                for one in node.body
                if isinstance(one, ast.Assign)
                and ast.unparse(one.targets[0]) == "name"
                and isinstance(one.value, ast.Constant)
            )
        if isinstance(node, ast.Attribute) and not hasattr(Database, node.attr):
            of = node.value
            if getattr(of, "id", getattr(of, "attr", "")) in ("database", "_database"):
                yield node.attr


def test_every_collection_that_the_code_takes_is_listed() -> None:
    taken = {name for room in ROOMS for file in (ROOT / room).rglob("*.py") for name in named(file)}
    buckets = {f"{bucket}.{part}" for bucket in (BUNDLES, TRAINED) for part in ("files", "chunks")}
    assert taken | buckets == COLLECTIONS.keys()


def test_every_collection_has_a_job_that_writes_it() -> None:
    jobs = read_access().values()
    assert {name for job in jobs for name in job.mongo.write} == COLLECTIONS.keys()
    for kind in ("read", "erase", "index"):
        assert {name for job in jobs for name in getattr(job.mongo, kind)} <= COLLECTIONS.keys()


def test_who_backs_up_and_who_removes_may_reach_all_that_they_must() -> None:
    operator, dashboard = (read_access()[job].mongo for job in ("operator", "dashboard"))
    assert COLLECTIONS.keys() - COMPUTED <= set(operator.write)
    personal = COLLECTIONS.keys() - NOT_PERSONAL
    for job in (operator, dashboard):
        assert personal <= {*job.write, *job.erase}


def test_what_belongs_to_listeners_is_listed_as_personal() -> None:
    assert not NOT_PERSONAL & {*WRITTEN_BY_STREAMS, *SECRETS}
