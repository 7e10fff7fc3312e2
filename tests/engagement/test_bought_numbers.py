"""A single visitor cannot move the numbers that all visitors see."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pymongo.database import Database

from segue.catalog.labels import TrackLabels
from segue.catalog.tracks import Tracks
from segue.dashboard.queries.popular import PopularTracks, top_songs
from segue.engagement.facts import facts_of
from segue.engagement.reach import NEW_FOR, NEW_WEIGHT, ListeningReach
from segue.engagement.running_totals import RunningTotals
from segue.engagement.stored import StoredEngagement
from segue.engagement.summed_listening import SummedListening
from segue.plays.event import EVENT_WINDOW
from segue.ranking.feedback import steps
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs.engagement import CountedPeople, by_people, played_tracks

pytestmark = pytest.mark.integration

WINDOW_MS = 15 * 60_000
HOUR_MS = 3_600_000
_FIELD = {name: pa.int64() for name in ("ms_played", "duration_ms", "occurred_at", "rank")}
_EVENT = pa.struct([(name, _FIELD.get(name, pa.string())) for name in EVENT_WINDOW.state])


@pytest.fixture
def stored(store: Store, settings: Settings) -> StoredEngagement:
    return StoredEngagement(store, settings)


@pytest.fixture
def popular(store: Store, settings: Settings) -> PopularTracks:
    engagement = settings.engagement
    return PopularTracks(
        store, popular_window=engagement.popular_window, rising_window=engagement.rising_window
    )


@pytest.fixture
def now_ms() -> int:
    """The middle of the window before the present one."""
    now = round(datetime.now(UTC).timestamp() * 1000)
    return now - now % WINDOW_MS - WINDOW_MS // 2


@pytest.fixture
def song(database: Database[Document], now_ms: int) -> str:
    """A song of the library, on a service where others have played another song for a week."""
    database.tracks.insert_many(
        {"_id": own, "title": own, "artist": "A", "album": None, "genres": ["Folk"]}
        for own in ("song", "old")
    )
    return "song"


def a_play(track_id: str, at: int, **fields: Any) -> dict[str, Any]:
    event = dict.fromkeys(EVENT_WINDOW.state) | {
        "event_id": str(uuid.uuid4()),
        "track_id": track_id,
        "type": "complete",
        "occurred_at": at,
        "ms_played": 200_000,
        "duration_ms": 200_000,
        "source": "home",
    }
    return event | fields


def take(stored: StoredEngagement, store: Store, user_id: str, *events: dict[str, Any]) -> None:
    """Count a person's events as the query `engagement` does."""
    windows: dict[int, list[dict[str, Any]]] = {}
    for event in events:
        windows.setdefault(event["occurred_at"] - event["occurred_at"] % WINDOW_MS, []).append(event)
    table = pa.table(
        {
            "user_id": [user_id] * len(windows),
            "window_start": pa.array(list(windows), pa.int64()),
            "events": pa.array(list(windows.values()), pa.list_(_EVENT)),
        }
    )
    facts = facts_of(table, described=TrackLabels(Tracks(store)))
    stored.write(facts)
    stored.count(fact.start for fact in facts)


def stayed(now_ms: int) -> list[dict[str, Any]]:
    """The plays, on two days, of a person who is no longer new."""
    first = now_ms - round(NEW_FOR.total_seconds() * 1000) - HOUR_MS
    return [a_play("old", first), a_play("old", first + 25 * HOUR_MS)]


def ids(items: list[Any]) -> list[str]:
    return [item.track_id for item in items]


def test_four_backdated_plays_of_a_guest_make_nothing_popular(
    stored: StoredEngagement, store: Store, popular: PopularTracks, song: str, now_ms: int
) -> None:
    take(stored, store, "ada", a_play("old", now_ms - 5 * HOUR_MS))
    plays = [a_play(song, now_ms - place * WINDOW_MS) for place in range(4)]
    take(stored, store, "guest-1", *plays)
    assert popular.now() == []
    assert popular.rising() == []


def test_three_people_make_a_song_popular(
    stored: StoredEngagement, store: Store, popular: PopularTracks, song: str, now_ms: int
) -> None:
    for user in ("ada", "ben", "cem"):
        take(stored, store, user, a_play(song, now_ms), a_play(song, now_ms - 3 * WINDOW_MS))
    (item,) = popular.now()
    assert (item.track_id, item.note) == (song, "3 listeners")


def test_new_guests_weigh_less_than_those_who_have_stayed(
    stored: StoredEngagement, store: Store, popular: PopularTracks, song: str, now_ms: int
) -> None:
    for user in ("ada", "ben", "cem"):
        take(stored, store, user, *stayed(now_ms), a_play("old", now_ms))
    for number in range(11):
        take(stored, store, f"guest-{number}", a_play(song, now_ms))
    assert ids(popular.now()) == ["old"]
    until = datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(minutes=15)
    reached = ListeningReach(store).reached(since=until - timedelta(days=1), until=until)
    assert [(one.track_id, one.listeners, one.weight) for one in reached] == [
        ("old", 3, 3.0),
        (song, 11, 11 * NEW_WEIGHT),
    ]


