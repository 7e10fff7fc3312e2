"""The library on a plane."""

from __future__ import annotations

import numpy as np
import pytest

from segue.index.plane import fit_plane


def cloud(tracks: int = 500) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(size=(tracks, 6)) * [5, 3, 1, 0.5, 0.2, 0.1] + 2).astype(np.float32)


def test_the_axes_are_the_two_main_components() -> None:
    vectors = cloud()
    plane = fit_plane(vectors)
    centred = vectors - vectors.mean(axis=0)
    _, _, components = np.linalg.svd(centred.astype(float), full_matrices=False)
    assert np.abs(np.sum(components[:2].T * plane.axes, axis=0)) == pytest.approx([1, 1], abs=1e-4)


def test_points_lie_within_the_map_and_fill_it() -> None:
    points = fit_plane(cloud()).project(cloud())
    assert points.shape == (500, 2)
    assert np.abs(points).max() <= 1
    assert (np.abs(points).max(axis=0) > 0.9).all()


def test_the_same_library_gives_the_same_map() -> None:
    assert np.array_equal(
        fit_plane(cloud()).axes, fit_plane(cloud()[::-1].copy()).axes.round(12)
    ) or np.allclose(fit_plane(cloud()).axes, fit_plane(cloud()[::-1].copy()).axes, atol=1e-9)


@pytest.mark.parametrize("vectors", [np.ones((3, 4)), np.ones((1, 1)), np.zeros((2, 2))])
def test_a_library_without_directions_has_a_map_too(vectors: np.ndarray) -> None:
    assert np.isfinite(fit_plane(vectors).project(vectors)).all()
