"""A bundle appears whole or not at all, is held by its readers, and is verified once a machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from segue.index.bundle import BundleError, load_bundle
from segue.index.folders import Hold, remove_left_overs, remove_unless_held
from segue.places import ROOT
from tests.index.corpus import columns, write


def test_a_damaged_bundle_is_replaced_and_its_readers_go_on(bundle: Path, tmp_path: Path) -> None:
    reader = load_bundle(bundle)
    (bundle / "artists.npy").unlink()
    write(tmp_path)
    assert load_bundle(bundle).artists.tolist() == columns()["artists"].tolist()
    assert np.array_equal(reader.vectors, columns()["vectors"])


def test_an_error_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("segue.index.annoy_index.AnnoyBackend.build", full)
    with pytest.raises(BundleError, match="cannot be written: No space left on device"):
        write(tmp_path)
    assert not list(tmp_path.iterdir())


KILLED_WHILE_BUILDING = """
import sys, time, pathlib
from segue.index.annoy_index import AnnoyBackend
from tests.index.corpus import write
def never(*_, **__):
    print("building", flush=True)
    time.sleep(60)
AnnoyBackend.build = never
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
    with ThreadPoolExecutor(4) as writers:
        manifests = list(writers.map(write, [tmp_path] * 4))
    [path] = tmp_path.iterdir()
    assert {one.version for one in manifests} == {path.name}
    assert load_bundle(path).manifest in manifests


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
    with closing(Hold(bundle)):
        moved = bundle.rename(bundle.with_name("moved"))
    with pytest.raises(BundleError, match="is not an index bundle"):
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
