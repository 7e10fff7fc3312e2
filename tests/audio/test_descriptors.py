"""Descriptors equal librosa's, and tell sounds apart that differ in the described respect."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.audio.descriptors import (
    describe,
    descriptor_names,
    features_version,
    frame_descriptors,
    names_version,
)
from segue.audio.errors import NotFinite
from segue.benchmarks.plain_features import plain_frames
from segue.places import ROOT
from segue.settings import AudioSettings, load_settings
from tests.audio.sounds import RATE, melody
from tests.properties import examples
from tests.waiting import until

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
    # The last one is the onset strength; librosa moves it by half a frame, so its mean is compared.
    onset = librosa.onset.onset_strength(y=waveform, sr=rate, n_fft=fft, hop_length=hop, center=False)
    assert start == len(rows) - 1
    np.testing.assert_allclose(rows[-1][1:], onset[1:], atol=1e-3)


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


def test_another_key_leaves_the_chroma_near() -> None:
    here, there = (described(melody(seconds=8.0, pitch=220.0 * 2 ** (steps / 12))) for steps in (0, 5))
    names = [name for name in here if name.startswith("chroma") and name.endswith("mean")]
    np.testing.assert_allclose([here[name] for name in names], [there[name] for name in names], atol=0.1)


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")  # that is what is tried here
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


def test_librosa_is_loaded_alone_once_and_then_side_by_side(tmp_path: Path) -> None:
    """numba's folder is spoilt when two compile at once."""
    script = "from segue.audio.librosa import librosa; librosa(); print('loaded')"
    # Whatever is loaded: another library of that name loads faster.
    (tmp_path / "librosa.py").write_text("stft = filters = None")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "TMPDIR": str(tmp_path)}
    start = partial(subprocess.Popen, [sys.executable, "-c", script], env=environment, text=True)
    with start(stdout=subprocess.PIPE) as first:
        assert first.communicate()[0] == "loaded\n"
    [lock] = tmp_path.glob("segue-librosa-*")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with start(stdout=subprocess.PIPE) as second:
            until(lambda: _waits_for_a_lock(second.pid), "the second to wait")
            fcntl.flock(held, fcntl.LOCK_UN)
            assert second.communicate()[0] == "loaded\n"
        fcntl.flock(held, fcntl.LOCK_SH)  # as another that is just loading
        with start(stdout=subprocess.PIPE) as third:
            assert third.communicate()[0] == "loaded\n"
        lock.write_text("of another release")
        with start(stdout=subprocess.PIPE) as fourth:
            until(lambda: _waits_for_a_lock(fourth.pid), "the fourth to wait")
            fcntl.flock(held, fcntl.LOCK_UN)
            assert fourth.communicate()[0] == "loaded\n"


def _waits_for_a_lock(pid: int) -> bool:
    """As the kernel lists locks: those that are waited for have an arrow."""
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any(fields[1] == "->" and str(pid) in fields for fields in locks)


def test_numba_without_a_folder_for_compiled_code(tmp_path: Path) -> None:
    """As on a read-only file system: left to itself, librosa cannot even be imported there."""
    script = """
import numba, numpy as np
from segue.audio.descriptors import describe
from segue.settings import load_settings
print(np.isfinite(describe(np.ones(44100, np.float32), load_settings().audio)).all(), numba.config.CACHE_DIR)
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    # All is compiled for a single use.
    environment |= {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_OPT": "0"}
    run = partial(subprocess.run, env=environment, capture_output=True, text=True, check=False)
    assert "no locator available" in run([sys.executable, "-c", "import librosa.core.notation"]).stderr
    done = run([sys.executable, "-c", script])
    assert done.returncode == 0, done.stderr
    finite, folder = done.stdout.split()
    assert finite == "True"
    assert folder.startswith(str(tmp_path))
    assert [one.suffix for one in tmp_path.iterdir()] == [".lock"], "it leaves nothing else behind"
