"""Faults that other servers that take scrobbles had: lengths, ids, credits and spellings of songs."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

from segue.catalog.track import MusicBrainzIds, Track, TrackDetails
from segue.catalog.tracks import Tracks
from segue.dashboard.services import Services
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.listenbrainz.conftest import Program
from tests.listenbrainz.test_submissions import DAY, beside, listen

pytestmark = pytest.mark.integration
R1, T1 = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2))
SECONDS = 215


def made(own: str, title: str, *artists: str, seconds: int = SECONDS, **more: Any) -> Track:
    return Track(
        track_id=own,
        library="home",
        path=f"/music/{own}.flac",
        title=title,
        artist=more.pop("credit", ", ".join(artists)),
        album=more.pop("album", None),
        genres=(),
        duration_ms=seconds * 1000,
        track=None,
        year=None,
        cover_id=None,
        size=1,
        modified_ns=1,
        details=TrackDetails(artists=artists, **more),
    )


@pytest.fixture
def library(database: Database[Document]) -> Store:
    """Songs whose names are easily taken for others."""
    store = Store(database)
    Tracks(store).write(
        [
            made("salt-and-stone", "Tide", "Salt & Stone"),
            made("salt", "Tide", "Salt"),
            made("stone", "Tide", "Stone"),
            made("s-o", "Tide", "S/O"),
            made("s", "Tide", "S"),
            made("with-mira", "Tide", "Salt & Stone", "Mira", seconds=300, credit="Salt & Stone feat. Mira"),
            made("two", "Ember", "Lumen", "Kaya", credit="Lumen & Kaya"),
            made("joined", "Cinder", "Lumen & Kaya"),
            made("signs", "Yadnus", "!!!"),
            made("quoted", "Don't Stop (feat. Mira)", "Lumen"),
            made("ids", "Marked", "Lumen", ids=MusicBrainzIds(recording=R1, release_track=T1)),
            made("short", "Spark", "Lumen", seconds=SECONDS),
            made("long", "Spark", "Lumen", seconds=400),
            made("studio", "Finale", "Lumen", seconds=210, album="X"),
            made("live", "Finale", "Lumen", seconds=385, album="Y"),
        ]
    )
    return store


def heard(ada: Program, services: Services, title: str, artist: str, **more: Any) -> str | None:
    """The track that a listen is; None for one that is kept without a track."""
    ada.submit("single", listen(title, artist, **more))
    plays = ada.plays()
    if not plays:
        assert [track for _, track in beside(services, ada.user_id)] == [None]
        return None
    [track] = {track for _, track in plays}
    return track


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"duration_ms": SECONDS * 1000}, "short"),
        ({"duration_ms": str(SECONDS * 1000)}, "short"),
        ({"duration": SECONDS}, "short"),
        ({"duration": f"{SECONDS}"}, "short"),
        ({"duration_ms": 400_000, "duration_played": 200}, "long"),
        ({"duration_ms": 0, "duration": 400}, "long"),
        ({"duration_ms": None, "duration": "x"}, None),
    ],
)
def test_a_length_is_read_in_its_unit(
    ada: Program, services: Services, more: dict[str, Any], expected: str | None
) -> None:
    """B3: the length decides between two songs of the same names."""
    assert heard(ada, services, "Spark", "Lumen", **more) == expected


@pytest.mark.parametrize(
    ("artist", "seconds", "expected"),
    [
        ("Salt & Stone", SECONDS, "salt-and-stone"),
        ("S/O", SECONDS, "s-o"),
        ("Salt & Stone feat. Mira", 300, "with-mira"),
        ("Stone", SECONDS, "stone"),
        ("Salt", SECONDS, "salt"),
        ("S", SECONDS, "s"),
    ],
)
def test_a_band_whose_name_has_an_and_is_one_artist(
    ada: Program, services: Services, artist: str, seconds: int, expected: str
) -> None:
    """B5."""
    assert heard(ada, services, "Tide", artist, duration=seconds) == expected


_CREDITS = ["Lumen & Kaya", "Lumen, Kaya", "Lumen feat. Kaya", "Lumen / Kaya", "Lumen w/ Kaya", "Lumen; Kaya"]
_CREDITS += ["Lumen presents Kaya", "Lumen pres. Kaya", "Lumen x Kaya", "Lumen meets Kaya", "Lumen mit Kaya"]


@pytest.mark.parametrize("artist", [*_CREDITS, "Lumen"])
def test_the_words_between_artists_do_not_matter(ada: Program, services: Services, artist: str) -> None:
    """B6."""
    assert heard(ada, services, "Ember", artist, duration=SECONDS) == "two"


@pytest.mark.parametrize("artist", _CREDITS)
def test_nor_do_they_where_the_file_has_one_name(ada: Program, services: Services, artist: str) -> None:
    """Most files have the credit as one text, and nothing tells whether it names several artists."""
    assert heard(ada, services, "Cinder", artist, duration=SECONDS) == "joined"


@pytest.mark.parametrize("artist", ["Lumen", "Kaya", "Kaya & Somebody", "Lumen & the Kaya"])
def test_others_are_not_taken_for_the_artists(ada: Program, services: Services, artist: str) -> None:
    assert heard(ada, services, "Cinder", artist, duration=SECONDS) is None


@pytest.mark.parametrize(("artist", "expected"), [("!!!", "signs"), ("???", None), ("\N{BLACK STAR}", None)])
def test_names_of_signs_only_differ(
    ada: Program, services: Services, artist: str, expected: str | None
) -> None:
    assert heard(ada, services, "Yadnus", artist, duration=SECONDS) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"recording_mbid": R1}, "ids"),
        ({"recording_mbid": T1}, None),
        ({"recording_mbid": f"{R1}/{T1}"}, None),
        ({"artist_mbids": [R1]}, None),
    ],
)
def test_a_recording_is_compared_with_recordings(
    ada: Program, services: Services, more: dict[str, Any], expected: str | None
) -> None:
    """B9; B4: an id that is none is left out, and the listen is kept."""
    assert heard(ada, services, "Other words", "Another name", **more) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"duration": 384}, "live"),
        ({"duration": 211}, "studio"),
        ({"album": "Y"}, "live"),
        ({"album": "X", "duration": 210}, "studio"),
        ({}, None),
    ],
)
def test_a_title_of_two_albums_is_one_of_them(
    ada: Program, services: Services, more: dict[str, Any], expected: str | None
) -> None:
    """B12."""
    assert heard(ada, services, "Finale", "Lumen", **more) == expected


@pytest.mark.parametrize(
    ("title", "more", "expected"),
    [
        ("Finale", {"duration": 211}, "studio"),
        ("Finale", {"album": "X"}, "studio"),
        ("Finale", {"recording_mbid": R1}, "ids"),
        ("Finale", {"duration": 384}, "live"),
        ("Finale", {}, "live"),
    ],
)
def test_what_a_listen_says_comes_before_the_match_of_an_earlier_one(
    ada: Program, services: Services, title: str, more: dict[str, Any], expected: str
) -> None:
    """B12: an old listen of the same names is kept with its track."""
    ada.submit("import", listen(title, "Lumen", ago=400 * DAY, duration=384))
    assert [track for _, track in beside(services, ada.user_id)] == ["live"]
    assert heard(ada, services, title, "Lumen", **more) == expected


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Don\N{RIGHT SINGLE QUOTATION MARK}t Stop", True),
        ("Don\N{ACUTE ACCENT}t Stop", True),
        ("Don\N{MODIFIER LETTER PRIME}t Stop", True),
        ("Don\N{LATIN SMALL LETTER SALTILLO}t Stop", True),
        ("Don't Stop feat. Mira", True),
        ("DON'T STOP - Remastered 2011", True),
        ("Don't Stop (Live)", False),
        ("Don't Stop 2.0", False),
        ("Don't Stop (Acoustic)", False),
        ("Don't Stop - Instrumental", False),
    ],
)
def test_spellings_are_folded_and_versions_are_not(
    ada: Program, services: Services, title: str, found: bool
) -> None:
    """B13."""
    assert heard(ada, services, title, "Lumen", duration=SECONDS) == ("quoted" if found else None)
