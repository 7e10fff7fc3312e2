"""Publishing, fetching and retiring, against a real MongoDB."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from segue.index.bundle import Bundle, BundleError, load_bundle
from segue.index.publish import fetch, fetch_bundle, publish, stored_manifest
from segue.index.retire import retire
from segue.settings import Settings
from segue.storage.files import FileStore
from segue.storage.mongo import Document, activate, active_version, connect
from tests.index.corpus import write

pytestmark = pytest.mark.integration
Mongo = Database[Document]
DAY = 24 * 3600


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The index folder of the machine that builds."""
    return tmp_path / "here"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The index folder of a machine that has nothing yet."""
    return tmp_path / "there"


def published(database: Mongo, folder: Path, *, seed: int = 1, day: int = 1, **settings: Any) -> str:
    manifest = write(folder, seed=seed, created_at=datetime(2024, 5, day, tzinfo=UTC), **settings)
    return publish(database, folder / manifest.version).version


def copies(database: Mongo) -> list[str]:
    return sorted(document["filename"] for document in database["bundles.files"].find())


def test_a_published_version_is_the_active_one_and_says_what_it_is(database: Mongo, here: Path) -> None:
    version = published(database, here)
    model = database.models.find_one({"_id": f"index:{version}"})
    assert model
    assert active_version(database, "index") == version
    assert (model["kind"], model["version"], model["path"]) == ("index", version, str(here / version))
    assert model["created_at"] == datetime(2024, 5, 1, tzinfo=UTC)
    assert model["manifest"]["recall20"] > 0.9
    assert model["cold_start"][:3] == ["t00000", "t00007", "t00014"]


def test_publishing_again_stores_nothing_again(database: Mongo, here: Path) -> None:
    published(database, here)
    before = list(database["bundles.files"].find())
    published(database, here)
    assert list(database["bundles.files"].find()) == before


def test_publishing_goes_on_where_a_crash_ended_it(database: Mongo, here: Path, there: Path) -> None:
    manifest = write(here)
    store = FileStore(database, bucket="bundles")
    vectors = manifest.files["vectors.npy"]
    store.put(
        here / manifest.version / "vectors.npy",
        group=manifest.version,
        name="vectors.npy",
        sha256=vectors.sha256,
    )
    assert stored_manifest(database, manifest.version) is None
    assert active_version(database, "index") is None
    publish(database, here / manifest.version)
    assert len(copies(database)) == 5
    assert fetch_bundle(database, manifest.version, folder=there).manifest == manifest


def test_a_lost_file_is_stored_again(database: Mongo, here: Path) -> None:
    version = published(database, here)
    database["bundles.files"].delete_one({"filename": f"{version}/index.ann"})
    assert stored_manifest(database, version) is None
    published(database, here)
    assert stored_manifest(database, version)


def test_an_unfit_bundle_is_not_published(database: Mongo, here: Path) -> None:
    version = published(database, here)
    other = write(here, seed=2).version
    os.truncate(here / other / "index.ann", 100)
    with pytest.raises(BundleError, match=r"index\.ann"):
        publish(database, here / other)
    assert active_version(database, "index") == version
    assert database.models.count_documents({"kind": "index"}) == 1


@pytest.mark.parametrize("backend", ["annoy", "voyager", "exact"])
def test_a_machine_without_the_version_fetches_it(
    database: Mongo, here: Path, there: Path, backend: str
) -> None:
    version = published(database, here, backend=backend)
    fetched, built = (fetch_bundle(database, version, folder=folder) for folder in (there, here))
    assert fetched.manifest == built.manifest
    for one, other in zip(
        fetched.neighbours.query(built.vectors, 5), built.neighbours.query(built.vectors, 5), strict=True
    ):
        assert one.tobytes() == other.tobytes()
    assert (there / version / "manifest.json").read_bytes() == (here / version / "manifest.json").read_bytes()


def test_a_version_that_is_there_is_not_fetched(database: Mongo, here: Path) -> None:
    version = write(here).version
    assert fetch(database, version, folder=here) == here / version


def test_a_version_that_nobody_has_is_said(database: Mongo, there: Path) -> None:
    with pytest.raises(BundleError, match=r"index nowhere is neither in .* nor in MongoDB"):
        fetch(database, "nowhere", folder=there)


def test_a_damaged_copy_in_mongodb_is_refused_and_leaves_nothing(
    database: Mongo, here: Path, there: Path
) -> None:
    version = published(database, here)
    [file] = database["bundles.files"].find({"filename": f"{version}/vectors.npy"})
    [chunk] = database["bundles.chunks"].find({"files_id": file["_id"]})
    damaged = bytearray(chunk["data"])
    damaged[-1] ^= 1
    database["bundles.chunks"].update_one({"_id": chunk["_id"]}, {"$set": {"data": bytes(damaged)}})
    with pytest.raises(BundleError, match=r"vectors\.npy does not match its checksum"):
        fetch(database, version, folder=there)
    assert not list(there.iterdir())


@pytest.mark.parametrize("lost", ["bundles.files", "bundles.chunks"])
def test_a_copy_with_a_part_missing_is_refused(database: Mongo, here: Path, there: Path, lost: str) -> None:
    version = published(database, here)
    database[lost].delete_one({})
    with pytest.raises(BundleError, match="cannot be fetched"):
        fetch(database, version, folder=there)
    assert not list(there.iterdir())


def test_a_damaged_folder_is_refused_with_what_to_do(database: Mongo, here: Path) -> None:
    version = published(database, here)
    os.truncate(here / version / "artists.npy", 20)
    with pytest.raises(BundleError, match=f"remove {here / version}, and it is fetched"):
        fetch_bundle(database, version, folder=here)


def _fetch_in_process(settings: Settings, version: str, folder: Path) -> str:
    return fetch_bundle(connect(settings.mongo), version, folder=folder).version


def test_several_processes_fetch_at_once(
    database: Mongo, settings: Settings, here: Path, there: Path
) -> None:
    version = published(database, here)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        versions = pool.starmap(_fetch_in_process, [(settings, version, there)] * 6)
    assert versions == [version] * 6
    assert [path.name for path in there.iterdir()] == [version]


def test_several_publishers_at_once(database: Mongo, here: Path, there: Path) -> None:
    manifest = write(here)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: publish(database, here / manifest.version), range(4)))
    assert fetch_bundle(database, manifest.version, folder=there).manifest == manifest


def test_the_newest_are_kept(database: Mongo, here: Path) -> None:
    versions = [published(database, here, seed=day, day=day) for day in (1, 2, 3, 4)]
    assert retire(database, folder=here, keep=2) == [versions[1], versions[0]]
    assert {path.name for path in here.iterdir()} == set(versions[2:])
    assert {name.split("/")[0] for name in copies(database)} == set(versions[2:])
    assert {model["version"] for model in database.models.find({"kind": "index"})} == set(versions[2:])
    assert retire(database, folder=here, keep=2) == []


def test_the_active_one_is_kept_however_old(database: Mongo, here: Path) -> None:
    versions = [published(database, here, seed=day, day=day) for day in (1, 2, 3)]
    activate(database, "index", versions[0])
    assert retire(database, folder=here, keep=1) == [versions[1]]
    assert stored_manifest(database, versions[0])


def test_one_that_is_mapped_is_kept_here_and_in_mongodb(database: Mongo, here: Path, there: Path) -> None:
    old = published(database, here, seed=1, day=1)
    published(database, here, seed=2, day=2)
    reader: Bundle | None = load_bundle(here / old)
    assert retire(database, folder=here, keep=1) == []
    fetch_bundle(database, old, folder=there)
    assert reader and reader.ids([1]) == ["t00001"]
    reader = None
    assert retire(database, folder=here, keep=1) == [old]


def test_one_that_was_never_published_or_is_damaged_goes_too(database: Mongo, here: Path) -> None:
    published(database, here, day=9)
    old = write(here, seed=2, created_at=datetime(2024, 1, 1, tzinfo=UTC)).version
    damaged = write(here, seed=3).version
    os.truncate(here / damaged / "manifest.json", 50)
    (here / "notes").mkdir()
    assert set(retire(database, folder=here, keep=1)) == {old, damaged}
    assert (here / "notes").exists()


def test_another_machine_drops_what_was_retired_when_it_fetches(
    database: Mongo, here: Path, there: Path
) -> None:
    old, mapped, lately = (published(database, here, seed=seed, day=seed) for seed in (1, 2, 3))
    for version in (old, mapped, lately):
        fetch(database, version, folder=there)
    reader = load_bundle(there / mapped)
    new = published(database, here, seed=4, day=4)
    assert len(retire(database, folder=here, keep=1)) == 3
    for version in (old, mapped):
        os.utime(there / version / "lock", (0, time.time() - 2 * DAY))
    fetch(database, new, folder=there)
    assert {path.name for path in there.iterdir()} == {mapped, lately, new}
    assert reader.version == mapped


def test_what_a_killed_publisher_left_is_swept_after_a_day(database: Mongo, here: Path) -> None:
    version = published(database, here)
    store, path = FileStore(database, bucket="bundles"), here / version / "artists.npy"
    sha256 = load_bundle(here / version).manifest.files["artists.npy"].sha256
    store.put(path, group="half", name="artists.npy", sha256=sha256)
    killed = ObjectId()
    database["bundles.chunks"].insert_one({"files_id": killed, "n": 0, "data": b"half a file"})
    store.sweep(groups=[version])
    assert len(copies(database)) == 6
    store.sweep(groups=[version], now=datetime.now(UTC) + timedelta(days=2))
    assert len(copies(database)) == 5
    assert database["bundles.chunks"].count_documents({"files_id": killed}) == 0
    assert stored_manifest(database, version)
    fetch(database, version, folder=here.with_name("new"))


def test_a_file_that_changed_under_the_upload_is_not_stored(database: Mongo, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"changed")
    with pytest.raises(ValueError, match="does not match"):
        FileStore(database, bucket="bundles").put(tmp_path / "file", group="g", name="f", sha256="0" * 64)
    assert database["bundles.files"].count_documents({}) == 0
    assert database["bundles.chunks"].count_documents({}) == 0


def test_keeping_none_is_refused(database: Mongo, here: Path) -> None:
    with pytest.raises(ValueError, match="keep is 0"):
        retire(database, folder=here, keep=0)
