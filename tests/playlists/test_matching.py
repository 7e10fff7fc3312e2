"""Which track a line of a playlist means."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from segue.catalog.matching import folded_title
from segue.catalog.track_records import MatchableTrack
from segue.playlists import matching
from segue.playlists.entries import Entry
from segue.playlists.m3u import read_playlist
from segue.playlists.matching import alike, best, match


def Candidate(  # noqa: N802
    *, track_id: str, title: str, artist: str, seconds: float | None, path: str = "", **others: Any
) -> MatchableTrack:
    length = None if seconds is None else round(seconds * 1000)
    fields: dict[str, Any] = {"artists": (), "album": None} | others
    return MatchableTrack(
        track_id=track_id, title=title, artist=artist, duration_ms=length, path=path, **fields
    )


STUDIO = Candidate(track_id="studio", title="Under Pressure", artist="Queen", seconds=246)
LIVE = Candidate(track_id="live", title="Under Pressure (Live)", artist="Queen", seconds=221)
OTHER = Candidate(track_id="other", title="Pressure", artist="Subtropic Unit", seconds=246)
ALL = [STUDIO, LIVE, OTHER]


@pytest.mark.parametrize(
    ("title", "artist", "seconds", "found"),
    [
        ("Under Pressure", "Queen", 245.0, "studio"),
        ("Under Pressure", "Queen", 220.0, "live"),
        ("UNDER PRESURE", "queen", None, "live"),
        ("Under Pressure", "Queen", 900.0, "live"),
        ("Under Pressure", "Metallica", 246.0, None),
        ("Radio Ga Ga", "Queen", 246.0, None),
        ("Queen Under Pressure", None, 247.0, "studio"),
        ("Under Pressure", None, 900.0, None),
    ],
)
def test_title_artist_and_length(
    title: str, artist: str | None, seconds: float | None, found: str | None
) -> None:
    assert best(Entry(title=title, artist=artist, seconds=seconds), ALL) == found


def test_brackets_accents_and_case_do_not_count_but_nothing_is_like_everything() -> None:
    assert alike("Hoppípolla (Remastered) [2005]", "HOPPIPOLLA") == 1.0
    assert alike("(...)", "[x]") == 0.0


def test_the_unmatched_are_told_and_the_order_is_kept() -> None:
    entries = [
        Entry(title="Pressure", artist="Subtropic Unit"),
        Entry(title="None"),
        Entry(title="Under Pressure", artist="Queen"),
    ]
    found = match(entries, candidates=lambda entry: ALL)
    assert found.track_ids == ("other", "studio")
    assert [entry.title for entry in found.unmatched] == ["None"]


def _hallelujah(track_id: str, artist: str, path: str = "") -> MatchableTrack:
    return Candidate(track_id=track_id, title="Hallelujah", artist=artist, seconds=200.0, path=path)


def test_a_folder_names_the_artist() -> None:
    candidates = [_hallelujah("1", "Leonard Cohen"), _hallelujah("2", "Jeff Buckley")]
    (entry,) = read_playlist(b"Jeff Buckley/Grace/06 Hallelujah.mp3").entries
    assert best(entry, candidates) == "2"
    (windows,) = read_playlist(b"D:\\Music\\Leonard Cohen\\Hallelujah.mp3").entries
    assert best(windows, candidates) == "1"


def test_title_and_artist_in_either_order() -> None:
    by = Candidate(track_id="1", title="Noël", artist="Marie-Michèle Desrosiers", seconds=257.0)
    (entry,) = read_playlist("#EXTINF:257,Noël - Marie-Michèle Desrosiers\n06 Noël.m4a".encode()).entries
    assert best(entry, [by]) == "1"
    swapped = Candidate(track_id="2", title="Queen", artist="Pressure", seconds=200.0)
    straight = Candidate(track_id="3", title="Pressure", artist="Queen", seconds=200.0)
    (both,) = read_playlist(b"#EXTINF:200,Queen - Pressure\na.mp3").entries
    assert best(both, [swapped, straight]) == "3"
    (dashes,) = read_playlist(b"#EXTINF:200,Ada - B - C\na.mp3").entries
    assert best(dashes, [Candidate(track_id="4", title="C", artist="Ada - B", seconds=200.0)]) == "4"


def test_a_path_of_the_library_is_known() -> None:
    path = "/m/Queen/Hot Space/01.mp3"
    there = Candidate(track_id="1", title="Staying Power", artist="Queen", seconds=1.0, path=path)
    other = Candidate(track_id="2", title="01", artist="Nobody", seconds=1.0, path="/m/Nobody/x/01.mp3")
    (entry,) = read_playlist(b"Queen/Hot Space/01.mp3").entries
    assert best(entry, [other, there]) == "1"
    accents = Candidate(track_id="3", title="x", artist="y", seconds=1.0, path="/m/Beyonce\u0301/A/01.flac")
    (composed,) = read_playlist("Beyonc\u00e9/A/01.flac".encode()).entries
    assert best(composed, [accents]) == "3"


def test_one_of_several_artists_is_enough() -> None:
    duet = Candidate(track_id="1", title="T", artist="Ada & Ben", artists=("Ada", "Ben"), seconds=None)
    assert best(Entry(title="T", artist="Ben"), [duet]) == "1"


def test_an_artist_of_signs_alone_counts() -> None:
    candidates = [
        Candidate(track_id="1", title="Intensify", artist="???", seconds=None),
        Candidate(track_id="2", title="Intensify", artist="!!!", seconds=None),
    ]
    assert best(Entry(title="Intensify", artist="!!!"), candidates) == "2"


def test_names_full_of_brackets_take_no_long_time() -> None:
    before = time.process_time()
    assert alike("(" * 200_000, "[" * 200_000) == 0
    assert alike("One (live)" + "(" * 200_000, "One") == 1
    assert time.process_time() - before < 5  # in quadratic time: minutes


def test_names_are_folded_once_for_all_candidates() -> None:
    """A file names thousands of songs, each of which is compared with dozens of tracks."""
    entry = Entry(title="Under - Pressure (ft. Mira)", artist="Queen", described=True)

    def folded(candidates: int) -> tuple[int, int]:
        folded_title.cache_clear()
        matching._bare.cache_clear()
        best(entry, [replace(STUDIO, track_id=f"t{number}") for number in range(candidates)])
        return folded_title.cache_info().misses, matching._bare.cache_info().misses

    assert folded(20) == folded(1)


def test_only_the_folders_around_a_file_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def comparing(a: str, b: str) -> float:
        compared.append(a)
        return alike(a, b)

    monkeypatch.setattr(matching, "alike", comparing)
    near = Entry(title="Under Pressure", location="x/Queen/Album/CD 1/01 Under Pressure.mp3")
    assert best(near, [STUDIO]) == "studio"
    assert "queen" in compared
    compared.clear()
    far = Entry(title="Under Pressure", location="a/" * 4000 + "01 Under Pressure.mp3")
    assert best(far, [STUDIO]) == "studio"
    assert len(compared) < 100
