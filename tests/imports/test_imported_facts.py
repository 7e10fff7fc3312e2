"""Imported plays are counted as live plays are, and a play that is both counts once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from segue.catalog.track import Track
from segue.catalog.tracks import Tracks
from segue.engagement.facts import Fact, StoredFact
from segue.engagement.imported_facts import ImportedFacts
from segue.imports.days import ImportedDays, KeptPlay
from segue.imports.play import Song
from segue.imports.songs import HeardSong, ImportedSongs, Match
from segue.settings import Settings
from segue.storage.store import Store

AT = 1_680_717_600
BEGAN = datetime.fromtimestamp(AT, UTC)
NORTH_SIDE = Track(
    track_id="north",
    library="home",
    path="/m/north.mp3",
    title="North Side",
    artist="Vela",
    album=None,
    genres=("Jazz",),
    duration_ms=200_000,
    track=1,
    year=None,
    cover_id=None,
    size=1,
    modified_ns=1,
)
NORTH, AWAY = "n" * 24, "a" * 24


def facts(
    store: Store, settings: Settings, plays: list[KeptPlay], live: list[StoredFact] | None = None
) -> list[Fact]:
    ImportedSongs(store).keep(
        "ada",
        {
            NORTH: HeardSong(Song(title="North Side", artist="Vela"), Match("north"), AT),
            AWAY: HeardSong(Song(title="Away", artist="Lumen"), Match(None), AT),
        },
    )
    Tracks(store).write([NORTH_SIDE])
    ImportedDays(store).add("ada", plays, number=1)
    return ImportedFacts(store, "ada", settings.engagement).of(
        live or [], since=BEGAN - timedelta(days=1), until=BEGAN + timedelta(days=1)
    )


def live(track_id: str, *, plays: int = 1, after: timedelta = timedelta(0)) -> StoredFact:
    start = BEGAN + after
    return {
        "_id": f"{start.timestamp() * 1000:.0f}:ada",
        "user_id": "ada",
        "start": start,
        "rows": [{"track_id": track_id, "plays": plays}],
        "events": plays,
        "first_at": None,
        "last_at": None,
        "definitions": "",
    }


def rows(found: list[Fact]) -> list[dict[str, Any]]:
    return [row for fact in found for row in fact.rows]


def test_plays_are_counted_by_the_same_definitions(store: Store, settings: Settings) -> None:
    plays = [
        KeptPlay(AT, NORTH, 200_000, False),
        KeptPlay(AT + 300, NORTH, 5_000, True),
        KeptPlay(AT + 400, NORTH, 195_000, True),
        KeptPlay(AT + 700, AWAY, 60_000, None),
    ]
    north, away = sorted(rows(facts(store, settings, plays)), key=lambda row: -row["plays"])
    assert (north["track_id"], north["artist"], north["genre"]) == ("north", "Vela", "Jazz")
    names = ("plays", "completions", "skips", "early_skips", "listening_ms")
    assert [north[name] for name in names] == [3, 2, 1, 1, 400_000]
    assert (away["artist"], away["plays"], away["listening_ms"]) == ("Lumen", 1, 60_000)
    assert away["track_id"] == ""


def test_a_play_of_unknown_length_was_heard_to_the_end(store: Store, settings: Settings) -> None:
    (row,) = rows(facts(store, settings, [KeptPlay(AT, NORTH)]))
    assert (row["completions"], row["listening_ms"]) == (1, 200_000)


def test_a_play_that_is_also_live_counts_once(store: Store, settings: Settings) -> None:
    plays = [KeptPlay(AT, NORTH, 200_000), KeptPlay(AT + 210, NORTH, 200_000), KeptPlay(AT, AWAY, 1000)]
    assert sum(row["plays"] for row in rows(facts(store, settings, plays, [live("north")]))) == 2


def test_a_live_play_at_another_time_or_of_another_track_is_another(store: Store, settings: Settings) -> None:
    others = [
        live("south"),
        live("north", after=timedelta(hours=1)),
        live("north", after=-timedelta(hours=1)),
    ]
    assert len(rows(facts(store, settings, [KeptPlay(AT, NORTH, 200_000)], others))) == 1


def test_times_by_the_minute_and_the_end_in_the_next_window_match_a_live_play(
    store: Store, settings: Settings
) -> None:
    plays = [KeptPlay(AT + 890, NORTH, 200_000)]
    assert facts(store, settings, plays, [live("north", after=timedelta(minutes=15))]) == []


@pytest.mark.parametrize(
    ("second", "plays"),
    [
        (KeptPlay(AT + 55, NORTH, 200_000), 1),  # the first was dated by the minute
        (KeptPlay(AT + 90, NORTH), 1),
        (KeptPlay(AT + 110, NORTH), 2),
        (KeptPlay(AT + 55, AWAY), 2),
    ],
)
def test_a_listening_that_two_services_have_counts_once(
    store: Store, settings: Settings, second: KeptPlay, plays: int
) -> None:
    ImportedDays(store).add("ada", [second], number=2)
    assert sum(row["plays"] for row in rows(facts(store, settings, [KeptPlay(AT, NORTH)]))) == plays


def test_a_song_that_begins_again_in_one_export_counts_again(store: Store, settings: Settings) -> None:
    again = [KeptPlay(AT, NORTH, 5_000, True), KeptPlay(AT + 6, NORTH, 200_000)]
    ImportedDays(store).add("ada", again, number=2)
    assert sum(row["plays"] for row in rows(facts(store, settings, again))) == 2


def test_an_imported_song_is_not_new(store: Store, settings: Settings) -> None:
    facts(store, settings, [KeptPlay(AT, NORTH, 200_000), KeptPlay(AT, AWAY, 1000)])
    imported = ImportedFacts(store, "ada", settings.engagement)
    assert imported.first_heard("track_id") == {"north": BEGAN}
    assert imported.first_heard("artist") == {"Vela": BEGAN, "Lumen": BEGAN}
    assert imported.began() == BEGAN.replace(hour=0)
