"""The registry names the collections that the code uses, and the jobs' users may use them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pymongo.database import Database

from segue import collections
from segue.collections import (
    COMPUTED,
    LOGS,
    NOT_PERSONAL,
    OWNERS,
    POLICIES,
    WRITTEN_BY_STREAMS,
    personal,
)
from segue.deploy.access import job_access
from segue.errors import SegueError
from segue.index.published import BUCKET as BUNDLES
from segue.models.trained import BUCKET as TRAINED
from segue.places import ROOT
from segue.privacy.backup import backup, restore
from segue.privacy.holdings import held
from segue.privacy.leaving import forget
from segue.storage.mongo_users import privileges
from segue.storage.store import Job, Right, Snapshot, Store
from segue.taste.starts import Starts

BASES = {"Collection", "GatheredCollection"}
FOLDERS = ("segue", "udfs", "batch_jobs", "streaming_jobs", "dashboard")


def named(file: Path) -> Iterator[str]:
    """The collections that a file takes by name: `database.tracks`, `store.database.tracks`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute) and not hasattr(Database, node.attr):
            of = node.value
            if getattr(of, "id", getattr(of, "attr", "")) in ("database", "_database"):
                yield node.attr


def owners(file: Path) -> Iterator[str]:
    """The owner classes that a file defines, listed or not."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ClassDef):
            bases = [base.value for base in node.bases if isinstance(base, ast.Subscript)]
            if any(isinstance(base, ast.Name) and base.id in BASES for base in bases):
                yield from {node.name} - BASES


def test_every_owner_is_registered() -> None:
    defined = [name for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") for name in owners(file)]
    assert sorted(defined) == sorted(owner.__name__ for owner in OWNERS)
    names = [owner.name for owner in OWNERS]
    assert len(set(names)) == len(names)


def test_every_collection_that_the_code_takes_is_listed() -> None:
    taken = {name for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") for name in named(file)}
    owned = {owner.name for owner in OWNERS}
    buckets = {f"{bucket}.{part}" for bucket in (BUNDLES, TRAINED) for part in ("files", "chunks")}
    assert taken | owned | buckets == POLICIES.keys()


def test_every_collection_has_a_job_that_writes_it() -> None:
    for name, policy in POLICIES.items():
        assert any(right & Right.WRITE for right in policy.access.values()), name


def test_who_backs_up_and_who_removes_may_reach_all_that_they_must() -> None:
    operator, dashboard = (job_access()[job].mongo.rights for job in (Job.OPERATOR, Job.DASHBOARD))
    assert all(operator[name] & Right.WRITE for name in POLICIES.keys() - COMPUTED)
    removed = POLICIES.keys() - NOT_PERSONAL - LOGS
    for rights in (operator, dashboard):
        assert all(rights[name] & (Right.WRITE | Right.ERASE) for name in removed)


def test_every_job_that_writes_about_listeners_knows_who_has_left() -> None:
    """The owners look for it after each write."""
    for name, policy in POLICIES.items():
        if policy.personal and not policy.log:
            for job, right in policy.access.items():
                if right & Right.WRITE:
                    assert POLICIES["forgotten"].access.get(job, Right(0)) & (Right.READ | Right.WRITE), name


def test_the_dashboard_adds_to_the_audit_log_and_changes_nothing_in_it() -> None:
    assert {"audit_log"} == LOGS
    allowed = {
        one["resource"]["collection"]: one["actions"]
        for one in privileges("segue", job_access()[Job.DASHBOARD].mongo)
    }
    assert allowed["audit_log"] == ["find", "insert"]


def test_collections_about_listeners_are_listed_as_personal() -> None:
    made = {"tastes", "recommendations", "listening", "listening_sessions", "damaged_documents"}
    imported = {"changed_imports", "imported_days", "imported_songs", "imported_tastes"}
    assert set(WRITTEN_BY_STREAMS) == made | imported | {"memories"}
    secrets = {name: own.secret for name in POLICIES if (own := personal(name)) and own.secret}
    assert secrets == {
        "accounts": ("password", "devices"),
        "api_keys": ("digest",),
        "app_passwords": ("encrypted", "digest"),
        "audit_log": ("system_user",),
        "linked_accounts": ("encrypted",),
        "mail_links": ("_id", "fits"),
        "scrobble_connections": ("encrypted",),
        "sessions": ("_id",),
        "share_links": ("_id",),
        "damaged_documents": ("_id", "document_id"),
    }


class _Elsewhere(Starts):
    """An owner that keeps its documents in a dictionary."""

    kept: ClassVar[dict[str, dict[str, Any]]] = {}

    def held_by(self, user_id: str) -> list[dict[str, Any]]:
        return [self.kept[user_id]] if user_id in self.kept else []

    def forget(self, user_id: str, *, account_name: str | None) -> int:
        return 0 if self.kept.pop(user_id, None) is None else 1

    def is_empty(self) -> bool:
        return not self.kept

    def dump(self, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
        return iter(list(self.kept.values()))

    def load(self, documents: Sequence[dict[str, Any]]) -> None:
        self.kept.update({document["_id"]: document for document in documents})


@pytest.mark.integration
def test_an_owner_may_keep_its_documents_elsewhere(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(collections._OWNER_OF, Starts.name, _Elsewhere)
    monkeypatch.setattr(_Elsewhere, "kept", {own: {"_id": own, "genres": ["folk"]} for own in ("ada", "ben")})
    assert list(held(store, "ada")) == [(Starts.name, [{"_id": "ada", "genres": ["folk"]}])]
    assert forget(store, "ada", plays_kept=timedelta(days=1)) == {Starts.name: 1}
    left = dict(_Elsewhere.kept)
    assert left.keys() == {"ben"}
    assert backup(store, tmp_path / "backup.gz")[Starts.name] == 1
    with pytest.raises(SegueError, match=f"has documents in {Starts.name}"):
        restore(store, tmp_path / "backup.gz")
    _Elsewhere.kept.clear()
    assert restore(store, tmp_path / "backup.gz")[Starts.name] == 1
    assert _Elsewhere.kept == left


@pytest.mark.integration
def test_a_collection_without_an_owner_is_saved_and_searched(store: Store, tmp_path: Path) -> None:
    documents = store.database["something new"]
    documents.insert_many(
        [
            {"_id": "ada"},
            {"_id": 1, "user_id": "ada"},
            {"_id": 2, "owner": "ada"},
            {"_id": 3, "members": ["ada", "ben"]},
            {"_id": 4, "user_id": "ben", "at": datetime(2026, 3, 1, tzinfo=UTC)},
        ]
    )
    assert [name for name, _ in held(store, "ada")] == ["something new"]
    backup(store, tmp_path / "backup.gz")
    assert forget(store, "ada", plays_kept=timedelta(days=1)) == {"something new": 3}
    left = [
        {"_id": 3, "members": ["ben"]},
        {"_id": 4, "user_id": "ben", "at": datetime(2026, 3, 1, tzinfo=UTC)},
    ]
    assert list(documents.find().sort("_id", 1)) == left
    documents.drop()
    restore(store, tmp_path / "backup.gz")
    assert list(documents.find().sort("_id", 1)) == left
