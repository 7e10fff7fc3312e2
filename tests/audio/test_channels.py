"""Channels that cancel each other are described all the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from segue.audio.channels import mono
from segue.audio.decode import decode
from segue.settings import load_settings
from tests.audio.sounds import RATE, melody, write

AUDIO = load_settings().audio.model_copy(
    update={"sample_rate": RATE, "max_duration": timedelta(minutes=1), "min_duration": timedelta(seconds=1)}
)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "m4a", "opus"])
@pytest.mark.parametrize("channels", [(1.0, -1.0), (1.0, -0.95), (0.3, -1.0)])
def test_an_inverted_channel_is_no_silence(ending: str, channels: tuple[float, ...], tmp_path: Path) -> None:
    sound = melody(seconds=4.0)
    path = write(tmp_path / f"a.{ending}", np.stack([share * sound for share in channels], axis=1))
    found = decode(path, AUDIO)
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(np.sqrt(np.mean(np.square(sound))), rel=0.15)


def test_a_partly_inverted_mix_keeps_all_its_parts() -> None:
    """The voice is inverted, the bass is not: the mean would lose the voice, which is louder."""
    voice, bass = melody(seed=1), 0.3 * melody(pitch=55.0, seed=2)
    found = mono(np.stack([voice + bass, bass - voice], axis=1))
    np.testing.assert_array_equal(found, voice + bass)


def test_ordinary_stereo_is_the_mean() -> None:
    rng = np.random.default_rng(0)
    stereo = rng.standard_normal((RATE, 2)).astype(np.float32)  # uncorrelated: as wide as music is
    np.testing.assert_allclose(mono(stereo), stereo.mean(axis=1), atol=1e-6)
    panned = stereo * np.array([1.0, 0.0], np.float32)
    np.testing.assert_allclose(mono(panned), panned.mean(axis=1), atol=1e-6)
