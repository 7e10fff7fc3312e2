"""The limit on one artist, in every stretch of a list."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.reranking import limit_artists, spread_artists


def test_a_third_of_one_artist_waits_for_its_place() -> None:
    artists = [0, 0, 0, 1, 2, 3]
    found = limit_artists(range(6), ArtistLimit(artists, 2, 3), items=6)
    assert found == [0, 1, 3, 2, 4, 5]


def test_unknown_artists_are_not_limited() -> None:
    assert limit_artists(range(4), ArtistLimit([-1] * 4, 1, 10), items=4) == [0, 1, 2, 3]


@given(
    st.lists(st.integers(0, 4), max_size=40),
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 10),
)
def test_no_stretch_holds_too_many_and_nothing_comes_twice(
    artists: list[int], items: int, per_artist: int, window: int
) -> None:
    found = limit_artists(range(len(artists)), ArtistLimit(artists, per_artist, window), items=items)
    assert len(found) == len(set(found)) <= items
    if window > per_artist:
        for i in range(len(found)):
            stretch = [artists[row] for row in found[i : i + window]]
            assert max((stretch.count(artist) for artist in stretch), default=0) <= per_artist


@given(st.lists(st.integers(0, 3), max_size=30))
def test_without_a_limit_the_order_stays(artists: list[int]) -> None:
    rows = list(range(len(artists)))
    assert limit_artists(rows, ArtistLimit(artists, 99, 10), items=99) == rows


@pytest.mark.parametrize("artists", [1, 2, 3, 4])
def test_a_library_of_few_artists_does_not_run_dry(artists: int) -> None:
    limit = ArtistLimit([row % artists for row in range(60)], 2, 10)
    strict = limit_artists(range(60), limit, items=20)
    found = spread_artists(range(60), limit, items=20)
    assert len(strict) == 2 * artists and found[: len(strict)] == strict
    assert len(found) == len(set(found)) == 20
    # As rarely as possible: the artists take turns.
    assert all(
        len(set(np.array(found[at : at + artists]) % artists)) == artists for at in range(8, 20 - artists)
    )


def test_a_limit_that_can_be_kept_is_kept() -> None:
    limit = ArtistLimit([0] * 30 + list(range(1, 31)), 2, 10)
    found = spread_artists(range(60), limit, items=20)
    assert limit.holds(found)


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True), max_size=40),
    st.integers(1, 3),
    st.integers(1, 10),
)
def test_a_song_of_several_artists_counts_for_each(
    credits: list[list[int]], per_artist: int, window: int
) -> None:
    others = {row: tuple(names[1:]) for row, names in enumerate(credits) if names[1:]}
    limit = ArtistLimit([names[0] for names in credits], per_artist, window, others)
    found = limit_artists(range(len(credits)), limit, items=20)
    assert len(found) == len(set(found))
    if window > per_artist:
        for start in range(len(found)):
            stretch = [artist for row in found[start : start + window] for artist in credits[row]]
            assert max((stretch.count(artist) for artist in stretch), default=0) <= per_artist
    assert limit.holds(found)
    filled = spread_artists(range(len(credits)), limit, items=20)
    assert filled[: len(found)] == found and sorted(filled) == sorted(set(filled))
    assert len(filled) == min(20, len(credits))


def test_a_guest_of_a_duet_has_had_a_turn() -> None:
    """Ann, Ann & Bo, Bo, Cy: with one song each in a row of three, the duet keeps both away."""
    limit = ArtistLimit([0, 0, 1, 2, 3], 1, 3, {1: (1,)})
    assert limit_artists([1, 0, 2, 3, 4], limit, items=5) == [1, 3, 4, 0, 2]
