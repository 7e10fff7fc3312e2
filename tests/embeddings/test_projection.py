"""The library as a projection on two dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from segue.embeddings.projection import fit_projection


def cloud(tracks: int = 500) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(size=(tracks, 6)) * [5, 3, 1, 0.5, 0.2, 0.1] + 2).astype(np.float32)


def test_the_axes_are_the_two_main_components() -> None:
    vectors = cloud()
    projection = fit_projection(vectors)
    centred = vectors - vectors.mean(axis=0)
    _, _, components = np.linalg.svd(centred.astype(float), full_matrices=False)
    assert np.abs(np.sum(components[:2].T * projection.axes, axis=0)) == pytest.approx([1, 1], abs=1e-4)


def test_points_lie_within_the_map_and_fill_it() -> None:
    points = fit_projection(cloud()).project(cloud())
    assert points.shape == (500, 2)
    assert np.abs(points).max() <= 1
    assert (np.abs(points).max(axis=0) > 0.9).all()


def test_the_same_library_gives_the_same_map() -> None:
    assert np.array_equal(
        fit_projection(cloud()).axes, fit_projection(cloud()[::-1].copy()).axes.round(12)
    ) or np.allclose(fit_projection(cloud()).axes, fit_projection(cloud()[::-1].copy()).axes, atol=1e-9)


@pytest.mark.parametrize("vectors", [np.ones((3, 4)), np.ones((1, 1)), np.zeros((2, 2))])
def test_a_library_without_directions_has_a_map_too(vectors: np.ndarray) -> None:
    assert np.isfinite(fit_projection(vectors).project(vectors)).all()


def test_the_map_is_the_same_for_the_same_vectors_and_keeps_the_widest_spread() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(200, 6)) * [5, 3, 1, 1, 1, 1]
    projection = fit_projection(vectors)
    assert np.allclose(projection.axes.T @ projection.axes, np.eye(2), atol=1e-6)
    places = projection.coordinates(vectors)
    total = ((vectors - vectors.mean(axis=0)) ** 2).sum()
    assert (places**2).sum() / total > 0.8
    assert np.allclose(fit_projection(vectors[::-1]).coordinates(vectors), places, atol=1e-6)


@pytest.mark.parametrize("dimension", [1, 2])
def test_a_map_of_few_dimensions_still_has_two(dimension: int) -> None:
    projection = fit_projection(np.arange(6.0).reshape(-1, dimension))
    assert projection.coordinates(np.ones((1, dimension))).shape == (1, 2)
