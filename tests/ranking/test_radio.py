"""A radio goes on for ever, stays like its seed, and never plays too much of one artist."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.index.contents import Contents
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.ranking.radio import tune
from segue.settings import load_settings

RANKING = load_settings().ranking


def library(tracks: int, artists: int, *, seed: int = 0) -> TrackIndex:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(tracks, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    contents = Contents(
        vectors=vectors,
        track_ids=encode_ids([f"{row:04d}" for row in range(tracks)]),
        artists=np.arange(tracks, dtype=np.int32) % artists,
        cold_start=np.empty(0, dtype=np.int32),
    )
    return TrackIndex.in_memory(contents)


def listen(
    bundle: TrackIndex, tracks: int, *, seed: int = 0, avoid: frozenset[int] = frozenset(), items: int = 6
) -> list[int]:
    played = [seed]
    while len(played) < tracks:
        found = tune(seed, played=played[-100:], bundle=bundle, ranking=RANKING, avoid=avoid, items=items)
        assert found, f"the radio ended after {len(played)} tracks"
        played += found
    return played


@pytest.mark.parametrize("artists", [6, 40])
def test_it_never_ends_and_no_artist_comes_more_than_twice_in_ten(artists: int) -> None:
    bundle = library(60, artists)
    played = listen(bundle, 300)
    for start in range(len(played) - 9):
        of = bundle.artists[played[start : start + 10]]
        assert np.bincount(of).max() <= RANKING.max_per_artist


def test_nothing_comes_again_while_there_is_something_else() -> None:
    played = listen(library(80, 80), 80)
    assert sorted(played[:80]) == list(range(80))


def test_it_stays_near_its_seed() -> None:
    bundle = library(5000, 5000)
    played = listen(bundle, 60)
    assert (bundle.vectors[played] @ bundle.vectors[0]).mean() > 0.6


def test_a_disliked_track_never_comes() -> None:
    bundle = library(40, 40)
    assert not set(listen(bundle, 120, avoid=frozenset({3, 4, 5}))) & {3, 4, 5}


def test_other_versions_of_a_played_song_do_not_come() -> None:
    bundle = replace(library(tracks=60, artists=60), songs=np.arange(60, dtype=np.int32) // 2)
    found = listen(bundle, 20)
    assert len({row // 2 for row in found}) == len(found)
