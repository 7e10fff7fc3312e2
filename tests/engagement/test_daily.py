"""Statistics by day and running totals equal the sums of all windows, at any time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from pymongo.database import Database

from segue.engagement.counted_windows import DAY, CountedWindows, day_of
from segue.engagement.daily import DailyRollUp, LongStatistics, window_retention
from segue.engagement.daily_statistics import DailyStatistics, DayStatistics
from segue.engagement.definitions import COUNTS, DIMENSIONS
from segue.engagement.facts import Fact
from segue.engagement.running_totals import Outdated, RunningTotals, TotalsByTrack
from segue.engagement.statistics import ListeningStatistics, TrackTotals
from segue.engagement.stored import StoredEngagement
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.contracts.schema import faults

pytestmark = pytest.mark.integration

WINDOW = timedelta(minutes=15)
MONTH = timedelta(days=30)
_NOW = datetime.now(UTC)
TODAY = day_of(_NOW - timedelta(hours=12))
_BEHIND = _NOW - TODAY - timedelta(hours=12)


class _Clock(datetime):
    """It is behind, so that these tests begin at noon and no day ends during them."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) - _BEHIND


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.engagement.daily.datetime", _Clock)


@pytest.fixture
def stored(store: Store, settings: Settings) -> StoredEngagement:
    return StoredEngagement(store, settings)


def a_fact(user: str, start: datetime, *, tracks: int = 3, events: int = 5) -> Fact:
    """A listener's window; the same arguments give the same counts."""
    rng = random.Random(f"{user} {start} {events}")
    rows = []
    for number in rng.sample(range(9), tracks):
        counts = {name: rng.randrange(4) for name in COUNTS}
        named = {"track_id": f"t{number}", "artist": f"Artist {number // 3}", "genre": "Folk"}
        rows.append({**named, "source": "home", "variant": "", "rank": None, **counts})
    at = round(start.timestamp() * 1000)
    return Fact(user_id=user, start=at, rows=rows, events=events, first_at=at, last_at=at + 1000)


def count(stored: StoredEngagement, *facts: Fact) -> None:
    stored.write(facts)
    stored.count(fact.start for fact in facts)


def some_weeks(stored: StoredEngagement, *, days: int = 4) -> list[datetime]:
    """Windows on each of the last days and today, some without a listener; returns their starts."""
    rng, starts = random.Random(3), []
    for day in range(days, -1, -1):
        for place in sorted(rng.sample(range(24), 5)):
            start = TODAY - day * DAY + place * WINDOW
            count(stored, *(a_fact(f"user{n}", start) for n in range(rng.randrange(1, 4))))
            starts.append(start)
    return starts


def expected_days(database: Database[Document]) -> dict[tuple[str, datetime, str], Document]:
    """The sums of all windows by day, by adding them up here."""
    sums: dict[tuple[str, datetime, str], Document] = {}
    for one in database.listening_stats.find():
        place = (one["dimension"], day_of(one["start"]), one["key"])
        into = sums.setdefault(place, dict.fromkeys((*COUNTS, "listeners"), 0))
        for name in into:
            into[name] += one[name]
    return sums


def days_of(database: Database[Document]) -> dict[tuple[str, datetime, str], Document]:
    return {
        (one["dimension"], one["start"], one["key"]): {name: one[name] for name in (*COUNTS, "listeners")}
        for one in database.listening_days.find()
    }


def finished(days: dict[tuple[str, datetime, str], Document]) -> dict[tuple[str, datetime, str], Document]:
    return {place: counts for place, counts in days.items() if place[1] < TODAY}


def summed_afresh(store: Store, now: datetime | None = None) -> TotalsByTrack:
    since = (now or datetime.now(UTC)) - MONTH
    return TotalsByTrack.of(
        [one for one in ListeningStatistics(store).of_tracks(since=since) if any(one[1:])]
    )


def same(one: TotalsByTrack, other: TotalsByTrack) -> bool:
    return list(one.track_ids) == list(other.track_ids) and one.counts.tolist() == other.counts.tolist()


