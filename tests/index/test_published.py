"""Publishing and fetching, against a real MongoDB."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bson import ObjectId
from pymongo.database import Database

from segue.index.active import ActiveBundle
from segue.index.backends import BACKENDS
from segue.index.bundle import BundleError, load_bundle
from segue.index.folders import remove_left_overs
from segue.index.published import PublishedBundles
from segue.settings import Settings
from segue.storage.files import FileStore
from segue.storage.mongo import Document, connect
from segue.storage.store import Store
from tests.index.corpus import backend_named, published, stored_files, write

pytestmark = pytest.mark.integration
Mongo = Database[Document]
DAY = 24 * 3600


def test_a_published_version_is_active_and_described(
    database: Mongo, bundles: PublishedBundles, here: Path
) -> None:
    version = published(database, here)
    model = database.models.find_one({"_id": f"index:{version}"})
    assert model
    assert bundles.active_version() == version
    assert (model["kind"], model["version"], model["path"]) == ("index", version, str(here / version))
    assert model["created_at"] == datetime(2024, 5, 1, tzinfo=UTC)
    assert model["manifest"]["recall20"] > 0.9
    assert model["cold_start"][:3] == ["t00000", "t00007", "t00014"]


def test_publishing_again_stores_nothing_again(database: Mongo, here: Path) -> None:
    published(database, here)
    before = list(database["bundles.files"].find())
    published(database, here)
    assert list(database["bundles.files"].find()) == before


def test_publishing_goes_on_where_a_crash_ended_it(
    database: Mongo, bundles: PublishedBundles, here: Path, there: Path
) -> None:
    manifest = write(here)
    store = FileStore(Store(database), bucket="bundles")
    vectors = manifest.files["vectors.npy"]
    store.put(
        here / manifest.version / "vectors.npy",
        group=manifest.version,
        name="vectors.npy",
        sha256=vectors.sha256,
    )
    assert bundles.whole_manifest(manifest.version) is None
    assert bundles.active_version() is None
    bundles.publish(here / manifest.version)
    assert len(stored_files(database)) == 5
    assert bundles.load(manifest.version, folder=there).manifest == manifest


def test_a_lost_file_is_stored_again(database: Mongo, bundles: PublishedBundles, here: Path) -> None:
    version = published(database, here)
    database["bundles.files"].delete_one({"filename": f"{version}/index.ann"})
    assert bundles.whole_manifest(version) is None
    published(database, here)
    assert bundles.whole_manifest(version)


def test_an_unfit_bundle_is_not_published(database: Mongo, bundles: PublishedBundles, here: Path) -> None:
    version = published(database, here)
    other = write(here, seed=2).version
    os.truncate(here / other / "index.ann", 100)
    with pytest.raises(BundleError, match=r"index\.ann"):
        bundles.publish(here / other)
    assert bundles.active_version() == version
    assert database.models.count_documents({"kind": "index"}) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_machine_without_the_version_fetches_it(
    database: Mongo, bundles: PublishedBundles, here: Path, there: Path, backend: str
) -> None:
    version = published(database, here, backend=backend_named(backend))
    fetched, built = (bundles.load(version, folder=folder) for folder in (there, here))
    assert fetched.manifest == built.manifest
    for one, other in zip(
        fetched.neighbours.query(built.vectors, 5), built.neighbours.query(built.vectors, 5), strict=True
    ):
        assert one.tobytes() == other.tobytes()
    assert (there / version / "manifest.json").read_bytes() == (here / version / "manifest.json").read_bytes()


def test_a_version_that_is_there_is_not_fetched(bundles: PublishedBundles, here: Path) -> None:
    version = write(here).version
    assert bundles.fetch(version, folder=here) == here / version


def test_a_version_that_nobody_has_is_said(bundles: PublishedBundles, there: Path) -> None:
    with pytest.raises(BundleError, match=r"index nowhere is neither in .* nor in MongoDB"):
        bundles.fetch("nowhere", folder=there)


def test_a_damaged_copy_in_mongodb_is_refused_and_leaves_nothing(
    database: Mongo, bundles: PublishedBundles, here: Path, there: Path
) -> None:
    version = published(database, here)
    [file] = database["bundles.files"].find({"filename": f"{version}/vectors.npy"})
    [chunk] = database["bundles.chunks"].find({"files_id": file["_id"]})
    damaged = bytearray(chunk["data"])
    damaged[-1] ^= 1
    database["bundles.chunks"].update_one({"_id": chunk["_id"]}, {"$set": {"data": bytes(damaged)}})
    with pytest.raises(BundleError, match=r"vectors\.npy does not match its checksum"):
        bundles.fetch(version, folder=there)
    assert not list(there.iterdir())


@pytest.mark.parametrize("lost", ["bundles.files", "bundles.chunks"])
def test_a_copy_with_a_part_missing_is_refused(
    database: Mongo, bundles: PublishedBundles, here: Path, there: Path, lost: str
) -> None:
    version = published(database, here)
    database[lost].delete_one({})
    with pytest.raises(BundleError, match="cannot be fetched"):
        bundles.fetch(version, folder=there)
    assert not list(there.iterdir())


def _truncated(folder: Path) -> None:
    os.truncate(folder / "artists.npy", 20)


def _without_a_file(folder: Path) -> None:
    (folder / "vectors.npy").unlink()


def _with_wrong_bytes(folder: Path) -> None:
    wrong = bytearray((folder / "vectors.npy").read_bytes())
    wrong[-3] ^= 0xFF
    (folder / "vectors.npy").write_bytes(wrong)


def _with_a_bad_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": [1]}')


def _without_a_lock(folder: Path) -> None:
    (folder / "lock").unlink()


def _a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


DAMAGES = (_truncated, _without_a_file, _with_wrong_bytes, _with_a_bad_manifest, _without_a_lock, _a_file)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_put_aside_and_fetched_again(
    database: Mongo,
    bundles: PublishedBundles,
    here: Path,
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    version = published(database, here)
    damage(here / version)
    assert bundles.load(version, folder=here).manifest.version == version
    [line] = [record.getMessage() for record in caplog.records]
    assert f"{here / version}" in line and "MongoDB's copy" in line
    [aside] = here.glob(f".{version}.*.damaged")
    assert str(aside) in line
    caplog.clear()
    assert bundles.load(version, folder=here).manifest.version == version
    assert not caplog.records


def test_a_folder_that_is_put_aside_stays_for_a_day(
    database: Mongo, bundles: PublishedBundles, here: Path
) -> None:
    version = published(database, here)
    _truncated(here / version)
    bundles.load(version, folder=here)
    [aside] = here.glob(".*.damaged")
    remove_left_overs(here)
    assert aside.exists()
    os.utime(aside, (0, 0))
    remove_left_overs(here)
    assert not aside.exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_folder_without_another_copy_stays_and_is_refused(
    bundles: PublishedBundles, here: Path, damage: Callable[[Path], None]
) -> None:
    version = write(here).version
    damage(here / version)
    before = sorted(path.name for path in here.iterdir())
    with pytest.raises(BundleError, match=rf"{version}.*and from MongoDB: .*run \./run\.sh index build"):
        bundles.load(version, folder=here)
    assert sorted(path.name for path in here.iterdir()) == before


def test_without_a_fit_copy_anywhere_the_one_before_is_used(
    database: Mongo, here: Path, there: Path, caplog: pytest.LogCaptureFixture
) -> None:
    versions = [published(database, here, seed=day, day=day) for day in (1, 2, 3)]
    database["bundles.files"].delete_many({"filename": f"{versions[2]}/vectors.npy"})
    database.models.update_one({"_id": f"index:{versions[1]}"}, {"$set": {"manifest": "damaged"}})
    active = ActiveBundle(Store(database), folder=str(there), every=0)
    assert active.current().version == active.version == versions[0]
    assert active.refused == versions[2]
    [line] = [text for record in caplog.records if " is refused, " in (text := record.getMessage())]
    assert f"index {versions[2]} is refused, {versions[0]} is used" in line
    assert active.current().version == versions[0]
    newest = published(database, here, seed=4, day=4)
    assert active.current().version == newest
    assert active.refused is None


def _fetch_in_process(settings: Settings, version: str, folder: Path) -> str:
    return PublishedBundles(Store(connect(settings.mongo))).load(version, folder=folder).version


def test_several_processes_fetch_at_once(
    database: Mongo, settings: Settings, here: Path, there: Path
) -> None:
    version = published(database, here)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        versions = pool.starmap(_fetch_in_process, [(settings, version, there)] * 6)
    assert versions == [version] * 6
    assert [path.name for path in there.iterdir()] == [version]


def test_several_publishers_at_once(bundles: PublishedBundles, here: Path, there: Path) -> None:
    manifest = write(here)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bundles.publish(here / manifest.version), range(4)))
    assert bundles.load(manifest.version, folder=there).manifest == manifest


def test_left_over_files_of_a_killed_publisher_are_removed_after_a_day(
    database: Mongo, bundles: PublishedBundles, here: Path
) -> None:
    version = published(database, here)
    store, path = FileStore(Store(database), bucket="bundles"), here / version / "artists.npy"
    sha256 = load_bundle(here / version).manifest.files["artists.npy"].sha256
    store.put(path, group="half", name="artists.npy", sha256=sha256)
    killed = ObjectId()
    database["bundles.chunks"].insert_one({"files_id": killed, "n": 0, "data": b"half a file"})
    store.sweep(groups=[version])
    assert len(stored_files(database)) == 6
    store.sweep(groups=[version], now=datetime.now(UTC) + timedelta(days=2))
    assert len(stored_files(database)) == 5
    assert database["bundles.chunks"].count_documents({"files_id": killed}) == 0
    assert bundles.whole_manifest(version)
    bundles.fetch(version, folder=here.with_name("new"))


def test_a_file_that_changed_under_the_upload_is_not_stored(database: Mongo, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"changed")
    with pytest.raises(ValueError, match="does not match"):
        FileStore(Store(database), bucket="bundles").put(
            tmp_path / "file", group="g", name="f", sha256="0" * 64
        )
    assert database["bundles.files"].count_documents({}) == 0
    assert database["bundles.chunks"].count_documents({}) == 0


def test_a_version_whose_pieces_are_gone_is_stored_again(
    database: Mongo, bundles: PublishedBundles, here: Path, there: Path
) -> None:
    version = published(database, here)
    file = database["bundles.files"].find_one({"filename": f"{version}/vectors.npy"})
    assert file and bundles.whole_manifest(version) is not None
    database["bundles.chunks"].delete_many({"files_id": file["_id"]})
    assert bundles.whole_manifest(version) is None
    bundles.publish(here / version)
    assert bundles.whole_manifest(version) is not None
    assert bundles.load(version, folder=there).manifest.version == version


def test_a_piece_that_was_cut_short_is_noticed(
    database: Mongo, bundles: PublishedBundles, here: Path
) -> None:
    version = published(database, here)
    database["bundles.chunks"].update_one({}, {"$set": {"data": b"x"}})
    assert bundles.whole_manifest(version) is None


def test_rolling_back_goes_to_the_previous_usable_version(
    database: Mongo, bundles: PublishedBundles, here: Path
) -> None:
    versions = [published(database, here, seed=day, day=day) for day in (1, 2, 3, 4)]
    assert bundles.roll_back(folder=here).version == versions[2] == bundles.active_version()
    (here / versions[1] / "vectors.npy").write_bytes(b"damaged")
    database["bundles.files"].delete_many({"filename": f"{versions[1]}/vectors.npy"})
    assert bundles.roll_back(folder=here).version == versions[0] == bundles.active_version()
    with pytest.raises(BundleError, match="no usable index before"):
        bundles.roll_back(folder=here)
    assert bundles.active_version() == versions[0]
    assert bundles.publish(here / versions[3]).version == bundles.active_version()


def test_there_is_nothing_to_go_back_to_before_the_first(bundles: PublishedBundles, here: Path) -> None:
    with pytest.raises(BundleError, match=r"run \./run\.sh index"):
        bundles.roll_back(folder=here)
