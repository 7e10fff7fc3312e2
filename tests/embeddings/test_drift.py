"""The drift of added tracks: the changes that each of the three figures shows, and those that it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.drift import FEWEST_TRACKS, Drift, advise, measure

WIDTH = 40
SPACE = AudioSpace(
    version="s",
    features_version="f",
    names=tuple(f"d{number}" for number in range(WIDTH)),
    mean=np.full(WIDTH, 3.0),
    scale=np.full(WIDTH, 2.0),
    components=np.eye(WIDTH)[:, :30],
    explained=np.full(30, 1 / WIDTH),
    tracks=1000,
    spread=1.0,
)


def rows(count: int = 100, *, seed: int = 1) -> np.ndarray:
    """The like of the corpus: shape (count, WIDTH)."""
    return 3.0 + 2.0 * np.random.default_rng(seed).standard_normal((count, WIDTH))


def advice(descriptors: np.ndarray, *, tracks: int = 1100) -> str | None:
    return advise(measure(SPACE, descriptors), space=SPACE, tracks=tracks)


@pytest.mark.parametrize("count", [1, 2, 5, 100])
def test_the_like_of_the_corpus_asks_for_nothing(count: int) -> None:
    """However few they are."""
    found = measure(SPACE, rows(count))
    assert found is not None and found.tracks == count
    assert found.distance == pytest.approx(1.0, abs=0.2)
    assert count < FEWEST_TRACKS or found.kept == pytest.approx(0.75, abs=0.03)
    assert found.shift < 0.4
    assert advice(rows(count)) is None


def test_a_shifted_mean_is_seen_in_its_size() -> None:
    found = measure(SPACE, rows() + 2.0 * 0.9)
    assert found is not None and found.shift == pytest.approx(0.9, abs=0.03) and found.distance < 1.5
    assert "shifted by 0.9 standard deviations" in str(advice(rows() + 2.0 * 0.9))


def test_tracks_far_out_are_seen_though_their_mean_stays() -> None:
    spread = 3.0 + 2.0 * (rows() - 3.0)
    found = measure(SPACE, spread)
    assert found is not None and found.distance == pytest.approx(2.0, abs=0.05) and found.shift < 0.3
    assert "2.0 times as far out" in str(advice(spread))


def test_variety_that_the_components_do_not_have_is_seen() -> None:
    turned = rows()[:, ::-1].copy()
    turned[:, :20] = 3.0 + 0.5 * (turned[:, :20] - 3.0)
    found = measure(SPACE, turned)
    assert found is not None and found.kept == pytest.approx(0.6, abs=0.03) and found.distance < 1.0
    assert "explains 59% of the variance, not 75%" in str(advice(turned))


def test_growth_alone_asks_for_another_fit_and_no_tracks_for_none() -> None:
    assert measure(SPACE, np.zeros((0, WIDTH))) is None
    assert advise(None, space=SPACE, tracks=1000) is None
    assert "fitted on 1,000 tracks only" in str(advice(rows(), tracks=2001))
    fine = Drift(tracks=99, distance=1.0, shift=0.0, kept=0.75)
    assert advise(replace(fine, kept=0.7), space=SPACE, tracks=1000) is None