def test_days_that_have_ended_are_summed_and_today_is_not(
    stored: StoredEngagement, database: Database[Document]
) -> None:
    some_weeks(stored)
    assert stored.roll_up(settled=timedelta(0)).summed == 4
    assert days_of(database) == finished(expected_days(database))
    assert {dimension for dimension, *_ in days_of(database)} == set(DIMENSIONS)
    records = (
        {name: day[name] for name in day if name not in COUNTS} for day in database.listening_days.find()
    )
    assert [fault for record in records for fault in faults(DayStatistics, record)] == []
    assert stored.roll_up(settled=timedelta(0)).summed == 0


def test_a_day_waits_until_its_windows_have_settled(stored: StoredEngagement) -> None:
    some_weeks(stored)
    assert stored.roll_up().summed == 0


def test_a_late_play_corrects_its_day(
    stored: StoredEngagement, store: Store, database: Database[Document]
) -> None:
    some_weeks(stored)
    stored.roll_up(settled=timedelta(0))
    late = TODAY - WINDOW
    count(stored, a_fact("user9", late))
    reader = LongStatistics(store)
    read = {key: dict(own) for key, own in reader.sums("track", since=TODAY - 9 * DAY, until=TODAY).items()}
    expected: dict[str, Document] = {}
    for (dimension, day, key), counts in expected_days(database).items():
        if dimension == "track" and day < TODAY:
            into = expected.setdefault(key, dict.fromkeys(counts, 0))
            for name, value in counts.items():
                into[name] += value
    assert read == expected  # before the day is summed again
    assert stored.roll_up(settled=timedelta(0)).summed == 1
    assert days_of(database) == finished(expected_days(database))


