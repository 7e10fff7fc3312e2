"""Memories follow from plays alone, stay small and forget slowly; corrections are kept and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import SegueError
from segue.storage.store import Store
from segue.taste import corrections as module
from segue.taste.corrections import Corrections, ListenerCorrections, Rule, Span
from segue.taste.memory import (
    MONTHS,
    TRACKS_IN_MONTH,
    Loved,
    Memories,
    Month,
    Months,
    added_up,
    begins,
    month_of,
    strongest,
)

YEAR = timedelta(days=365.25)
SUMS = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.tuples(st.floats(-9, 9, allow_nan=False), st.integers(0, 10**12)),
    max_size=60,
)


def month(**weights: float) -> Month:
    return Month(live=strongest({track: (weight, 1000) for track, weight in weights.items()}))


@given(SUMS)
def test_a_month_keeps_the_strongest_whatever_the_order(sums: dict[str, tuple[float, int]]) -> None:
    kept = strongest(sums)
    assert kept == strongest(dict(reversed(sums.items())))
    assert len(kept.tracks) <= TRACKS_IN_MONTH
    weakest = min((abs(weight) for weight in kept.weights), default=0.0)
    left = [abs(weight) for track, (weight, _) in sums.items() if track not in kept.tracks]
    assert all(weight <= weakest or not weight for weight in left)


def test_numbers_of_months_and_their_beginnings() -> None:
    assert begins(month_of(datetime(2024, 2, 29, 23, 59, tzinfo=UTC))) == datetime(2024, 2, 1, tzinfo=UTC)
    assert month_of(datetime(2025, 1, 1, tzinfo=UTC)) == month_of(datetime(2024, 12, 31, tzinfo=UTC)) + 1


def test_a_song_of_two_years_ago_counts_a_quarter() -> None:
    months: Months = {24_000: month(old=3.0), 24_024: month(new=3.0)}
    loved = added_up(months, half_life=YEAR, most=9)
    assert loved.tracks == ["new", "old"]
    assert loved.weights[1] / loved.weights[0] == pytest.approx(0.25)


def test_many_plays_in_a_month_count_less_than_the_same_in_many() -> None:
    often = {24_000 + number: month(faithful=1.0) for number in range(10)}
    often[24_009] = month(faithful=1.0, craze=10.0)
    assert added_up(often, half_life=10 * YEAR, most=9).tracks == ["faithful", "craze"]


def test_listeners_who_return_to_old_songs_are_told_from_those_who_do_not() -> None:
    faithful: Months = {24_000: month(a=1.0, b=1.0), 24_007: month(a=1.0), 24_008: month(b=-1.0)}
    restless: Months = {24_000: month(a=1.0), 24_004: month(a=1.0), 24_009: month(b=1.0)}
    young: Months = {24_000: month(a=1.0), 24_001: month(b=1.0)}
    told = [added_up(own, half_life=YEAR, most=9).returning for own in (faithful, restless, young)]
    assert told == [0.5, 0.0, 1.0]


def test_skips_outweigh_an_earlier_love() -> None:
    months: Months = {24_000: month(song=1.0), 24_001: month(song=-2.0, other=1.0)}
    assert added_up(months, half_life=YEAR, most=9).tracks == ["other"]


def test_a_play_that_is_also_imported_counts_once() -> None:
    both = Month(Loved(["a", "b"], [2.0, 1.0], [5, 6]), Loved(["a", "c"], [3.0, 1.0], [4, 7]))
    assert both.together() == {"a": (3.0, 5), "b": (1.0, 6), "c": (1.0, 7)}


@pytest.mark.integration
def test_a_memory_has_a_fixed_size_and_survives_mongodb(store: Store) -> None:
    memories = Memories(store)
    months = {
        number: Month(
            strongest({f"{number}-{track:02d}": (1.0 + track, number) for track in range(50)}),
            Loved(["x"], [1.0], [number]) if number % 2 else Loved(),
        )
        for number in range(24_000, 24_000 + MONTHS + 30)
    }
    memories.write({"ada": months, "ben": {24_000: Month()}}, half_life=YEAR, most=70)
    [kept] = memories.months(["ada", "ben"]).values()
    assert kept == {number: months[number] for number in sorted(months)[-MONTHS:]}
    loved = memories.loved(["ada"])["ada"]
    assert loved == added_up(kept, half_life=YEAR, most=70)
    assert len(loved.tracks) == 70
    memories.write({"ada": {}}, half_life=YEAR, most=70)
    assert memories.loved(["ada"]) == {}


@pytest.mark.integration
def test_corrections_replace_each_other_and_are_taken_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrections = Corrections(store)
    less, never = (Rule("artist", "vela", strength, "Vela") for strength in ("less", "never"))
    style, evening = Rule("genre", "Folk", "less", "Folk"), Span(5, 9)
    for rule in (less, style, never, never):
        corrections.keep_rule("ada", rule)
    for _ in range(2):
        corrections.forget_span("ada", evening)
    kept = corrections.of(["ada", "ben"])
    assert kept == {"ada": ListenerCorrections((style, never), (evening,))}
    assert corrections.spans(["ada"]) == {"ada": (evening,)}
    assert kept["ada"].digest == ListenerCorrections((never, style), (evening,)).digest
    assert kept["ada"].digest != ListenerCorrections((less, style), (evening,)).digest
    corrections.take_back_rule("ada", "artist", "vela")
    corrections.remember_span("ada", evening)
    assert corrections.of(["ada"])["ada"] == ListenerCorrections((style,))
    monkeypatch.setattr(module, "MOST", 2)
    corrections.keep_rule("ada", less)
    with pytest.raises(SegueError, match="Take some back"):
        corrections.keep_rule("ada", Rule("album", "x", "never"))
