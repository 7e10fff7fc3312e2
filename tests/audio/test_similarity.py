"""Why two tracks are near, in words."""

from __future__ import annotations

import numpy as np
import pytest

from segue.audio.descriptors import describe, descriptor_names
from segue.audio.similarity import compare
from segue.dashboard.queries.reasons import alike
from segue.settings import load_settings
from tests.audio.sounds import melody

AUDIO = load_settings().audio
NAMES = descriptor_names(AUDIO)
SCALE = np.ones(len(NAMES))


def like(**changed: float) -> np.ndarray:
    found = np.zeros(len(NAMES))
    for name, value in {"tempo_log2": 7.0, "pulse_clarity": 0.5, **changed}.items():
        found[NAMES.index(name)] = value
    return found


def test_the_same_track_is_alike_in_everything() -> None:
    found = compare(like(), like(), names=NAMES, scale=SCALE)
    assert len(found.near) == 6
    assert found.tempo == pytest.approx(128)
    assert "tempo (128 BPM)" in alike(found)
    assert not found.apart


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"centroid_mean": 2.0}, "brighter"),
        ({"centroid_mean": -2.0}, "darker"),
        ({"rms_mean": 2.0}, "louder"),
        ({"onsets_per_second": -2.0}, "calmer"),
        ({"tempo_log2": 7.4}, "faster"),
        ({"tempo_log2": 6.5}, "slower"),
    ],
)
def test_clear_differences_are_told(changed: dict[str, float], word: str) -> None:
    found = compare(like(), like(**changed), names=NAMES, scale=SCALE)
    assert found.apart == (word,)
    assert alike(found).endswith(f"; {word}")


def test_a_tempo_without_a_pulse_says_nothing() -> None:
    found = compare(like(pulse_clarity=0.0), like(tempo_log2=9.0), names=NAMES, scale=SCALE)
    assert found.tempo is None
    assert "faster" not in found.apart


def test_tracks_that_differ_in_everything_are_alike_in_nothing() -> None:
    assert compare(like(), like() + 1.3, names=NAMES, scale=SCALE).near == ()


def test_real_sounds() -> None:
    low, high = (describe(melody(pitch=pitch), AUDIO) for pitch in (110.0, 880.0))
    scale = np.full(len(NAMES), np.abs(low - high).max())
    scale[NAMES.index("centroid_mean")] = abs(low - high)[NAMES.index("centroid_mean")] / 3
    assert "brighter" in compare(low, high, names=NAMES, scale=scale).apart
