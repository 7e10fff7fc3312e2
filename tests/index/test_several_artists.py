"""Tracks of several main artists, from the catalogue to the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.catalog.tracks import IndexedTrack
from segue.index.backends import chosen_backend
from segue.index.bundle import BundleError, load_bundle, write_bundle
from segue.index.contents import Contents, computed
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import artist_tracks_of
from segue.settings import load_settings

TRACKS = [
    IndexedTrack("Ann", "Alone", artists=["Ann"]),
    IndexedTrack("Ann, Bo", "Duet", artists=["Ann", "Bo"]),
    IndexedTrack("Bó & Zoë", "Other duet", artists=["Bó", "Zoë", "Bo"]),
    IndexedTrack("Unknown artist", "Nobody", artists=[]),
    IndexedTrack("Ann, Bo", "Read by an earlier release"),
]
IDS = encode_ids(["a", "b", "c", "d", "e"])


def contents(tracks: list[IndexedTrack], **others: Any) -> Contents:
    vectors = np.eye(len(tracks), 6, dtype=np.float32)
    return Contents(
        vectors=vectors,
        track_ids=IDS[: len(tracks)],
        cold_start=np.zeros(1, np.int32),
        **(computed(tracks) | others),
    )


def test_each_main_artist_has_one_code() -> None:
    index = TrackIndex.in_memory(contents(TRACKS))
    ann, duo, bo, zoe = range(4)  # in the order of their keys; the duo is a text that was not taken apart
    assert index.artists.tolist() == [ann, ann, bo, -1, duo]
    assert index.others_by_row == {1: (bo,), 2: (zoe,)}
    places, found = index.artists_of(np.array([2, 3, 1]))
    pairs = sorted(zip(places.tolist(), found.tolist(), strict=True))
    assert pairs == sorted([(0, bo), (0, zoe), (2, ann), (2, bo)])


def test_the_tracks_of_an_artist_include_those_with_others() -> None:
    of_catalogue = computed(TRACKS)
    model = {"track_ids": encode_ids(["c"]), "listeners": np.array([7], np.int32)}
    table = artist_tracks_of(
        model,
        track_ids=IDS,
        artists=of_catalogue["artists"],
        others=of_catalogue["other_artists"],
    )
    assert table is not None
    contents(TRACKS, artist_tracks=table).check()
    bo = int(of_catalogue["artists"][2])
    assert table.rows[table.bounds[bo] : table.bounds[bo + 1]].tolist() == [2, 1]


def test_a_bundle_keeps_them(tmp_path: Path) -> None:
    backend = chosen_backend(load_settings().index)
    manifest = write_bundle(tmp_path, contents(TRACKS), space="s", backend=backend, recall_queries=1)
    loaded = load_bundle(tmp_path / manifest.version)
    assert loaded.others_by_row == TrackIndex.in_memory(contents(TRACKS)).others_by_row


def test_a_library_without_several_artists_has_the_bundle_of_earlier_releases(tmp_path: Path) -> None:
    backend = chosen_backend(load_settings().index)
    apart = [IndexedTrack("Ann", "x", artists=["Ann"]), IndexedTrack("Bo", "y", artists=["Bo"])]
    before = [track._replace(artists=()) for track in apart]
    versions = {
        write_bundle(tmp_path, contents(those), space="s", backend=backend, recall_queries=1).version
        for those in (apart, before)
    }
    [version] = versions
    assert not (tmp_path / version / "other_artists.npy").exists()


@pytest.mark.parametrize("pairs", [[[9, 0]], [[1, -1]], [[2, 0], [1, 0]], [[1, 0, 0]]])
def test_wrong_pairs_are_refused(pairs: list[list[int]]) -> None:
    with pytest.raises(BundleError, match=r"other_artists\.npy"):
        contents(TRACKS, other_artists=np.array(pairs, np.int32)).check()