def test_a_change_during_the_sum_is_not_lost(
    stored: StoredEngagement, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    some_weeks(stored, days=1)
    real, late = DailyStatistics.remove_older, TODAY - DAY

    def and_a_late_play(self: DailyStatistics, day: datetime, *, rolled_at: datetime) -> None:
        real(self, day, rolled_at=rolled_at)
        count(stored, a_fact("late", late))

    with monkeypatch.context() as patch:
        patch.setattr(DailyStatistics, "remove_older", and_a_late_play)
        stored.roll_up(settled=timedelta(0))
    assert stored.roll_up(settled=timedelta(0)).summed == 1
    assert days_of(database) == finished(expected_days(database))


def test_any_period_reads_the_same_from_days_as_from_windows(stored: StoredEngagement, store: Store) -> None:
    some_weeks(stored)
    stored.roll_up(settled=timedelta(0))
    count(stored, a_fact("late", TODAY - 2 * DAY))  # a day that is read by window, between two that are not
    rng = random.Random(5)
    for _ in range(20):
        since, until = sorted(TODAY - 5 * DAY + rng.randrange(600) * WINDOW for _ in range(2))
        windows = list(ListeningStatistics(store).between("artist", since=since, until=until))
        read = list(LongStatistics(store).between("artist", since=since, until=until))
        assert len(read) <= len(windows)
        for name in (*COUNTS, "listeners"):
            of_artist = [
                sum(row[name] for row in rows if row["key"] == "Artist 1") for rows in (windows, read)
            ]
            assert of_artist[0] == of_artist[1]
        sums = LongStatistics(store).sums("artist", since=since, until=until)
        assert sum(one["plays"] for one in sums.values()) == sum(row["plays"] for row in windows)


def test_statistics_of_an_earlier_release_become_days(
    stored: StoredEngagement, store: Store, settings: Settings, database: Database[Document]
) -> None:
    some_weeks(stored)
    database.listening_windows.drop()
    again = StoredEngagement(store, settings)
    again.adopt()
    assert again.roll_up().summed == 4
    assert days_of(database) == finished(expected_days(database))
    totals = RunningTotals(store, period=MONTH)
    totals.load()
    assert same(totals.update(), summed_afresh(store))


def test_a_round_takes_a_bounded_time_and_the_next_continues(
    stored: StoredEngagement, database: Database[Document]
) -> None:
    some_weeks(stored)
    assert [stored.roll_up(settled=timedelta(0), seconds=0).summed for _ in range(5)] == [1, 1, 1, 1, 0]
    assert days_of(database) == finished(expected_days(database))


def old_and_counted_then(database: Database[Document], days: int) -> None:
    """Let all windows of that day have been counted at their time."""
    day = TODAY - days * DAY
    for window in database.listening_windows.find({"day": day}):
        database.listening_windows.update_one({"_id": window["_id"]}, {"$set": {"counted_at": window["_id"]}})


def test_old_windows_are_removed_once_their_day_has_them(
    store: Store, settings: Settings, database: Database[Document]
) -> None:
    stored = StoredEngagement(store, settings)
    for age in (200, 20):
        count(stored, *(a_fact(f"user{n}", TODAY - age * DAY + n * WINDOW) for n in range(3)))
    before = expected_days(database)
    old_and_counted_then(database, 200)
    assert stored.roll_up(settled=timedelta(0)).removed == 1
    assert database.listening_stats.distinct("start") == [TODAY - 20 * DAY + n * WINDOW for n in range(3)]
    assert days_of(database) == before
    assert StoredEngagement(store, settings).roll_up(settled=timedelta(0)).removed == 0


def test_windows_just_counted_are_not_removed(stored: StoredEngagement) -> None:
    """A new checkpoint reads old plays for hours: their day is complete only after all of them."""
    count(stored, a_fact("ada", TODAY - 200 * DAY))
    assert stored.roll_up(settled=timedelta(0)).removed == 0


def test_a_play_after_the_removal_adds_to_its_day(
    stored: StoredEngagement, database: Database[Document]
) -> None:
    day = TODAY - 200 * DAY
    count(stored, *(a_fact(f"user{n}", day + n * WINDOW) for n in range(3)))
    old_and_counted_then(database, 200)
    stored.roll_up(settled=timedelta(0))
    count(stored, a_fact("late", day + WINDOW))
    stored.roll_up(settled=timedelta(0))
    facts = {
        name: sum(row[name] for fact in database.listening.find() for row in fact["rows"]) for name in COUNTS
    }
    [of_all] = database.listening_days.find({"dimension": "all"})
    assert {name: of_all[name] for name in COUNTS} == facts


def test_a_day_whose_facts_are_gone_too_keeps_its_statistics(
    stored: StoredEngagement, database: Database[Document]
) -> None:
    day = TODAY - 500 * DAY
    count(stored, *(a_fact(f"user{n}", day + n * WINDOW) for n in range(3)))
    old_and_counted_then(database, 500)
    stored.roll_up(settled=timedelta(0))
    before = days_of(database)
    database.listening.delete_many({})
    count(stored, a_fact("late", day + WINDOW))
    stored.roll_up(settled=timedelta(0))
    assert days_of(database) == before


def test_windows_are_kept_as_long_as_anything_reads_them(settings: Settings) -> None:
    retention = settings.retention.model_copy(
        update={"statistics": timedelta(days=1), "plays": timedelta(days=40)}
    )
    kept = window_retention(settings.model_copy(update={"retention": retention}))
    assert kept > timedelta(days=40)
    assert kept > settings.engagement.feedback_window


def test_a_recount_removes_keys_that_no_fact_has(
    stored: StoredEngagement, database: Database[Document]
) -> None:
    starts = some_weeks(stored)
    stored.roll_up(settled=timedelta(0))
    database.listening.update_many({}, {"$set": {"rows.$[].artist": "Renamed"}})
    stored.recount(round(start.timestamp() * 1000) for start in starts)
    stored.roll_up(settled=timedelta(0))
    assert database.listening_stats.distinct("key", {"dimension": "artist"}) == ["Renamed"]
    assert database.listening_days.distinct("key", {"dimension": "artist"}) == ["Renamed"]
    assert days_of(database) == finished(expected_days(database))


def test_a_day_without_facts_disappears(stored: StoredEngagement, database: Database[Document]) -> None:
    some_weeks(stored)
    stored.roll_up(settled=timedelta(0))
    gone = {"start": {"$gte": TODAY - 2 * DAY, "$lt": TODAY - DAY}}
    database.listening.delete_many(gone)
    stored.remove_statistics_without_facts(since=TODAY - 9 * DAY)
    stored.roll_up(settled=timedelta(0))
    assert database.listening_days.count_documents({"start": TODAY - 2 * DAY}) == 0
    assert database.listening_stats.count_documents(gone) == 0
    assert days_of(database) == finished(expected_days(database))


def test_a_wrong_day_is_found(stored: StoredEngagement, database: Database[Document]) -> None:
    some_weeks(stored)
    stored.roll_up(settled=timedelta(0))
    since = TODAY - 9 * DAY
    assert stored.different_days(since=since) == []
    database.listening_days.update_one({"dimension": "genre", "start": TODAY - DAY}, {"$inc": {"plays": 1}})
    database.listening_days.delete_one({"dimension": "track", "start": TODAY - 3 * DAY})
    assert stored.different_days(since=since) == [TODAY - 3 * DAY, TODAY - DAY]


def test_running_totals_equal_the_sum_of_all_windows(stored: StoredEngagement, store: Store) -> None:
    some_weeks(stored, days=33)
    totals = RunningTotals(store, period=MONTH)
    now = datetime.now(UTC)
    totals.load(now=now)
    assert same(totals.update(now=now), summed_afresh(store, now))
    for step in range(6):
        start = TODAY + (step % 3) * WINDOW
        count(stored, a_fact(f"user{step % 2}", start, events=5 + step), a_fact("ben", start, tracks=1))
        now += timedelta(hours=9)  # windows leave at the other end
        assert same(totals.update(now=now), summed_afresh(store, now))


def test_a_change_of_an_old_window_asks_for_another_load(stored: StoredEngagement, store: Store) -> None:
    some_weeks(stored, days=20)
    totals = RunningTotals(store, period=MONTH)
    totals.load()
    totals.update()
    count(stored, a_fact("late", min(CountedWindows(store).changes(since=TODAY - MONTH)).start))
    with pytest.raises(Outdated):
        totals.update()
    totals.load()
    assert same(totals.update(), summed_afresh(store))


@pytest.mark.parametrize("day", [True, 5, "monday", [], {"a": 1}, None])
def test_a_mark_without_a_date_does_not_stop_the_others(
    stored: StoredEngagement, store: Store, day: object
) -> None:
    some_weeks(stored, days=2)
    windows = CountedWindows(store)
    due = windows.settled_days(before=None)
    store.database[windows.name].insert_one({"_id": TODAY + MONTH, "day": day, "due": True})
    assert due and windows.settled_days(before=None) == due


def test_a_window_is_read_again_after_a_writer_crashed_in_it(stored: StoredEngagement, store: Store) -> None:
    starts = some_weeks(stored, days=1)
    totals = RunningTotals(store, period=MONTH)
    totals.load()
    fact = a_fact("ada", starts[-1])
    stored.write([fact])
    stored.windows.begin([starts[-1]])
    assert same(totals.update(), summed_afresh(store))
    stored.listening.count_windows([fact.start])  # ... and no end
    assert same(totals.update(), summed_afresh(store))


def test_a_track_that_nobody_plays_any_more_leaves_the_totals(
    stored: StoredEngagement, store: Store, database: Database[Document]
) -> None:
    now = datetime.now(UTC)
    old = day_of(now - MONTH) + DAY
    count(stored, a_fact("ada", old, tracks=9))
    count(stored, a_fact("ben", TODAY, tracks=1))
    totals = RunningTotals(store, period=MONTH)
    totals.load(now=now)
    assert len(totals.update(now=now).track_ids) > 1
    later = totals.update(now=now + 2 * DAY)
    assert same(later, summed_afresh(store, now + 2 * DAY))
    assert len(later.track_ids) == len({one.track_id for one in tracks_of(store, TODAY)})


def tracks_of(store: Store, start: datetime) -> list[TrackTotals]:
    return [one for one in ListeningStatistics(store).tracks_in(start) if any(one[1:])]


def test_the_round_leaves_a_day_that_is_not_over(
    stored: StoredEngagement, store: Store, settings: Settings
) -> None:
    count(stored, a_fact("ada", TODAY))
    assert DailyRollUp(store, settings).run(settled=timedelta(0)).summed == 0
    assert DailyStatistics(store).is_empty()
