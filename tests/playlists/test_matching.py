"""Which track a line of a playlist means."""

from __future__ import annotations

import pytest

from segue.playlists.m3u import Entry
from segue.playlists.matching import Candidate, alike, best, match

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
    assert found.track_ids == ("other", "live")
    assert [entry.title for entry in found.unmatched] == ["None"]
