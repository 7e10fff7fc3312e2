"""Every way in which a bundle can be unfit is refused, by the name of the file."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.index.bundle import BundleError, load_bundle
from segue.index.manifest import Manifest
from segue.index.track_ids import encode_ids
from segue.index.transition_rules import RuleTable
from tests.index.corpus import columns, write

FILES = ["index.ann", "vectors.npy", "track_ids.npy", "artists.npy", "cold_start.npy", "manifest.json"]


def forge(bundle: Path, file: str | None = None, array: np.ndarray | None = None, **changed: Any) -> None:
    """Change a file, the manifest, or both, and compute its checksums again, so that they show no fault."""
    if file is not None and array is not None:
        np.save(bundle / file, array)
    document = Manifest.read(bundle).model_dump(mode="json") | changed
    for name in document["files"]:
        data = (bundle / name).read_bytes()
        document["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    Manifest.model_validate(document).write(bundle)


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
        ({"backend": "voyager", "parameters": {"ef": 0}}, "its manifest lists"),
        ({"backend": "voyager"}, "ef of the backend voyager"),
        ({"backend": "faiss"}, "no neighbour backend 'faiss'"),
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
        ("track_ids.npy", columns()["track_ids"][::-1], "track_ids.npy: row 1 .* not in ascending order"),
        ("track_ids.npy", columns()["track_ids"][:50], r"track_ids.npy has the shape \(50,\)"),
        ("track_ids.npy", np.repeat(columns()["track_ids"][:30], 2), "not in ascending order"),
        ("artists.npy", columns()["artists"][:50], "artists.npy has the shape"),
        ("artists.npy", columns()["artists"].astype(float), "artists.npy is .* of float64"),
        (
            "cold_start.npy",
            np.array([3, 60], np.int32),
            "cold_start.npy names a row that is not one of the 60",
        ),
        ("vectors.npy", 2 * columns()["vectors"], "vectors.npy: row 0 has the length 2 instead of 1"),
        ("vectors.npy", columns()["vectors"].astype(float), r"vectors.npy is \(60, 8\) of float64"),
        ("index.ann", None, "index.ann does not fit"),
    ],
)
def test_contents_that_do_not_fit_are_refused(
    bundle: Path, tmp_path: Path, file: str, array: np.ndarray | None, says: str
) -> None:
    if array is None:
        other = write(tmp_path / "other", **columns(count=50))
        shutil.copy(tmp_path / "other" / other.version / file, bundle / file)
    forge(bundle, file, array)
    with pytest.raises(BundleError, match=says):
        load_bundle(bundle)


def test_transition_rules_without_one_of_their_files_are_refused(tmp_path: Path) -> None:
    bounds = np.zeros(61, np.int64)
    rules = RuleTable(bounds, np.empty(0, np.int32), np.empty(0, np.float32))
    bundle = tmp_path / write(tmp_path, transition_rules=rules).version
    document = Manifest.read(bundle).model_dump(mode="json")
    del document["files"]["following_rows.npy"]
    Manifest.model_validate(document).write(bundle)
    with pytest.raises(BundleError, match="its manifest lists"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"songs": np.zeros(59, np.int32)}, r"songs.npy has the shape \(59,\) instead of \(60,\)"),
        ({"songs": np.zeros(60)}, "songs.npy is .* of float64"),
        (
            {"transition_rules": RuleTable(np.zeros(5, np.int64), *2 * [np.empty(0, np.int32)])},
            "following_bounds",
        ),
        (
            {"artist_tracks": RuleTable(np.zeros(5, np.int64), *2 * [np.empty(0, np.int32)])},
            "by_artist_bounds",
        ),
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
