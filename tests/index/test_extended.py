"""An extended index: which items stay, and the bundle that a pass for a few new tracks makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.index.bundle import Bundle, BundleError, Contents, load_bundle, version_of, write_bundle
from segue.index.extended import MOST_REMOVED, items_after
from segue.index.manifest import Manifest
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from tests.index.corpus import annoy, backend_named, clustered

POOL = clustered(2_000, 16, seed=5)


def contents(rows: np.ndarray, **others: Any) -> Contents:
    """Tracks named after their place in the pool, so that new ones lie between the known ones."""
    return Contents(
        vectors=POOL[rows],
        track_ids=encode_ids([f"t{row:06d}" for row in rows.tolist()]),
        artists=np.zeros(len(rows), dtype=np.int32),
        cold_start=np.zeros(1, dtype=np.int32),
        **others,
    )


def bundle(
    folder: Path, rows: np.ndarray, *, extends: Bundle | None = None, backend: str = "annoy"
) -> Bundle:
    new = contents(rows)
    if extends is not None:
        items = items_after(extends, vectors=new.vectors, track_ids=new.track_ids, most=0.5)
        assert items is not None
        new = contents(rows, indexed_rows=items)
    manifest = write_bundle(folder, new, space="s", backend=backend_named(backend), extends=extends)
    return load_bundle(folder / manifest.version)


@pytest.mark.parametrize("backend", ["annoy", "voyager"])
def test_new_tracks_are_neighbours_at_once_and_removed_ones_no_more(tmp_path: Path, backend: str) -> None:
    every = np.arange(2_000)
    first = bundle(tmp_path, every[every % 10 != 3], backend=backend)
    second = bundle(tmp_path, every[every % 50 != 7], extends=first, backend=backend)  # 200 more, 40 fewer
    third = bundle(tmp_path, every[every % 50 != 9], extends=second, backend=backend)
    for extended in (second, third):
        assert extended.manifest.base == first.version
        rows, _ = extended.neighbours.query(extended.vectors, 1)
        assert rows[:, 0].tolist() == list(range(len(extended.vectors)))
        assert extended.manifest.recall20 >= 0.95
    assert len({first.version, second.version, third.version}) == 3


def test_the_file_of_the_backend_is_shared_and_outlives_the_former_folder(tmp_path: Path) -> None:
    first = bundle(tmp_path, np.arange(0, 500, 2))
    second = bundle(tmp_path, np.arange(0, 500), extends=first)
    shared = second.path / "index.ann"
    assert shared.samefile(first.path / "index.ann")
    for file in first.path.iterdir():
        file.unlink()
    assert load_bundle(second.path).neighbours.query(POOL[:1], 1)[0].tolist() == [[0]]


def test_a_changed_vector_is_found_under_its_new_place(tmp_path: Path) -> None:
    first = bundle(tmp_path, np.arange(300))
    moved = POOL[:300].copy()
    moved[17] = POOL[1_900]
    new = contents(np.arange(300))
    items = items_after(first, vectors=moved, track_ids=new.track_ids, most=0.5)
    assert items is not None
    assert items[17] == -1
    assert np.delete(items, 17).tolist() == [row for row in range(300) if row != 17]


def test_many_new_or_removed_tracks_ask_for_a_complete_index() -> None:
    def after(before: np.ndarray, now: np.ndarray, *, most: float) -> np.ndarray | None:
        new = contents(now)
        former = TrackIndex.in_memory(contents(before))
        return items_after(former, vectors=new.vectors, track_ids=new.track_ids, most=most)

    every = np.arange(2_000)
    assert after(every[:1_900], every, most=0.05) is not None
    assert after(every[:1_899], every, most=0.05) is None
    assert after(every, every[MOST_REMOVED:], most=1) is not None
    assert after(every, every[MOST_REMOVED + 1 :], most=1) is None
    assert after(every[:10], every[5:10], most=1) is not None
    assert after(every[:10], every[6:10], most=1) is None
    assert after(every, every[:1], most=0) is None


def test_a_complete_index_of_the_same_tracks_has_another_version() -> None:
    rows = np.arange(50)
    complete = version_of(contents(rows), space="s", backend=annoy())
    extended = contents(rows, indexed_rows=np.arange(50, dtype=np.int32))
    assert version_of(extended, space="s", backend=annoy(), base="b") != complete


@pytest.mark.parametrize("items", [[0, 0, 1], [0, 60], [-2]])
def test_items_that_cannot_be_are_refused(items: list[int]) -> None:
    with pytest.raises(BundleError, match=r"indexed_rows\.npy"):
        contents(np.arange(50), indexed_rows=np.array(items, dtype=np.int32)).check()


def test_earlier_releases_can_read_the_manifest_of_a_complete_bundle(tmp_path: Path) -> None:
    first = bundle(tmp_path, np.arange(40))
    assert "base" not in first.manifest.document()
    second = bundle(tmp_path, np.arange(50), extends=first)
    assert Manifest.model_validate(second.manifest.document()) == second.manifest