def test_a_song_that_is_only_started_or_skipped_has_no_listeners(
    stored: StoredEngagement, store: Store, popular: PopularTracks, song: str, now_ms: int
) -> None:
    """Three events without any listening made a song popular."""
    for user in ("ada", "ben", "cem"):
        take(stored, store, user, a_play("old", now_ms - 20 * HOUR_MS))
        started = a_play(song, now_ms, type="play", ms_played=0)
        left = a_play(song, now_ms + 1, type="leave", ms_played=1_000)
        take(stored, store, user, started, left, skipped(song, now_ms + 2))
    assert ids(popular.now()) == ["old"]
    assert ids(popular.rising()) == []


@pytest.mark.parametrize("kind", ["play", "impression", "leave", "one day", "last day"])
def test_only_listening_on_several_days_ends_being_new(
    stored: StoredEngagement, store: Store, song: str, now_ms: int, kind: str
) -> None:
    """One bare event three days before was enough."""
    long_ago = now_ms - round(NEW_FOR.total_seconds() * 1000) - HOUR_MS
    before = {
        "one day": [a_play(song, long_ago), a_play(song, long_ago + HOUR_MS)],
        "last day": [a_play(song, long_ago), a_play(song, now_ms - 20 * HOUR_MS)],
    }.get(kind) or [a_play(song, at, type=kind, ms_played=0) for at in (long_ago, long_ago + 25 * HOUR_MS)]
    take(stored, store, "ada", *stayed(now_ms), a_play("old", now_ms))
    take(stored, store, "guest-1", *before, a_play(song, now_ms))
    until = datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(minutes=15)
    reached = ListeningReach(store).reached(since=until - timedelta(hours=1), until=until)
    assert {one.track_id: one.heard for one in reached} == {"old": 1.0, song: NEW_WEIGHT}


def moves(store: Store, settings: Settings) -> dict[str, float]:
    """The changes of the ranking for everybody, computed as the query `engagement` does."""
    period, ranking = settings.engagement.feedback_window, settings.ranking
    totals = RunningTotals(store, period=period)
    totals.load()
    records = played_tracks(totals.update())
    evident = records.evident(ranking=ranking)
    ids = [records.track_ids[row] for row in np.flatnonzero(evident).tolist()]
    people = CountedPeople(store, period=period).of(ids)
    assert people is not None
    moved = steps(by_people(records, people, evident=evident), ranking=ranking)
    return {track: step for track, step in zip(records.track_ids, moved.tolist(), strict=True) if step}


def skipped(track_id: str, at: int) -> dict[str, Any]:
    return a_play(track_id, at, type="skip", ms_played=1_000)


def test_a_guest_who_skips_for_a_day_moves_no_ranking(
    stored: StoredEngagement, store: Store, settings: Settings, song: str, now_ms: int
) -> None:
    enough = settings.ranking.feedback_min_plays + 5
    for number in range(enough):
        take(stored, store, f"u{number}", a_play("old", now_ms - 5 * HOUR_MS))
    take(stored, store, "guest-1", *(skipped(song, now_ms - place * WINDOW_MS) for place in range(enough)))
    assert moves(store, settings) == {}


def test_25_fresh_guests_move_no_ranking(
    stored: StoredEngagement, store: Store, settings: Settings, song: str, now_ms: int
) -> None:
    for number in range(25):
        take(stored, store, f"u{number}", *stayed(now_ms), a_play("old", now_ms))
        take(stored, store, f"guest-{number}", skipped(song, now_ms))
    assert moves(store, settings) == {}


def test_25_people_who_have_stayed_move_the_ranking(
    stored: StoredEngagement, store: Store, settings: Settings, song: str, now_ms: int
) -> None:
    for number in range(25):
        take(stored, store, f"u{number}", *stayed(now_ms), a_play("old", now_ms), skipped(song, now_ms))
    moved = moves(store, settings)
    assert set(moved) == {song}
    assert moved[song] < 0


def sums(database: Database[Document], dimension: str = "track") -> dict[str, tuple[int, int]]:
    """The plays and listeners of each key in the statistics."""
    found: dict[str, tuple[int, int]] = {}
    for one in database.listening_stats.find({"dimension": dimension}):
        plays, listeners = found.get(one["key"], (0, 0))
        found[one["key"]] = (plays + one["plays"], listeners + one["listeners"])
    return found


