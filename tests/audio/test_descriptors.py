"""Descriptors: they are librosa's numbers, and say what they are meant to say."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from datetime import timedelta
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.audio import rhythm
from segue.audio.descriptors import (
    describe,
    descriptor_names,
    features_version,
    frame_descriptors,
    names_version,
)
from segue.audio.errors import NotFinite
from segue.audio.spectrum import chroma_filters, mel_filters, spectrogram
from segue.benchmarks.plain_features import plain_frames
from segue.places import ROOT
from segue.settings import AudioSettings, load_settings
from tests.audio.sounds import RATE, melody
from tests.properties import examples

AUDIO = load_settings().audio
TOLERANCE = 2e-4
"""Of librosa's own numbers, relative to the largest of a descriptor's frames."""


def described(waveform: np.ndarray, audio: AudioSettings = AUDIO) -> dict[str, float]:
    return dict(
        zip(descriptor_names(audio), describe(waveform.astype(np.float32), audio).tolist(), strict=True)
    )


@pytest.mark.parametrize(
    ("rate", "fft", "hop", "mfcc"), [(22050, 2048, 512, 20), (16000, 1024, 256, 13), (44100, 4096, 1024, 40)]
)
def test_frames_agree_with_librosas_separate_computation(rate: int, fft: int, hop: int, mfcc: int) -> None:
    audio = AUDIO.model_copy(update={"sample_rate": rate, "n_fft": fft, "hop_length": hop, "n_mfcc": mfcc})
    waveform = melody(rate=rate, seconds=6.3, seed=7)
    waveform[rate : 2 * rate] = 0.0  # digital silence within a track
    rows = frame_descriptors(waveform, audio)
    start = 0
    for name, expected in plain_frames(waveform, audio, sample_rate=rate).items():
        found = rows[start : start + len(expected)]
        np.testing.assert_allclose(
            found, expected, atol=TOLERANCE * np.abs(expected).max(), rtol=0, err_msg=name
        )
        start += len(expected)
    # What is left is the onset strength; librosa moves it by half a frame, so its mean is compared.
    onset = librosa.onset.onset_strength(y=waveform, sr=rate, n_fft=fft, hop_length=hop, center=False)
    assert start == len(rows) - 1
    np.testing.assert_allclose(rows[-1][1:], onset[1:], atol=1e-3)


@pytest.mark.parametrize(
    ("rate", "fft", "hop"), [(22050, 2048, 512), (16000, 1024, 256), (44100, 4096, 1500)]
)
def test_the_spectrum_and_its_filters_are_librosas(rate: int, fft: int, hop: int) -> None:
    """To the last bits: tracks that librosa described stay comparable, and their version the same."""
    close = partial(np.testing.assert_allclose, rtol=1e-6)
    for samples in (1, 100, fft // 2, fft, 5 * fft + 3, 300 * hop):
        waveform = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
        with warnings.catch_warnings(action="ignore"):  # librosa's, of sounds shorter than a frame
            expected = np.abs(librosa.stft(waveform, n_fft=fft, hop_length=hop))
        found = spectrogram(waveform, fft=fft, hop=hop)
        close(found, expected, atol=1e-6 * expected.max())
        assert found.dtype == np.float32
    for filters, expected in (
        (mel_filters(rate, fft=fft, bands=128), librosa.filters.mel(sr=rate, n_fft=fft, n_mels=128)),
        (chroma_filters(rate, fft=fft, classes=12), librosa.filters.chroma(sr=rate, n_fft=fft, tuning=0.0)),
    ):
        close(filters, expected, atol=1e-6 * expected.max())
        assert filters.dtype == np.float32


def test_each_number_has_its_name() -> None:
    found = describe(melody(), AUDIO)
    names = descriptor_names(AUDIO)
    assert found.dtype == np.float32
    assert found.shape == (len(names),) == (len(set(names)),)


def test_mean_and_spread_are_over_the_frames() -> None:
    waveform = melody()
    frames = librosa.feature.spectral_centroid(y=waveform, sr=RATE)
    found = described(waveform)
    assert found["centroid_mean"] == pytest.approx(frames.mean(), rel=1e-3)
    assert found["centroid_std"] == pytest.approx(frames.std(), rel=1e-3)


def test_a_pure_tone_has_its_centroid_at_its_pitch_and_crosses_zero_twice_a_period() -> None:
    found = described(0.5 * np.sin(2 * np.pi * 1000.0 * np.arange(4 * RATE) / RATE))
    assert found["centroid_mean"] == pytest.approx(1000.0, rel=0.02)
    assert found["zero_crossing_rate_mean"] == pytest.approx(2 * 1000.0 / RATE, rel=0.02)
    assert found["rms_mean"] == pytest.approx(
        0.5 / np.sqrt(2) * np.sqrt(3 / 8), rel=0.02
    )  # under a Hann window
    assert found["flatness_mean"] < 1e-3


@pytest.mark.parametrize("tempo", [80.0, 120.0, 150.0])
def test_clicks_have_their_tempo(tempo: float) -> None:
    waveform = np.random.default_rng(0).standard_normal(12 * RATE) * 1e-3
    for beat in np.arange(0.0, 11.9, 60.0 / tempo):
        waveform[int(beat * RATE) : int(beat * RATE) + 200] += 0.5
    found = described(waveform)
    assert 2 ** found["tempo_log2"] == pytest.approx(tempo, rel=0.04)
    assert found["onsets_per_second"] == pytest.approx(tempo / 60.0, rel=0.15)
    assert found["pulse_clarity"] > 0.3


@examples(100)
@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=40),
    st.sampled_from([0.0, 0.5, 0.75, 1.0]),
)
def test_peaks_are_those_of_scipy(strength: list[float], height: float) -> None:
    from scipy.signal import find_peaks  # takes a second to import

    expected, _ = find_peaks(strength, height=height)
    assert rhythm._peaks(np.asarray(strength), height=height) == len(expected)


def test_another_key_leaves_the_chroma_near() -> None:
    here, there = (described(melody(seconds=8.0, pitch=220.0 * 2 ** (steps / 12))) for steps in (0, 5))
    names = [name for name in here if name.startswith("chroma") and name.endswith("mean")]
    np.testing.assert_allclose([here[name] for name in names], [there[name] for name in names], atol=0.1)


@examples(25)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 30_000),
    gain=st.floats(1e-4, 50.0),
    kind=st.sampled_from(["noise", "step", "click", "constant"]),
)
def test_any_finite_sound_has_finite_descriptors(seed: int, frames: int, gain: float, kind: str) -> None:
    noise = np.random.default_rng(seed).standard_normal(frames)
    waveform = {
        "noise": noise,
        "step": np.sign(np.arange(frames) - frames // 2),
        "click": np.eye(1, frames, frames // 2)[0],
        "constant": np.ones(frames),
    }[kind]
    assert np.isfinite(describe((gain * waveform).astype(np.float32), AUDIO)).all()


def test_overflow_is_named() -> None:
    with pytest.raises(NotFinite, match="not-finite"), np.errstate(all="ignore"):
        describe(melody() * np.float32(1e30), AUDIO)


def test_the_version_follows_every_setting_that_changes_a_number() -> None:
    base = features_version(AUDIO)
    assert (
        features_version(
            AUDIO.model_copy(update={"threads_per_worker": 7, "decode_timeout": timedelta(seconds=9)})
        )
        == base
    )
    for key, value in AUDIO.model_dump(exclude={"threads_per_worker", "decode_timeout"}).items():
        assert (
            features_version(
                AUDIO.model_copy(
                    update={key: value + (timedelta(seconds=1) if isinstance(value, timedelta) else 1)}
                )
            )
            != base
        ), key
    assert names_version(AUDIO) != names_version(AUDIO.model_copy(update={"n_mfcc": 13}))


def test_a_process_describes_where_it_can_write_nothing_and_without_librosa(tmp_path: Path) -> None:
    """In a read-only container: librosa's compiler needs a folder for its cache, and processes share it."""
    script = """
import sys, numpy as np
from segue.audio.descriptors import describe
from segue.settings import load_settings
print(np.isfinite(describe(np.ones(44100, np.float32), load_settings().audio)).all())
print({"librosa", "numba", "scipy.signal"} & set(sys.modules))
"""
    nowhere = tmp_path / "read-only"
    nowhere.mkdir(mode=0o500)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(nowhere)}
    # Whoever needed numba would fail: no other folder is allowed.
    environment |= {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "HOME": str(nowhere)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "set()"]
    assert not list(nowhere.iterdir()), "it leaves nothing behind"
