"""Memories from facts and imports: exact on replay, complete after an upgrade, without forgotten times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from segue.engagement.counted_windows import CountedWindows
from segue.engagement.definitions import COUNTS
from segue.engagement.facts import Fact
from segue.engagement.listening import Listening
from segue.engagement.stored import StoredEngagement
from segue.imports.days import ImportedDays, KeptPlay
from segue.imports.play import Song
from segue.imports.songs import HeardSong, ImportedSongs, Match
from segue.people.forgotten import Forgotten
from segue.replanning.memory import MemoryKeeper
from segue.settings import Settings
from segue.storage.store import Store
from segue.taste.corrections import Corrections, Span
from segue.taste.memory import Memories, Months, begins, month_of

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
MONTH = begins(month_of(NOW) - 3)
AT_ONCE = timedelta(0)


def a_fact(user: str, start: datetime, completions: dict[str, int]) -> Fact:
    zeros = dict.fromkeys(COUNTS, 0)
    rows = [
        {"track_id": track, "artist": "", "genre": "", "source": "home", "variant": "", "rank": None}
        | zeros
        | {"plays": times, "completions": times}
        for track, times in completions.items()
    ]
    at = round(start.timestamp() * 1000)
    return Fact(user_id=user, start=at, rows=rows, events=sum(completions.values()), first_at=at, last_at=at)


def count(store: Store, settings: Settings, facts: Sequence[Fact]) -> None:
    stored = StoredEngagement(store, settings)
    stored.write(facts)
    stored.count(fact.start for fact in facts)


def months(store: Store, user_id: str = "ada") -> Months:
    return Memories(store).months([user_id]).get(user_id, {})


def some_facts() -> list[Fact]:
    return [
        a_fact("ada", MONTH + timedelta(days=2), {"a": 3, "b": 1}),
        a_fact("ada", MONTH + timedelta(days=20), {"a": 1}),
        a_fact("ada", MONTH + timedelta(days=40), {"c": 2}),
        a_fact("ben", MONTH + timedelta(days=2), {"b": 5}),
    ]


def imported(store: Store, heard: dict[datetime, str], *, number: int = 1) -> None:
    songs = {track: Song(title="", track_id=track).key() for track in set(heard.values())}
    began = round(min(heard).timestamp())
    known = {key: HeardSong(Song(title=own, artist="Vela"), Match(own), began) for own, key in songs.items()}
    ImportedSongs(store).keep("ada", known)
    plays = [KeptPlay(round(at.timestamp()), songs[own], 200_000) for at, own in heard.items()]
    ImportedDays(store).add("ada", plays, number=number)


def test_facts_become_months_in_any_order_and_once(store: Store, settings: Settings) -> None:
    keeper = MemoryKeeper(store, settings)
    facts = some_facts()
    for fact in reversed(facts):  # one by one, the last first, with a round after each
        count(store, settings, [fact])
        keeper.run(settled=AT_ONCE)
    first = months(store), months(store, "ben")
    own = first[0][month_of(MONTH)].live
    assert own.tracks == ["a", "b"]
    assert own.at[0] == facts[1].start
    assert own.weights[0] == pytest.approx(4 * (settings.signals.play + settings.signals.complete))
    assert Memories(store).loved(["ben"])["ben"].tracks == ["b"]
    assert keeper.run(settled=AT_ONCE) == 0

    count(store, settings, facts)  # counted again, as by a recount
    assert keeper.run(settled=AT_ONCE) > 0
    keeper.renew(["ada", "ben"])
    assert (months(store), months(store, "ben")) == first


def test_facts_of_an_earlier_release_become_memories(store: Store, settings: Settings) -> None:
    count(store, settings, some_facts())
    CountedWindows(store).documents.update_many({}, {"$unset": {"remembered": ""}})
    MemoryKeeper(store, settings).run(settled=AT_ONCE)
    assert month_of(MONTH) in months(store)


def test_a_window_that_changes_meanwhile_is_taken_again(store: Store, settings: Settings) -> None:
    windows, facts = CountedWindows(store), some_facts()
    count(store, settings, facts[:1])
    day = facts[0].start
    [known] = windows.windows_to_remember(windows.days_to_remember(before=None))
    count(store, settings, [a_fact("ada", MONTH + timedelta(days=2), {"a": 9})])
    windows.remembered([known])
    assert MemoryKeeper(store, settings).run(settled=AT_ONCE) == 1
    assert months(store)[month_of(MONTH)].live.at == [day]


def test_days_that_still_change_wait(store: Store, settings: Settings) -> None:
    count(store, settings, some_facts())
    assert MemoryKeeper(store, settings).run(settled=timedelta(hours=1)) == 0


def test_what_old_facts_told_outlives_them(store: Store, settings: Settings) -> None:
    keeper = MemoryKeeper(store, settings)
    old = NOW - settings.retention.listening + timedelta(days=5)
    count(store, settings, [a_fact("ada", old, {"a": 3}), a_fact("ada", old + timedelta(days=1), {"b": 1})])
    keeper.run(settled=AT_ONCE)
    before = months(store)
    Listening(store).documents.delete_many({"start": {"$lt": old + timedelta(hours=1)}})
    keeper.renew(["ada"])
    assert months(store) == before


def test_imported_plays_are_remembered_and_taken_back(store: Store, settings: Settings) -> None:
    keeper = MemoryKeeper(store, settings)
    years_ago = NOW - timedelta(days=5 * 365)
    imported(store, {years_ago: "old", years_ago + timedelta(hours=1): "old", NOW - timedelta(days=400): "a"})
    count(store, settings, some_facts())
    keeper.run(settled=AT_ONCE)
    keeper.renew(["ada"])
    loved = Memories(store).loved(["ada"])["ada"]
    assert set(loved.tracks) == {"a", "b", "c", "old"}
    assert abs(loved.last["old"] / 1000 - years_ago.timestamp()) < 2 * 3600
    ImportedDays(store).withdraw("ada", 1)
    keeper.renew(["ada"])
    assert set(Memories(store).loved(["ada"])["ada"].tracks) == {"a", "b", "c"}


def test_a_forgotten_evening_is_left_out_and_comes_back(store: Store, settings: Settings) -> None:
    keeper, facts = MemoryKeeper(store, settings), some_facts()
    imported(store, {MONTH + timedelta(days=40, minutes=1): "party"})
    count(store, settings, facts)
    keeper.run(settled=AT_ONCE)
    keeper.renew(["ada"])
    before = months(store)
    evening = Span(facts[2].start, facts[2].start + 6 * 3_600_000)
    Corrections(store).forget_span("ada", evening)
    keeper.renew(["ada"])
    assert set(Memories(store).loved(["ada"])["ada"].tracks) == {"a", "b"}
    Corrections(store).remember_span("ada", evening)
    keeper.renew(["ada"])
    assert months(store) == before


def test_nothing_is_kept_of_a_listener_who_has_left(store: Store, settings: Settings) -> None:
    count(store, settings, some_facts())
    imported(store, {NOW - timedelta(days=9): "a"})
    Forgotten(store).remember("ada", plays_kept=timedelta(days=30))
    keeper = MemoryKeeper(store, settings)
    keeper.run(settled=AT_ONCE)
    keeper.renew(["ada"])
    assert months(store) == {}
    assert months(store, "ben")
