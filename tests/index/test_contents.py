"""The schema of the bundle: a field declared once is written, loaded, checked, hashed and documented."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from segue.index.bundle import Bundle, BundleError
from segue.index.contents import COLUMNS, Contents
from segue.index.track_index import TrackIndex
from segue.places import ROOT
from tests.index.corpus import columns


def test_the_documentation_has_every_file_of_every_column() -> None:
    text = (ROOT / "docs" / "reference" / "index-bundle.md").read_text()
    for name, column in COLUMNS.items():
        files = ", ".join(f"`{file}`" for file in column.files(name))
        assert f"| {files} | {column.description} |" in text


def test_every_field_of_contents_is_a_column_and_every_column_is_in_a_bundle() -> None:
    assert {one.name for one in fields(Contents)} - {"absent"} == COLUMNS.keys()
    assert COLUMNS.keys() < {one.name for one in fields(Bundle)}


def test_files_and_contents_are_each_others_inverse() -> None:
    contents = Contents(**columns(), songs=np.arange(60, dtype=np.int32))
    again = Contents.of_files(contents.arrays())
    assert (
        again.absent
        == contents.absent
        == {
            "transition_rules",
            "artist_tracks",
            "indexed_rows",
            "other_artists",
        }
    )
    assert again.arrays().keys() == contents.arrays().keys()
    assert all(again.arrays()[file] is array for file, array in contents.arrays().items())


def test_an_optional_column_that_is_left_out_is_filled_but_not_written() -> None:
    contents = Contents(**columns())
    assert contents.songs.tolist() == [-1] * 60
    assert contents.transition_rules is None
    assert "songs.npy" not in contents.arrays()
    assert "songs.npy" in replace(contents, songs=np.arange(60, dtype=np.int32)).arrays()


def test_an_index_in_memory_finds_rows_ids_and_neighbours() -> None:
    index = TrackIndex.in_memory(Contents(**columns()), version="v7")
    assert index.version == "v7"
    assert index.rows(["t00007", "unknown"]).tolist() == [7, -1]
    assert index.ids([7]) == ["t00007"]
    assert index.neighbours.query(index.vectors[:5], 1)[0][:, 0].tolist() == [0, 1, 2, 3, 4]
    assert index.songs.tolist() == [-1] * 60


def test_an_index_in_memory_is_checked() -> None:
    with pytest.raises(BundleError, match=r"artists.npy has the shape \(59,\)"):
        TrackIndex.in_memory(Contents(**columns() | {"artists": np.zeros(59, np.int32)}))
