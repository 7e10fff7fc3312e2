"""The measures of made-up descriptors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.audio.descriptors import descriptor_names
from segue.moods.measures import DIMENSIONS, MAJOR, MINOR, CorpusMoods, major_lean, measure_moods, percentile
from segue.settings import load_settings

NAMES = descriptor_names(load_settings().audio)


def corpus(count: int = 9) -> np.ndarray:
    return np.random.default_rng(0).random((count, len(NAMES))) + 0.5


def changed(**columns: float) -> CorpusMoods:
    """The moods of a corpus whose first track has these descriptors."""
    rows = corpus()
    for name, value in columns.items():
        rows[0, NAMES.index(name)] = value
    return measure_moods(rows, names=NAMES)


@given(st.lists(st.one_of(st.floats(-10, 10), st.just(float("nan"))), max_size=30))
def test_a_percentile_is_the_share_below(values: list[float]) -> None:
    known = [value for value in values if np.isfinite(value)]
    for value, found in zip(values, percentile(np.array(values, dtype=float)).tolist(), strict=True):
        if np.isnan(value):
            assert np.isnan(found)
        else:
            below = sum(one < value for one in known) + sum(one == value for one in known) / 2
            assert found == pytest.approx(below / len(known))


@pytest.mark.parametrize(
    ("name", "dimension", "more"),
    [
        ("rms_mean", "energy", True),
        ("onset_strength_mean", "energy", True),
        ("contrast_3_mean", "energy", False),
        ("centroid_mean", "brightness", True),
        ("tempo_log2", "tempo", True),
    ],
)
def test_more_of_a_descriptor_is_more_or_less_of_a_dimension(name: str, dimension: str, more: bool) -> None:
    at = DIMENSIONS.index(dimension)
    low, high = (changed(**{name: value}).percentiles for value in (-50.0, 50.0))
    assert (high[0, at] > low[0, at]) == more
    others = [i for i in range(len(DIMENSIONS)) if i != at]
    np.testing.assert_array_equal(low[:, others], high[:, others])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("log2", [200.0, 5000.0])
def test_a_tempo_beyond_all_numbers_is_none(log2: float) -> None:
    found = changed(pulse_clarity=1.0, tempo_log2=log2)
    assert np.isnan([found.bpm[0], found.percentiles[0, 1]]).all()


def test_without_a_clear_pulse_there_is_no_tempo() -> None:
    found = changed(pulse_clarity=0.2, tempo_log2=7.0)
    assert np.isnan([found.bpm[0], found.percentiles[0, 1]]).all()
    assert np.isfinite(found.percentiles[1:]).all()
    assert changed(pulse_clarity=0.9, tempo_log2=7.0).bpm[0] == 128


@pytest.mark.parametrize("tonic", range(12))
def test_a_major_key_leans_to_major_and_a_minor_one_to_minor_whatever_the_tonic(tonic: int) -> None:
    lean = major_lean(np.stack([np.roll(MAJOR, tonic), np.roll(MINOR, tonic), np.ones(12)]))
    assert lean[0] > 0.1 > -0.1 > lean[1]
    assert np.isnan(lean[2])


def test_an_empty_corpus_and_a_single_track() -> None:
    assert measure_moods(corpus(0), names=NAMES).percentiles.shape == (0, 4)
    np.testing.assert_array_equal(measure_moods(corpus(1), names=NAMES).percentiles, np.full((1, 4), 0.5))
