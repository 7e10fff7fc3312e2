"""The genre space: it finds the direction that tells genres apart, for rows that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from segue.embeddings.genre_space import fit_genre_space
from segue.embeddings.space import SpaceError
from segue.errors import SegueError
from segue.evaluation.spaces import genre_quality

NAMES = ("blues", "house", "waltz")


def labelled(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors whose first two tell three genres apart, among eight that are larger and tell nothing."""
    rng = np.random.default_rng(seed)
    genres = np.arange(count) % 3
    rows = rng.normal(size=(count, 10)) * np.r_[1, 1, np.full(8, 50.0)]
    rows[:, :2] += 4 * np.column_stack([np.cos(2 * np.pi * genres / 3), np.sin(2 * np.pi * genres / 3)])
    return rows + 7, genres


def test_unseen_rows_lie_with_their_genre() -> None:
    rows, genres = labelled(300, seed=1)
    space = fit_genre_space(rows, [NAMES[genre] for genre in genres], features_version="f1")
    assert (space.dimension, space.features_version) == (2, "f1")
    unseen, truth = labelled(90, seed=2)
    found = space.place([f"t{row}" for row in range(90)], unseen)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    accuracy, precision = genre_quality(space.transform(rows), genres, found, truth)
    plain, _ = genre_quality(rows - rows.mean(axis=0), genres, unseen - rows.mean(axis=0), truth)
    assert accuracy > 0.95 > plain + 0.3
    assert precision > 0.9


def test_the_version_follows_from_the_fitted_data() -> None:
    rows, genres = labelled(60, seed=1)
    names = [NAMES[genre] for genre in genres]
    version = fit_genre_space(rows, names, features_version="f1").version
    assert fit_genre_space(rows, names, features_version="f1").version == version
    assert fit_genre_space(rows, names, features_version="f2").version != version
    assert fit_genre_space(rows, names[1:] + names[:1], features_version="f1").version != version


def test_rows_without_a_genre_and_rare_genres_are_left_out() -> None:
    rows, genres = labelled(60, seed=1)
    names: list[str | None] = [NAMES[genre] for genre in genres]
    space = fit_genre_space(rows, names, features_version="f1", least=20)
    more = np.vstack([rows, 1000 * np.ones((2, 10))])
    again = fit_genre_space(more, [*names, None, "polka"], features_version="f1", least=20)
    np.testing.assert_array_equal(again.axes, space.axes)
    assert again.version == space.version


def test_too_few_genres_are_said() -> None:
    rows, genres = labelled(60, seed=1)
    names = [NAMES[genre] for genre in genres]
    with pytest.raises(SegueError, match="needs three genres of 21 tracks: there are 0"):
        fit_genre_space(rows, names, features_version="f1", least=21)


def test_a_descriptor_that_never_changes_is_no_harm_and_another_width_is_refused() -> None:
    rows, genres = labelled(60, seed=1)
    rows[:, 5] = 3.0
    space = fit_genre_space(rows, [NAMES[genre] for genre in genres], features_version="f1")
    assert np.isfinite(space.transform(rows)).all()
    with pytest.raises(SpaceError, match="takes rows of 10 numbers"):
        space.transform(rows[:, :9])
