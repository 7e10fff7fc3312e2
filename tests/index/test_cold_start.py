from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.index.cold_start import varied_selection
from tests.index.corpus import clustered
from tests.memory import memory
from tests.properties import examples


@st.composite
def libraries(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(1, 60))
    artists = draw(st.lists(st.integers(-1, 12), min_size=count, max_size=count))
    return clustered(count, 5, clusters=6, seed=draw(st.integers(0, 50))), np.array(artists, dtype=np.int32)


@given(library=libraries(), size=st.integers(0, 70))
def test_all_different_and_as_many_as_asked_for_or_there_are(
    library: tuple[np.ndarray, np.ndarray], size: int
) -> None:
    rows = varied_selection(*library, size=size)
    assert rows.dtype == np.int32
    assert len(rows) == len(set(rows.tolist())) == min(size, len(library[0]))


@given(library=libraries(), size=st.integers(0, 70))
def test_no_artist_comes_again_before_every_artist_has_come(
    library: tuple[np.ndarray, np.ndarray], size: int
) -> None:
    vectors, artists = library
    rows = varied_selection(vectors, artists, size=size)
    taken: dict[int, int] = {}
    left = {artist: int((artists == artist).sum()) for artist in set(artists.tolist()) if artist >= 0}
    for artist in artists[rows].tolist():
        if artist >= 0:
            assert taken.get(artist, 0) == min(taken.get(other, 0) for other in left)
            taken[artist] = taken.get(artist, 0) + 1
            left[artist] -= 1
            if not left[artist]:
                del left[artist]


@given(library=libraries())
def test_each_is_the_farthest_from_those_before_it(library: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, artists = library
    everyone_differs = np.arange(len(artists))
    rows = varied_selection(vectors, everyone_differs, size=10)
    for place in range(1, len(rows)):
        similarity = (vectors @ vectors[rows[:place]].T).max(axis=1)
        similarity[rows[:place]] = np.inf
        assert similarity[rows[place]] <= similarity.min() + 1e-6


@examples(20)
@given(seed=st.integers(0, 1000))
def test_every_far_cluster_is_in_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.repeat(np.arange(8), [50, 1, 1, 20, 3, 2, 10, 1]))
    vectors = np.eye(8)[cluster] + rng.normal(0, 0.02, (len(cluster), 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    rows = varied_selection(vectors, np.arange(len(vectors)), size=8)
    assert set(cluster[rows]) == set(range(8))


def test_it_begins_with_the_most_popular() -> None:
    vectors = clustered(50, 5)
    popularity = np.arange(50) % 37
    assert varied_selection(vectors, np.arange(50), popularity=popularity, size=5)[0] == 36


@pytest.mark.parametrize("popular", [False, True])
def test_of_a_large_library_only_a_part_is_considered(popular: bool) -> None:
    """Considering all tracks would take their size at least; comparing all with all, 48 GB."""
    vectors = clustered(110_000, 16)
    popularity = np.arange(110_000) if popular else None
    artists = np.arange(110_000, dtype=np.int32) // 10
    with memory() as peak:
        rows = varied_selection(vectors, artists, popularity=popularity, size=100)
    assert 0 < peak() < vectors.nbytes // 2
    assert len(set(artists[rows])) == 100
    assert not popular or rows.min() >= 90_000
    assert rows.tolist() == varied_selection(vectors, artists, popularity=popularity, size=100).tolist()
