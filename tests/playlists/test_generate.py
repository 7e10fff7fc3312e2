"""Generated lists: rules that hold for each of them in any library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.index.contents import Contents
from segue.playlists.generate import continue_list, daily_mix, discover
from segue.playlists.path import path
from segue.playlists.transitions import Material, Transitions, arrange
from segue.ranking.artist_limit import ArtistLimit
from tests.playlists.shelf import Shelf, limit_holds_if_it_can, shelf
from tests.properties import examples

libraries = st.builds(shelf, st.integers(0, 10_000), tracks=st.integers(12, 120), artists=st.integers(2, 40))
some = examples(40)


def drawn(data: st.DataObject, library: Shelf, *, least: int = 0, most: int = 8) -> list[int]:
    rows = st.integers(0, len(library.vectors) - 1)
    return data.draw(st.lists(rows, unique=True, min_size=least, max_size=most))


@some
@given(libraries, st.data(), st.integers(1, 25))
def test_a_continuation_of_a_list_is_new_to_it_and_keeps_the_limit(
    library: Shelf, data: st.DataObject, items: int
) -> None:
    _check_what_goes_on(library, drawn(data, library), drawn(data, library), items=items)


def test_a_version_that_fits_is_not_hidden_by_one_that_does_not() -> None:
    """Row 7 and the nearer row 8 are one song; only row 7 is by an artist who may come after the list."""
    library = shelf(503, tracks=12, artists=2)
    assert library.songs[7] == library.songs[8]
    _check_what_goes_on(library, [0, 1, 2, 3, 4], [], items=1)


def _check_what_goes_on(library: Shelf, playlist: list[int], avoid: list[int], *, items: int) -> None:
    found = continue_list(
        playlist,
        items=items,
        material=Material(library, library.transitions, library.limit),
        avoid=avoid,
    )
    assert len(found) == len(set(found)) <= items
    out = library.versions({*playlist, *avoid})
    assert not set(found) & out
    assert library.one_of_each_song(found)
    left = set(range(len(library.vectors))) - out
    assert bool(found) == (bool(playlist) and bool(left))
    # The listener's own list may break the limit; its continuation does so only in a small library.
    assert limit_holds_if_it_can(found, library, before=playlist)
    if any(library.limit.fits(playlist, row) for row in left):
        assert not found or library.limit.fits(playlist, found[0])


def test_a_continuation_sounds_like_each_of_the_styles_of_the_list() -> None:
    """Songs of two styles at right angles: both come, and the third, which lies between, does not."""
    rng = np.random.default_rng(0)
    library = shelf(0, tracks=90, artists=90)
    axes = np.array([[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0.7, 0.7, 0.1, 0, 0, 0]])
    vectors = np.repeat(axes, 30, axis=0) + rng.normal(0, 0.02, (90, 6))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    contents = Contents(
        vectors=vectors,
        track_ids=library.track_ids,
        artists=np.arange(90, dtype=np.int32),
        cold_start=np.arange(9, dtype=np.int32),
    )
    library = Shelf.of(contents, library.moods)
    found = continue_list(
        [0, 1, 2, 30, 31, 32],
        items=20,
        material=Material(library, library.transitions, library.limit),
    )
    styles = [row // 30 for row in found]
    assert len(found) == 20
    assert styles.count(0) >= 5 and styles.count(1) >= 5 and not styles.count(2)


@some
@given(libraries, st.data(), st.integers(2, 20))
def test_a_path_begins_and_ends_where_it_should(library: Shelf, data: st.DataObject, items: int) -> None:
    first, last = drawn(data, library, least=2, most=2)
    avoid = frozenset(drawn(data, library)) - {first, last}
    found = path(
        first,
        last,
        items=items,
        material=Material(library, library.transitions, library.limit),
        avoid=avoid,
    )
    assert (found[0], found[-1]) == (first, last)
    assert len(found) == len(set(found)) <= items
    assert not set(found[1:-1]) & library.versions({first, last, *avoid})
    assert library.one_of_each_song(found[1:-1])
    assert limit_holds_if_it_can(found, library)


@examples(60)
@given(
    st.builds(shelf, st.integers(0, 10_000), tracks=st.integers(60, 200), artists=st.integers(30, 60)),
    st.integers(0, 10_000),
)
def test_a_paths_largest_step_is_smaller_than_that_of_a_random_path(library: Shelf, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, last, *others = rng.permutation(len(library.vectors)).tolist()
    found = path(first, last, items=8, material=Material(library, library.transitions, library.limit))
    assert len(found) == 8
    largest = library.transitions.along(found).max()
    at_random = [first, *others[:6], last]
    assert largest < library.transitions.along(at_random).max()


@pytest.mark.parametrize(("first", "last", "items"), [(3, 3, 5), (0, 1, 1)])
def test_no_path_from_a_song_to_itself(first: int, last: int, items: int) -> None:
    library = shelf(1, tracks=20, artists=20)
    with pytest.raises(ValueError, match="a path of"):
        path(first, last, items=items, material=Material(library, library.transitions, library.limit))


@some
@given(libraries, st.data(), st.integers(1, 25), st.floats(0, 1))
def test_a_mix_is_of_liked_and_unheard_songs(
    library: Shelf, data: st.DataObject, items: int, familiar: float
) -> None:
    liked = dict.fromkeys(drawn(data, library, most=15), 1.0)
    heard, avoid = drawn(data, library), drawn(data, library)

    def made(seed: str) -> list[int]:
        return daily_mix(
            liked,
            seed=seed,
            items=items,
            familiar=familiar,
            material=Material(library, library.transitions, library.limit),
            heard=heard,
            avoid=avoid,
        )

    found = made("ada, Monday")
    assert found == made("ada, Monday")
    assert len(found) == len(set(found)) <= items
    assert not set(found) & set(avoid)
    assert not set(found) & (set(heard) - set(liked))
    assert not set(found) & (library.versions({*liked, *heard, *avoid}) - set(liked))
    assert library.one_of_each_song(found)
    assert bool(found) == bool(set(liked) - set(avoid))
    assert limit_holds_if_it_can(found, library)


def test_a_mix_has_its_share_of_known_songs_and_changes_with_the_day() -> None:
    library = replace(shelf(3, tracks=400, artists=400), songs=np.full(400, -1))
    liked = {row: 1.0 for row in range(40)}

    def made(seed: str) -> list[int]:
        return daily_mix(
            liked,
            seed=seed,
            items=20,
            familiar=0.5,
            material=Material(library, library.transitions, library.limit),
        )

    monday, tuesday = made("ada 1"), made("ada 2")
    assert sum(row in liked for row in monday) == 10
    assert len(monday) == 20
    assert len(set(monday) & set(tuesday)) < 15


@some
@given(libraries, st.data(), st.integers(1, 25))
def test_a_heard_song_is_never_discovered(library: Shelf, data: st.DataObject, items: int) -> None:
    heard = set(drawn(data, library, most=30))
    liked = {row: 1.0 for row in sorted(heard)[: data.draw(st.integers(0, 10))]}
    avoid = drawn(data, library)
    found = discover(
        liked,
        seed="ada",
        items=items,
        material=Material(library, library.transitions, library.limit),
        heard=heard,
        avoid=avoid,
    )
    assert len(found) == len(set(found)) <= items
    out = library.versions({*heard, *avoid})
    assert not set(found) & out
    assert library.one_of_each_song(found)
    offered = range(len(library.vectors)) if liked else library.cold_start.tolist()
    assert bool(found) == bool(set(offered) - out)
    assert limit_holds_if_it_can(found, library)


def test_artists_never_heard_are_discovered_first() -> None:
    library = shelf(4, tracks=300, artists=60)
    heard = {row for row in range(300) if 0 <= library.artists[row] < 30 and row % 2}
    found = discover(
        {min(heard): 1.0},
        seed="ada",
        items=10,
        material=Material(library, library.transitions, library.limit),
        heard=heard,
    )
    met = {artist for row in heard for artist in library.limit.artists_of(row)}
    assert not met & {artist for row in found for artist in library.limit.artists_of(row)}


@some
@given(libraries, st.data())
def test_arranging_keeps_the_songs_and_makes_no_list_rougher(library: Shelf, data: st.DataObject) -> None:
    rows, before = drawn(data, library, most=20), drawn(data, library)
    rows = [row for row in rows if row not in before]
    found = arrange(rows, transitions=library.transitions, limit=library.limit, before=before)
    assert sorted(found) == sorted(rows)
    if library.limit.holds([*before, *rows], start=len(before)):
        assert library.limit.holds([*before, *found], start=len(before))
    last = before[-1:]
    if library.limit.holds([*before, *rows], start=len(before)) and len(rows) > 1:
        rough, smooth = (np.square(library.transitions.along([*last, *one])).sum() for one in (rows, found))
        assert smooth <= rough + 1e-9


def test_a_shuffled_line_is_put_in_order() -> None:
    angles = np.linspace(0, 3, 20)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    shuffled = np.random.default_rng(0).permutation(20).tolist()
    found = arrange(shuffled, transitions=Transitions(vectors), limit=ArtistLimit(range(20), 2, 10))
    assert found in (list(range(20)), list(range(19, -1, -1)))


@given(libraries, st.data())
@some
def test_steps_are_a_distance(library: Shelf, data: st.DataObject) -> None:
    rows = drawn(data, library, least=3, most=3)
    moods = np.nan_to_num(library.moods, nan=0.5)  # an unknown value adds no distance
    steps = Transitions(library.vectors, moods).steps(rows, rows)
    np.testing.assert_allclose(steps, steps.T)
    np.testing.assert_allclose(np.diagonal(steps), 0, atol=1e-3)
    assert steps[0, 2] <= steps[0, 1] + steps[1, 2] + 1e-6


@pytest.mark.parametrize("artists", [1, 2, 3])
def test_a_library_of_few_artists_fills_every_list(artists: int) -> None:
    library = replace(
        shelf(6, tracks=60, artists=artists),
        artists=np.arange(60, dtype=np.int32) % artists,
        songs=np.full(60, -1),
    )
    material = Material(library, library.transitions, library.limit)
    lists = [
        continue_list([0, 1], items=20, material=material),
        daily_mix({0: 1.0}, seed="a", items=20, familiar=0.2, material=material, heard=()),
        discover({0: 1.0}, seed="a", items=20, material=material, heard=()),
        path(0, 59, items=20, material=material),
    ]
    for rows in lists:
        assert len(rows) == len(set(rows)) == 20
        # The artists share the list evenly: the limit gives way as little as possible.
        assert np.bincount(library.artists[rows[:10]]).max() <= -(-10 // artists) + 1
