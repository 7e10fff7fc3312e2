"""Mood from real sound: styles of the composed library, whose tempos are known."""

from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

from segue.benchmarks.moods import SAME, Known, composed
from segue.demo.library import TRACKS, sketch_of

STYLES = ("Ambient", "Waltz", "Folk", "House", "Metal")


@pytest.fixture(scope="module")
def known() -> Known:
    chosen = [one for one in TRACKS if one.style in STYLES and one.place < 2]
    return composed(chosen, console=Console(quiet=True))


def test_fast_and_driving_styles_have_more_energy_than_calm_ones(known: Known) -> None:
    for lively in ("House", "Metal"):
        for calm in ("Ambient", "Waltz", "Folk"):
            assert known.of("energy", lively).mean() > known.of("energy", calm).mean() + 0.2, (lively, calm)
    assert known.of("energy", "House").min() > known.of("energy", "Waltz").max()


def test_a_pad_is_darker_than_a_band(known: Known) -> None:
    assert known.of("brightness", "Ambient").max() < min(
        known.of("brightness", style).min() for style in ("Folk", "House", "Metal")
    )


def test_tempo_is_known_where_there_is_a_beat_and_then_mostly_right(known: Known) -> None:
    found = np.log2(known.moods.bpm)
    ambient = np.array([one.style == "Ambient" for one in known.tracks])
    assert np.isnan(found[ambient]).all()
    assert np.isfinite(found[~ambient]).all()
    true = np.log2([sketch_of(one).tempo for one in known.tracks])
    right = np.abs(found - true) <= SAME
    assert right[~ambient].mean() >= 0.7
