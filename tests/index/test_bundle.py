from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.index.bundle import BundleError, load_bundle, write_bundle
from segue.index.folders import hold, remove_left_overs, remove_unless_held
from segue.index.manifest import Manifest
from segue.index.track_ids import encode_ids
from segue.settings import ROOT
from tests.index.corpus import clustered, contents, write

FILES = ["index.ann", "vectors.npy", "track_ids.npy", "artists.npy", "cold_start.npy", "manifest.json"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The folder of a small bundle."""
    return tmp_path / write(tmp_path).version


def forge(bundle: Path, file: str | None = None, array: np.ndarray | None = None, **changed: Any) -> None:
    """Change a file, the manifest, or both, and seal it all again: what no checksum can show."""
    if file is not None and array is not None:
        np.save(bundle / file, array)
    document = Manifest.read(bundle).document() | changed
    for name in document["files"]:
        data = (bundle / name).read_bytes()
        document["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    Manifest.model_validate(document).write(bundle)


@pytest.mark.parametrize("backend", ["annoy", "voyager", "exact"])
def test_what_was_written_is_loaded(tmp_path: Path, backend: str) -> None:
    manifest = write(tmp_path, backend=backend, created_at=datetime(2024, 5, 1, tzinfo=UTC))
    loaded = load_bundle(tmp_path / manifest.version)
    assert loaded.manifest == manifest
    for name, array in contents().items():
        assert np.array_equal(getattr(loaded, name), array)
        assert getattr(loaded, name).dtype == array.dtype
    assert loaded.neighbours.query(loaded.vectors[:5], 1)[0][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_the_manifest_says_what_is_in_it(tmp_path: Path) -> None:
    manifest = write(tmp_path, trees=7, search_k=900, recall_queries=25)
    assert (manifest.count, manifest.dimension, manifest.trees, manifest.search_k) == (60, 8, 7, 900)
    assert (manifest.space, manifest.metric, manifest.recall_queries) == ("space1", "cosine", 25)
    assert manifest.recall20 > 0.9
    assert manifest.latency_ms > 0
    assert set(manifest.files) == set(FILES) - {"manifest.json"}


def test_the_arrays_are_mapped_and_cannot_be_changed(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    assert isinstance(loaded.vectors.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        loaded.vectors[0, 0] = 1


def test_unknown_ids_have_no_row(bundle: Path) -> None:
    assert load_bundle(bundle).rows(["t00007", "unknown", "", "t00000"]).tolist() == [7, -1, -1, 0]


@pytest.mark.parametrize("rows", [[-1], [60], [3, -1]])
def test_a_row_that_does_not_exist_has_no_id(bundle: Path, rows: list[int]) -> None:
    with pytest.raises(IndexError, match="the bundle has 0 to 59"):
        load_bundle(bundle).ids(rows)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    return folder / write(folder).version


@given(rows=st.lists(st.integers(0, 59)))
def test_rows_and_ids_are_each_others_inverse(shared: Path, rows: list[int]) -> None:
    loaded = load_bundle(shared)
    assert loaded.rows(loaded.ids(rows)).tolist() == rows


@pytest.mark.parametrize("file", FILES)
def test_a_flipped_byte_is_refused_by_the_name_of_its_file(bundle: Path, file: str) -> None:
    data = bytearray((bundle / file).read_bytes())
    place = data.index(b"recall20") + 12 if file == "manifest.json" else len(data) - 3
    data[place] ^= 1
    (bundle / file).write_bytes(data)
    with pytest.raises(BundleError, match=file):
        load_bundle(bundle)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_refused_by_its_name(bundle: Path, file: str) -> None:
    (bundle / file).unlink()
    with pytest.raises(BundleError, match=f"{file} is missing"):
        load_bundle(bundle)


@pytest.mark.parametrize("file", FILES)
def test_a_truncated_file_is_refused_by_its_name(bundle: Path, file: str) -> None:
    os.truncate(bundle / file, (bundle / file).stat().st_size // 2)
    with pytest.raises(BundleError, match=file):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"dimension": 9}, r"vectors.npy has the shape \(60, 8\) instead of \(60, 9\)"),
        ({"count": 61}, r"vectors.npy has the shape \(60, 8\) instead of \(61, 8\)"),
        ({"version": "another"}, "its manifest is of version another"),
        ({"format": 2}, "has the format 2 instead of 1"),
        ({"backend": "voyager"}, "its manifest lists"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(bundle: Path, changed: dict[str, Any], says: str) -> None:
    forge(bundle, **changed)
    for verify in (True, False):
        with pytest.raises(BundleError, match=says):
            load_bundle(bundle, verify=verify)


@pytest.mark.parametrize(
    ("file", "array", "says"),
    [
        ("track_ids.npy", contents()["track_ids"][::-1], "track_ids.npy: row 1 .* not in ascending order"),
        ("track_ids.npy", contents()["track_ids"][:50], r"track_ids.npy has the shape \(50,\)"),
        ("track_ids.npy", np.repeat(contents()["track_ids"][:30], 2), "not in ascending order"),
        ("artists.npy", contents()["artists"][:50], "artists.npy has the shape"),
        ("artists.npy", contents()["artists"].astype(float), "artists.npy is .* of float64"),
        ("cold_start.npy", np.array([3, 60], np.int32), "cold_start.npy names a row that is none of the 60"),
        ("vectors.npy", 2 * contents()["vectors"], "vectors.npy: row 0 has the length 2 instead of 1"),
        ("vectors.npy", contents()["vectors"].astype(float), "vectors.npy is of float64"),
        ("index.ann", None, "index.ann does not fit"),
    ],
)
def test_contents_that_do_not_fit_are_refused(
    bundle: Path, tmp_path: Path, file: str, array: np.ndarray | None, says: str
) -> None:
    if array is None:
        other = write(tmp_path / "other", **contents(count=50))
        shutil.copy(tmp_path / "other" / other.version / file, bundle / file)
    forge(bundle, file, array)
    with pytest.raises(BundleError, match=says):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"vectors": np.empty((0, 8), np.float32)}, "vectors.npy has the shape"),
        ({"vectors": np.full((60, 8), np.nan, np.float32)}, "row 0 has the length nan"),
        ({"track_ids": encode_ids(["", *map(str, range(100, 159))])}, "row 0 .* not in ascending order"),
        ({"artists": np.zeros(60)}, "artists.npy is"),
    ],
)
def test_unfit_contents_are_not_written(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(BundleError, match=says):
        write(tmp_path, **changed)
    assert not list(tmp_path.iterdir())


def test_the_same_corpus_has_the_same_version_and_is_not_written_again(tmp_path: Path) -> None:
    first = write(tmp_path, created_at=datetime(2024, 5, 1, tzinfo=UTC))
    inode = (tmp_path / first.version / "vectors.npy").stat().st_ino
    assert write(tmp_path) == first
    assert (tmp_path / first.version / "vectors.npy").stat().st_ino == inode


@pytest.mark.parametrize(
    "changed", [{"seed": 2}, {"space": "space2"}, {"trees": 11}, {"search_k": 50}, {"backend": "exact"}]
)
def test_another_corpus_or_setting_has_another_version(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert write(tmp_path).version != write(tmp_path, **changed).version


def test_a_setting_that_the_backend_does_not_know_changes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path, backend="exact").version == write(tmp_path, backend="exact", trees=99).version


def test_a_damaged_bundle_is_replaced_and_its_readers_go_on(bundle: Path, tmp_path: Path) -> None:
    reader = load_bundle(bundle)
    (bundle / "artists.npy").unlink()
    write(tmp_path)
    assert load_bundle(bundle).artists.tolist() == contents()["artists"].tolist()
    assert np.array_equal(reader.vectors, contents()["vectors"])


def test_an_error_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("segue.index.bundle.build_index", full)
    with pytest.raises(BundleError, match="cannot be written: No space left on device"):
        write(tmp_path)
    assert not list(tmp_path.iterdir())


KILLED_WHILE_BUILDING = """
import sys, time, pathlib
import segue.index.bundle as bundle
from tests.index.corpus import write
def never(*_, **__):
    print("building", flush=True)
    time.sleep(60)
bundle.build_index = never
write(pathlib.Path(sys.argv[1]))
"""


def test_a_kill_in_the_middle_leaves_no_half_bundle(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_BUILDING, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    [left_over] = tmp_path.iterdir()
    assert left_over.name.startswith(".")

    version = write(tmp_path).version
    assert load_bundle(tmp_path / version).version == version
    remove_left_overs(tmp_path)
    assert left_over.exists()  # it could be another writer's
    os.utime(left_over, (0, time.time() - 48 * 3600))
    remove_left_overs(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [version]


def test_several_writers_at_once_leave_one_bundle(tmp_path: Path) -> None:
    writers = [threading.Thread(target=write, args=(tmp_path,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    [path] = tmp_path.iterdir()
    load_bundle(path)


def test_a_bundle_goes_only_when_nobody_reads_it(bundle: Path) -> None:
    first, second = load_bundle(bundle), load_bundle(bundle)
    assert not remove_unless_held(bundle)
    del first
    assert not remove_unless_held(bundle)
    assert second.ids([0]) == ["t00000"]
    del second
    assert remove_unless_held(bundle)
    assert not list(bundle.parent.iterdir())


def test_a_refused_bundle_is_not_held(bundle: Path) -> None:
    os.truncate(bundle / "artists.npy", 10)
    with pytest.raises(BundleError):
        load_bundle(bundle)
    assert remove_unless_held(bundle)


def test_a_reader_that_comes_while_it_is_removed_is_told(bundle: Path) -> None:
    with hold(bundle):
        moved = bundle.rename(bundle.with_name("moved"))
    with pytest.raises(BundleError, match="no index bundle"):
        load_bundle(bundle)
    assert load_bundle(moved, version=bundle.name)


class TestVerifiedOnce:
    """A machine's second reader trusts the stamp of the first, until a file is touched."""

    @pytest.fixture
    def stamped(self, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr("segue.index.checksums._SETTLED_NS", 0)
        load_bundle(bundle)
        assert (bundle / "verified.json").exists()
        return bundle

    def test_the_second_reader_does_not_read_every_byte(
        self, stamped: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read(path: Path) -> None:
            raise AssertionError(f"{path} was read again")

        monkeypatch.setattr("segue.index.checksums.file_sum", read)
        load_bundle(stamped)

    def test_a_file_changed_afterwards_is_refused(self, stamped: Path) -> None:
        time.sleep(0.02)
        with (stamped / "artists.npy").open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\x7f")
        with pytest.raises(BundleError, match=r"artists.npy does not match"):
            load_bundle(stamped)

    def test_a_stamp_that_is_no_stamp_counts_for_nothing(self, stamped: Path) -> None:
        (stamped / "verified.json").write_text("{")
        load_bundle(stamped)
        assert json.loads((stamped / "verified.json").read_text())

    def test_a_folder_just_written_is_not_stamped_yet(self, bundle: Path) -> None:
        load_bundle(bundle)
        assert not (bundle / "verified.json").exists()


def test_loading_by_text_and_path_is_the_same(bundle: Path) -> None:
    assert load_bundle(str(bundle)).version == load_bundle(bundle).version


def test_a_large_catalogue_is_searched_where_it_lies(tmp_path: Path) -> None:
    """rows() must not copy the mapped ids: that would cost each micro-batch the size of the catalogue."""
    count = 200_000
    manifest = write_bundle(
        tmp_path,
        vectors=clustered(count, 2),
        track_ids=encode_ids([f"{row:032d}" for row in range(count)]),
        artists=np.zeros(count, np.int32),
        cold_start=np.zeros(1, np.int32),
        space="s",
        backend="exact",
        recall_queries=1,
    )
    loaded = load_bundle(tmp_path / manifest.version)
    wanted = [f"{row:032d}" for row in range(0, count, 20_000)] + ["x" * 40]
    loaded.rows(wanted)
    began = time.perf_counter()
    for _ in range(100):
        rows = loaded.rows(wanted)
    assert (time.perf_counter() - began) / 100 < 0.001
    assert rows.tolist() == [*range(0, count, 20_000), -1]
