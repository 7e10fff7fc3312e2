from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.index.backends import BACKENDS, chosen_backend
from segue.index.bundle import Contents, load_bundle, write_bundle
from segue.index.track_ids import encode_ids
from segue.index.transition_rules import RuleTable
from segue.settings import AnnoySettings, load_settings
from tests.index.corpus import annoy, backend_named, clustered, columns, write
from tests.memory import memory


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_written_bundle_is_loaded(tmp_path: Path, backend: str) -> None:
    manifest = write(tmp_path, backend=backend_named(backend), created_at=datetime(2024, 5, 1, tzinfo=UTC))
    loaded = load_bundle(tmp_path / manifest.version)
    assert loaded.manifest == manifest
    for name, array in columns().items():
        assert np.array_equal(getattr(loaded, name), array)
        assert getattr(loaded, name).dtype == array.dtype
    assert loaded.neighbours.query(loaded.vectors[:5], 1)[0][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_song_versions_and_transition_rules_are_written_loaded_and_make_another_version(
    tmp_path: Path,
) -> None:
    bounds = np.r_[0, np.full(60, 2)].astype(np.int64)
    rules = RuleTable(bounds, np.array([5, 7], np.int32), np.array([1.0, 0.5], np.float32))
    songs = np.arange(60, dtype=np.int32)
    artist_tracks = RuleTable(np.arange(21), np.arange(0, 60, 3, dtype=np.int32), np.ones(20, np.float32))
    plain, known = (
        write(tmp_path),
        write(tmp_path, songs=songs, transition_rules=rules, artist_tracks=artist_tracks),
    )
    assert plain.version != known.version
    loaded = load_bundle(tmp_path / known.version)
    assert loaded.songs.tolist() == songs.tolist()
    assert loaded.transition_rules is not None
    for name in ("bounds", "rows", "scores"):
        assert np.array_equal(getattr(loaded.transition_rules, name), getattr(rules, name))
    assert isinstance(loaded.transition_rules.scores.base, np.memmap)
    assert loaded.artist_tracks is not None
    for name in ("bounds", "rows", "scores"):
        assert np.array_equal(getattr(loaded.artist_tracks, name), getattr(artist_tracks, name))


def test_a_bundle_from_before_has_neither(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    assert loaded.transition_rules is None
    assert loaded.artist_tracks is None
    assert loaded.songs.tolist() == [-1] * 60


def test_the_manifest_lists_the_contents(tmp_path: Path) -> None:
    manifest = write(tmp_path, backend=annoy(trees=7, search_k=900), recall_queries=25)
    assert (manifest.count, manifest.dimension) == (60, 8)
    assert (manifest.backend, manifest.parameters) == ("annoy", {"trees": 7, "search_k": 900})
    assert (manifest.space, manifest.metric, manifest.recall_queries) == ("space1", "cosine", 25)
    assert manifest.recall20 > 0.9
    assert manifest.latency_ms > 0
    assert set(manifest.files) == {
        *("index.ann", "vectors.npy", "track_ids.npy", "artists.npy", "cold_start.npy")
    }


def test_the_arrays_are_mapped_and_cannot_be_changed(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    assert isinstance(loaded.vectors.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        loaded.vectors[0, 0] = 1


def test_unknown_ids_have_no_row(bundle: Path) -> None:
    assert load_bundle(bundle).rows(["t00007", "unknown", "", "t00000"]).tolist() == [7, -1, -1, 0]


@pytest.mark.parametrize("rows", [[-1], [60], [3, -1]])
def test_a_row_that_does_not_exist_has_no_id(bundle: Path, rows: list[int]) -> None:
    with pytest.raises(IndexError, match="the bundle has 0 to 59"):
        load_bundle(bundle).ids(rows)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    return folder / write(folder).version


@given(rows=st.lists(st.integers(0, 59)))
def test_rows_and_ids_are_each_others_inverse(shared: Path, rows: list[int]) -> None:
    loaded = load_bundle(shared)
    assert loaded.rows(loaded.ids(rows)).tolist() == rows


def test_the_same_corpus_has_the_same_version_and_is_not_written_again(tmp_path: Path) -> None:
    first = write(tmp_path, created_at=datetime(2024, 5, 1, tzinfo=UTC))
    inode = (tmp_path / first.version / "vectors.npy").stat().st_ino
    assert write(tmp_path) == first
    assert (tmp_path / first.version / "vectors.npy").stat().st_ino == inode


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 2},
        {"space": "space2"},
        {"backend": annoy(trees=11)},
        {"backend": annoy(search_k=50)},
        {"backend": backend_named("exact")},
    ],
)
def test_another_corpus_or_setting_has_another_version(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert write(tmp_path).version != write(tmp_path, **changed).version


def test_a_setting_that_the_backend_does_not_know_changes_nothing(tmp_path: Path) -> None:
    settings = load_settings().index.model_copy(update={"backend": "exact"})
    other = settings.model_copy(update={"annoy": AnnoySettings(n_trees=99, search_k=1)})
    first, second = (write(tmp_path, backend=chosen_backend(one)) for one in (settings, other))
    assert first.version == second.version


def test_loading_by_text_and_path_is_the_same(bundle: Path) -> None:
    assert load_bundle(str(bundle)).version == load_bundle(bundle).version


def test_a_large_catalogue_is_searched_where_it_lies(tmp_path: Path) -> None:
    """rows() must not copy the mapped ids: that would cost each micro-batch the size of the catalogue."""
    count = 200_000
    manifest = write_bundle(
        tmp_path,
        Contents(
            vectors=clustered(count, 2),
            track_ids=encode_ids([f"{row:032d}" for row in range(count)]),
            artists=np.zeros(count, np.int32),
            cold_start=np.zeros(1, np.int32),
        ),
        space="s",
        backend=backend_named("exact"),
        recall_queries=1,
    )
    loaded = load_bundle(tmp_path / manifest.version)
    wanted = [f"{row:032d}" for row in range(0, count, 20_000)] + ["x" * 40]
    loaded.rows(wanted)
    with memory() as peak:
        rows = loaded.rows(wanted)
    # Neither the ids nor a mark for each of them.
    assert 0 < peak() < count // 10
    assert rows.tolist() == [*range(0, count, 20_000), -1]