def test_plays_denser_than_time_allows_leave_the_public_numbers(
    stored: StoredEngagement, store: Store, database: Database[Document], song: str, now_ms: int
) -> None:
    """A hundred complete plays of more than three minutes, one each second."""
    take(stored, store, "guest-1", *(a_play(song, now_ms - 1000 * number) for number in range(100)))
    plays, listeners = sums(database)[song]
    assert (0 < plays <= 3, listeners) == (True, 1)
    assert sums(database, "all")[""][0] == plays
    assert SummedListening(store).totals("guest-1")[song].plays == 100


def test_a_guest_who_repeats_a_song_does_not_make_it_a_top_song(
    stored: StoredEngagement, store: Store, song: str, now_ms: int
) -> None:
    """Skips at once were a play each, and many of a window came to the top of the artist's songs."""
    start = now_ms - now_ms % WINDOW_MS
    for user in ("ada", "ben"):
        take(stored, store, user, a_play("old", start + 600_000))
    skips = [a_play(song, start + number * 1000, type="skip", ms_played=0) for number in range(800)]
    take(stored, store, "guest-1", *skips)
    assert [item.track_id for item in top_songs(store, [song, "old"], limit=2)] == ["old", song]


@pytest.mark.parametrize(
    ("kind", "count", "most"),
    [("impression", "impressions", 2_400), ("like", "likes", 1_200), ("play", "starts", 1_200)],
)
def test_nobody_sees_or_likes_without_end(
    stored: StoredEngagement,
    store: Store,
    database: Database[Document],
    song: str,
    now_ms: int,
    kind: str,
    count: str,
    most: int,
) -> None:
    """Only plays took time: other events counted for all, however many there were at a moment."""
    events = [a_play(song, now_ms - now_ms % WINDOW_MS, type=kind, ms_played=0) for _ in range(most + 100)]
    take(stored, store, "guest-1", *events[:most])
    [one] = database.listening_stats.find({"dimension": "track", "key": song})
    assert one[count] == most
    take(stored, store, "guest-1", *events)
    [one] = database.listening_stats.find({"dimension": "track", "key": song})
    assert one[count] == 0, "events at the same moment are in excess together"


def test_an_evening_of_short_songs_is_no_excess(
    stored: StoredEngagement, store: Store, database: Database[Document], song: str, now_ms: int
) -> None:
    """Two minutes each, crossfaded for twelve seconds; and somebody who skips each second."""
    start = now_ms - now_ms % WINDOW_MS
    evening = [
        a_play(song, start + 5_000 + number * 108_000, ms_played=120_000, duration_ms=120_000)
        for number in range(8)
    ]
    take(stored, store, "ada", *evening)
    skips = [a_play("old", start + number * 1000, type="skip", ms_played=900) for number in range(300)]
    take(stored, store, "ben", *skips)
    assert sums(database) == {song: (8, 1), "old": (300, 1)}


def test_a_play_that_comes_late_turns_later_ones_into_excess(
    stored: StoredEngagement, store: Store, database: Database[Document], song: str, now_ms: int
) -> None:
    start = now_ms - now_ms % WINDOW_MS
    last = a_play(song, start + 600_000, ms_played=600_000)
    take(stored, store, "ada", last)
    assert sums(database)[song] == (1, 1)
    others = [a_play("old", start + 590_000 + number, ms_played=590_000) for number in range(2)]
    take(stored, store, "ada", last, *others)
    assert sums(database)[song] == (0, 0)
    stored.recount([start])
    assert sums(database)[song] == (0, 0)


@pytest.mark.parametrize("kind", ["complete", "skip", "leave"])
@pytest.mark.parametrize("seconds", [0, 450])
@pytest.mark.parametrize("duration", [0, 1, 200_000])
def test_completions_take_the_time_that_they_mean(
    stored: StoredEngagement,
    store: Store,
    database: Database[Document],
    song: str,
    now_ms: int,
    kind: str,
    seconds: int,
    duration: int,
) -> None:
    """A completion of no milliseconds took half a second, and one at the start of a window took no time."""
    begins = now_ms - now_ms % WINDOW_MS
    times = {"duration_ms": duration, "ms_played": 0 if kind == "complete" else duration}
    events = [a_play(song, begins + seconds * 1000 + place, type=kind, **times) for place in range(100)]
    take(stored, store, "guest-1", *events)
    completions = sum(one["completions"] for one in database.listening_stats.find({"dimension": "track"}))
    assert completions <= (120 + seconds) / 30


def test_unknown_tracks_get_no_statistics(
    stored: StoredEngagement, store: Store, database: Database[Document], song: str, now_ms: int
) -> None:
    made_up = [a_play(f"made-up-{number}", now_ms - number, ms_played=0) for number in range(50)]
    take(stored, store, "guest-1", *made_up)
    assert database.listening_stats.count_documents({}) == 0
    assert len(SummedListening(store).totals("guest-1")) == 50
    take(stored, store, "guest-1", *made_up, a_play(song, now_ms, ms_played=0))
    assert set(sums(database)) == {song}
