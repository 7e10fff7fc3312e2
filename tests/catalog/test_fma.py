"""FMA's tables in small, with their two header rows."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from segue.catalog.fma import FmaTrack, find_layout, number_of, place_of, read_metadata
from segue.errors import SegueError
from tests.catalog.library import fma


def test_the_tables_are_joined_by_track_number(tmp_path: Path) -> None:
    layout = find_layout(fma(tmp_path))
    assert layout is not None and [folder.name for folder in layout.audio] == ["fma_large", "fma_small"]
    tracks = read_metadata(layout)
    assert sorted(tracks) == [2, 5, 10, 140, 155000]
    assert tracks[10] == FmaTrack(
        title="Freeway",
        artist="Kurt Vile",
        album="Constant Hitmaker",
        genres=("Experimental Pop", "Pop"),  # the second is what the first belongs to
        tags=("lo-fi",),
        listens=50135,
        duration_ms=161_000,
        subset="large",
        licence="CC BY",
    )
    assert tracks[140] == FmaTrack(
        title="Queen's Square", artist="Alec K.", album=None, genres=("Folk",), subset="large"
    )
    assert tracks[2].tags == ("crew",)


def test_a_table_with_fewer_columns_will_do(tmp_path: Path) -> None:
    layout = find_layout(fma(tmp_path))
    assert layout is not None
    (layout.metadata / "tracks.csv").write_text(",artist,track\n,name,title\ntrack_id,,\n2,AWOL,Food\n")
    assert read_metadata(layout) == {2: FmaTrack(title="Food", artist="AWOL", album=None, genres=())}


def test_a_table_of_another_kind_is_named(tmp_path: Path) -> None:
    layout = find_layout(fma(tmp_path))
    assert layout is not None
    (layout.metadata / "tracks.csv").write_text("track_id,title\n1,Food\n1,Food\n")
    with pytest.raises(SegueError, match=r"is not FMA's tracks.csv"):
        read_metadata(layout)


def test_another_library_has_no_layout(tmp_path: Path) -> None:
    assert find_layout(tmp_path) is None
    assert number_of(PurePosixPath("000/000002.mp3")) == 2
    assert number_of(PurePosixPath("000/cover.mp3")) is None
    assert place_of(155000) == PurePosixPath("155/155000.mp3")
