"""Retiring old bundles, against a real MongoDB."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.index.bundle import Bundle, load_bundle
from segue.index.published import PublishedBundles
from segue.models.versions import Models
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.index.corpus import published, stored_files, write

pytestmark = pytest.mark.integration
Mongo = Database[Document]
DAY = 24 * 3600


def test_the_newest_are_kept(database: Mongo, bundles: PublishedBundles, here: Path) -> None:
    versions = [published(database, here, seed=day, day=day) for day in (1, 2, 3, 4)]
    assert bundles.retire(folder=here, keep=2) == [versions[1], versions[0]]
    assert {path.name for path in here.iterdir()} == set(versions[2:])
    assert {name.split("/")[0] for name in stored_files(database)} == set(versions[2:])
    assert {model["version"] for model in database.models.find({"kind": "index"})} == set(versions[2:])
    assert bundles.retire(folder=here, keep=2) == []


def test_the_active_one_is_kept_however_old(database: Mongo, bundles: PublishedBundles, here: Path) -> None:
    versions = [published(database, here, seed=day, day=day) for day in (1, 2, 3)]
    Models(Store(database)).activate("index", versions[0])
    assert bundles.retire(folder=here, keep=1) == [versions[1]]
    assert bundles.whole_manifest(versions[0])


def test_one_that_is_mapped_is_kept_here_and_in_mongodb(
    database: Mongo, bundles: PublishedBundles, here: Path, there: Path
) -> None:
    old = published(database, here, seed=1, day=1)
    published(database, here, seed=2, day=2)
    reader: Bundle | None = load_bundle(here / old)
    assert bundles.retire(folder=here, keep=1) == []
    bundles.load(old, folder=there)
    assert reader and reader.ids([1]) == ["t00001"]
    reader = None
    assert bundles.retire(folder=here, keep=1) == [old]


def test_one_that_was_never_published_or_is_damaged_goes_too(
    database: Mongo, bundles: PublishedBundles, here: Path
) -> None:
    published(database, here, day=9)
    old = write(here, seed=2, created_at=datetime(2024, 1, 1, tzinfo=UTC)).version
    damaged = write(here, seed=3).version
    os.truncate(here / damaged / "manifest.json", 50)
    (here / "notes").mkdir()
    assert set(bundles.retire(folder=here, keep=1)) == {old, damaged}
    assert (here / "notes").exists()


def test_another_machine_removes_retired_versions_when_it_fetches(
    database: Mongo, bundles: PublishedBundles, here: Path, there: Path
) -> None:
    old, mapped, lately = (published(database, here, seed=seed, day=seed) for seed in (1, 2, 3))
    for version in (old, mapped, lately):
        bundles.fetch(version, folder=there)
    reader = load_bundle(there / mapped)
    new = published(database, here, seed=4, day=4)
    assert len(bundles.retire(folder=here, keep=1)) == 3
    for version in (old, mapped):
        os.utime(there / version / "lock", (0, time.time() - 2 * DAY))
    bundles.fetch(new, folder=there)
    assert {path.name for path in there.iterdir()} == {mapped, lately, new}
    assert reader.version == mapped


def test_keeping_none_is_refused(bundles: PublishedBundles, here: Path) -> None:
    with pytest.raises(ValueError, match="keep is 0"):
        bundles.retire(folder=here, keep=0)
