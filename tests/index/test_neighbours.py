"""The contract of neighbour indexes: every backend passes it, with exact search as the oracle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segue.errors import SegueError
from segue.index.backends import BACKENDS, chosen_backend, stored_backend
from segue.index.exact import ExactIndex
from segue.index.extended import ExtendedIndex, added_rows
from segue.index.neighbours import NO_ROW, NeighbourIndex
from segue.index.recall import measure_recall
from segue.settings import load_settings
from tests.index.corpus import backend_named, clustered

Open = Callable[..., NeighbourIndex]
VECTORS = clustered(5_000, 24)
TINY = clustered(7, 4)
NARROW = {"annoy": {"search_k": 100}, "voyager": {"ef": 100}}
BROAD = {"annoy": {"search_k": 5000}, "voyager": {"ef": 5000}}
"""Settings of backends that can search more or less broadly."""


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module", params=["complete", "extended"])
def opened(backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Builds an index over vectors and opens it; the same vectors are built once.

    An extended index was built from other rows: it lacks every fourth, and has some that were removed.
    """
    built: dict[bytes, Path] = {}

    def open_(vectors: np.ndarray, **settings: int) -> NeighbourIndex:
        rows, items = vectors, None
        if request.param == "extended" and BACKENDS[backend].file is not None:
            items = former_items(len(vectors))
            removed = clustered(len(items), vectors.shape[1], seed=9)
            rows = np.where((items == NO_ROW)[:, None], removed, vectors[items])
        key = rows.tobytes()
        if key not in built:
            built[key] = tmp_path_factory.mktemp(backend)
            backend_named(backend).build(rows, built[key])
        index = backend_named(backend, **settings).open(vectors, built[key], items=items)
        if items is None:
            return index
        return ExtendedIndex(index, vectors, added_rows(items, count=len(vectors)))

    return open_


