"""FMA's tables in small, with their two header rows."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from segue.catalog.fma import FmaTrack, find_layout, number_of, path_of, read_metadata
from segue.catalog.library import find_music
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
        genres=("Pop", "Experimental Pop"),
        tags=("lo-fi", "bedroom"),
        listens=50135,
        seconds=161,
        subset="large",
        licence="Attribution-NonCommercial-NoDerivatives",
        year=2008,
        number=1,
    )
    assert tracks[140] == FmaTrack(
        title="Queen's Square",
        artist="Alec K.",
        album=None,
        genres=("Folk",),
        listens=1299,
        seconds=253,
        subset="small",
    )


def test_a_genre_brings_those_that_it_belongs_to_and_a_circle_ends(tmp_path: Path) -> None:
    layout = find_layout(fma(tmp_path))
    assert layout is not None
    (layout.metadata / "tracks.csv").write_text(
        ",album,artist,track,track,track\n,title,name,genre_top,genres,title\ntrack_id,,,,,\n"
        '1,A,B,,"[31]",Deep\n2,A,B,,"[8]",Round\n'
    )
    (layout.metadata / "genres.csv").write_text(
        "genre_id,#tracks,parent,title,top_level\n"
        "12,1,0,Rock,12\n25,1,12,Punk,12\n31,1,25,Hardcore,12\n8,1,9,Egg,8\n9,1,8,Hen,8\n"
    )
    tracks = read_metadata(layout)
    assert tracks[1].genres == ("Hardcore", "Punk", "Rock")
    assert tracks[2].genres == ("Egg", "Hen")
    assert tracks[1].tags == () and tracks[1].listens is None  # an edition without these columns


def test_a_table_of_another_kind_is_named(tmp_path: Path) -> None:
    layout = find_layout(fma(tmp_path))
    assert layout is not None
    (layout.metadata / "tracks.csv").write_text("track_id,title\n1,Food\n1,Food\n")
    with pytest.raises(SegueError, match=r"is not FMA's tracks.csv"):
        read_metadata(layout)


def test_another_library_has_no_layout(tmp_path: Path) -> None:
    assert find_layout(tmp_path) is None
    assert number_of(PurePosixPath("000/000002.mp3")) == 2
    assert path_of(155000) == PurePosixPath("155/155000.mp3")
    assert number_of(PurePosixPath("000/cover.mp3")) is None


def test_an_archive_that_was_unpacked_into_a_folder_of_its_own(tmp_path: Path) -> None:
    root = fma(tmp_path / "fma")
    before = find_music(root, library="fma", layout=find_layout(root))
    (root / "fma_small").rename(root / "inner")
    (root / "fma_small").mkdir()
    (root / "inner").rename(root / "fma_small" / "fma_small")
    after = find_music(root, library="fma", layout=find_layout(root))
    assert after.files.keys() == before.files.keys()