def former_items(count: int) -> np.ndarray:
    """Items in another order than the rows, without every fourth row, and with four removed ones."""
    kept = np.flatnonzero(np.arange(count) % 4 != 1).astype(np.int32)[::-1]
    return np.insert(kept, [0, 0, len(kept) // 2, len(kept)], NO_ROW).astype(np.int32)


def test_recall_at_20_is_95_percent_and_more(opened: Open) -> None:
    assert measure_recall(opened(VECTORS), VECTORS, queries=300).recall >= 0.95


def test_recall_holds_for_queries_that_are_no_rows(opened: Open) -> None:
    queries = VECTORS[:100] + VECTORS[100:200]
    _, scores = opened(VECTORS).query(queries, 20)
    _, exact = ExactIndex(VECTORS).query(queries, 20)
    assert (scores >= exact[:, -1:] - 1e-6).mean() >= 0.95


def test_scores_are_the_cosines_of_the_rows_and_fall(opened: Open) -> None:
    queries = 3.5 * VECTORS[:50]
    rows, scores = opened(VECTORS).query(queries, 20)
    cosines = np.einsum("md,mkd->mk", VECTORS[:50].astype(np.float64), VECTORS[rows].astype(np.float64))
    assert np.allclose(scores, cosines, atol=1e-5)
    assert (np.diff(scores, axis=1) <= 0).all()


@pytest.mark.parametrize("k", [1, 2, 20])
def test_a_row_finds_itself_first(opened: Open, k: int) -> None:
    rows, scores = opened(VECTORS).query(VECTORS[:200], k)
    assert rows[:, 0].tolist() == list(range(200))
    assert np.allclose(scores[:, 0], 1, atol=1e-5)


def test_no_row_comes_twice(opened: Open) -> None:
    rows, _ = opened(VECTORS).query(VECTORS[:50], 200)
    assert all(len(set(found)) == 200 for found in rows.tolist())


@pytest.mark.parametrize(("m", "k"), [(0, 5), (3, 0), (0, 0), (1, 1), (4, 7), (2, 12)])
def test_shapes_and_kinds(opened: Open, m: int, k: int) -> None:
    rows, scores = opened(TINY).query(TINY[:m], k)
    assert rows.shape == scores.shape == (m, k)
    assert rows.dtype == np.int32
    assert scores.dtype == np.float32


def test_beyond_the_last_row_there_is_none(opened: Open) -> None:
    rows, scores = opened(TINY).query(TINY[:3], 10)
    assert np.sort(rows[:, :7], axis=1).tolist() == [list(range(7))] * 3
    assert (rows[:, 7:] == -1).all()
    assert (scores[:, 7:] == -np.inf).all()


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_has_no_neighbours_and_leaves_the_others_theirs(
    opened: Open, value: float
) -> None:
    index = opened(TINY)
    rows, scores = index.query(np.stack([TINY[0], np.full(4, value), TINY[1]]), 3)
    alone, _ = index.query(TINY[:2], 3)
    assert rows[1].tolist() == [-1, -1, -1]
    assert scores[1].tolist() == [-np.inf] * 3
    assert rows[[0, 2]].tolist() == alone.tolist()


def test_equal_scores_come_in_the_order_of_rows(opened: Open) -> None:
    twins = np.repeat(clustered(4, 6, seed=3), 3, axis=0)
    rows, _ = opened(twins).query(twins[[4, 9]], 3)
    assert rows.tolist() == [[3, 4, 5], [9, 10, 11]]


def test_a_single_track_is_a_library(opened: Open) -> None:
    rows, _ = opened(TINY[:1]).query(TINY[3:4], 2)
    assert rows.tolist() == [[0, -1]]


def test_a_query_does_not_depend_on_its_company(opened: Open) -> None:
    index = opened(VECTORS)
    together = index.query(VECTORS[:40], 20)
    alone = [index.query(vector[None], 20) for vector in VECTORS[:40]]
    assert together[0].tolist() == [rows[0].tolist() for rows, _ in alone]


def test_every_load_answers_the_same(opened: Open) -> None:
    first, second = (opened(VECTORS).query(VECTORS[:100], 20) for _ in range(2))
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


def test_two_builds_answer_the_same(backend: str, tmp_path: Path) -> None:
    answers = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        chosen = backend_named(backend)
        chosen.build(VECTORS, tmp_path / name)
        index = chosen.open(VECTORS, tmp_path / name)
        answers.append(index.query(VECTORS[:50], 20)[0].tobytes())
    assert answers[0] == answers[1]


def test_a_broader_search_finds_no_less(backend: str, opened: Open) -> None:
    narrow = measure_recall(opened(VECTORS, **NARROW.get(backend, {})), VECTORS, queries=100).recall
    broad = measure_recall(opened(VECTORS, **BROAD.get(backend, {})), VECTORS, queries=100).recall
    assert narrow <= broad
    assert broad >= 0.99


@pytest.mark.parametrize("queries", [TINY[0], TINY[:, :3], np.empty((2, 5))])
def test_a_query_of_another_shape_is_refused(opened: Open, queries: np.ndarray) -> None:
    with pytest.raises(ValueError, match="queries have the shape"):
        opened(TINY).query(queries, 3)


def test_a_negative_k_is_refused(opened: Open) -> None:
    with pytest.raises(ValueError, match="k is -1"):
        opened(TINY).query(TINY, -1)


def test_vectors_of_another_corpus_are_refused(backend: str, tmp_path: Path) -> None:
    chosen = backend_named(backend)
    if chosen.file is None:
        pytest.skip("it has no file")
    chosen.build(TINY, tmp_path)
    with pytest.raises((ValueError, OSError)):
        chosen.open(VECTORS[:50, :4], tmp_path)


def test_it_builds_the_file_that_it_names(backend: str, tmp_path: Path) -> None:
    chosen = backend_named(backend)
    chosen.build(TINY, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ([chosen.file] if chosen.file else [])


def test_it_is_chosen_by_its_name_with_its_section_of_the_settings(backend: str) -> None:
    settings = load_settings().index.model_copy(update={"backend": backend})
    chosen = chosen_backend(settings)
    assert type(chosen) is BACKENDS[backend]
    assert chosen.settings == getattr(settings, backend)
    assert stored_backend(chosen.name, chosen.parameters).settings == chosen.settings


def test_an_unknown_backend_is_refused_with_those_that_there_are() -> None:
    settings = load_settings().index.model_copy(update={"backend": "faiss"})
    with pytest.raises(SegueError, match="no neighbour backend 'faiss': choose one of annoy, voyager, exact"):
        chosen_backend(settings)
    with pytest.raises(SegueError, match="no neighbour backend 'faiss'"):
        stored_backend("faiss", {})


def test_parameters_of_another_backend_are_refused() -> None:
    with pytest.raises(SegueError, match="ef of the backend annoy"):
        stored_backend("annoy", {"trees": 5, "search_k": -1, "ef": 5})


def test_the_oracle_is_right() -> None:
    rows, scores = ExactIndex(VECTORS).query(VECTORS[:30], 20)
    cosines = VECTORS[:30].astype(np.float64) @ VECTORS.T.astype(np.float64)
    assert np.allclose(scores, -np.sort(-cosines, axis=1)[:, :20], atol=1e-6)
    assert np.allclose(np.take_along_axis(cosines, rows, axis=1), scores, atol=1e-6)


def test_the_oracle_sees_all_ties_at_the_edge() -> None:
    same = np.repeat(TINY[:1], 500, axis=0)
    rows, _ = ExactIndex(same).query(TINY[:1], 10)
    assert rows.tolist() == [list(range(10))]
