"""The same recording in other formats and at other bit rates is recognised; another performance is not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from segue.audio import ffmpeg
from segue.audio.allowance import Allowance
from segue.audio.decode import decode
from segue.audio.fingerprint import MARKS, SAME, difference, fingerprint, is_same, marks, unpacked
from segue.settings import load_settings
from tests.audio.sounds import melody, write

AUDIO = load_settings().audio
SECONDS = 24.0
LIVE = "atempo=1.03,aecho=0.8:0.7:60:0.4"
NOISE = "anoisesrc=a=0.01:seed=1[n];[0:a][n]amix=2:duration=first:normalize=0"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sound") / "studio.flac", melody(seconds=SECONDS))


def encoded(source: Path, name: str, *options: str) -> Path:
    target = source.with_name(name)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(source), *options, str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


def of(path: Path) -> bytes:
    found = fingerprint(decode(path, AUDIO), rate=AUDIO.sample_rate)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("64.mp3", ["-b:a", "64k"]),
        ("128.mp3", ["-b:a", "128k"]),
        ("320.mp3", ["-b:a", "320k"]),
        ("48.opus", ["-b:a", "48k"]),
        ("96.m4a", ["-b:a", "96k"]),
        ("44100.wav", ["-ar", "44100", "-ac", "2"]),
        ("quiet.mp3", ["-b:a", "128k", "-af", "volume=-9dB"]),
    ],
)
def test_an_encoding_is_the_same_recording(studio: Path, name: str, options: list[str]) -> None:
    one, other = of(studio), of(encoded(studio, name, *options))
    assert is_same(one, other) is True
    assert set(marks(one)[0]) & set(chain.from_iterable(marks(other)))


def test_an_encoding_of_an_encoding_is_the_same_recording(studio: Path) -> None:
    again = encoded(encoded(studio, "first.mp3", "-b:a", "128k"), "second.opus", "-b:a", "64k")
    assert is_same(of(studio), of(again)) is True


@pytest.mark.parametrize("milliseconds", [15, 31, 48, 62, 93])
def test_an_encoder_that_adds_silence_at_the_beginning(studio: Path, milliseconds: int) -> None:
    late = encoded(studio, "late.mp3", "-b:a", "128k", "-af", f"adelay={milliseconds}:all=1")
    one, other = of(studio), of(late)
    assert is_same(one, other) is True
    assert set(marks(one)[0]) & set(chain.from_iterable(marks(other)))


@pytest.mark.parametrize(
    ("name", "filters"),
    [("live.flac", LIVE), ("faster.flac", "atempo=1.02"), ("higher.flac", "asetrate=22700,aresample=22050")],
)
def test_another_performance_is_another_recording(studio: Path, name: str, filters: str) -> None:
    live = encoded(studio, name, "-af", filters)
    noisy = encoded(live, f"noisy-{name}", "-filter_complex", NOISE)
    assert is_same(of(studio), of(noisy)) is False


def test_songs_of_one_instrument_are_different(tmp_path: Path) -> None:
    found = [of(write(tmp_path / f"{seed}.flac", melody(seconds=SECONDS, seed=seed))) for seed in range(6)]
    shares = [
        share
        for number, one in enumerate(found)
        for other in found[:number]
        if (share := difference(unpacked(one), unpacked(other))) is not None
    ]
    assert len(shares) == 15
    assert min(shares) > 2 * SAME


def test_a_busy_machine_changes_no_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """ffmpeg never got the rest of its input when a check of the time came before it had read all."""
    waveform, rate = melody(seconds=2 * SECONDS), AUDIO.sample_rate
    expected = fingerprint(waveform, rate=rate)
    checks: list[str | None] = []

    class OftenChecked(Allowance):
        def __init__(self, seconds: float, *, used: Callable[[], float]) -> None:
            super().__init__(seconds, used=used)
            self.interval = 0.001

        def exceeded(self) -> str | None:
            checks.append(super().exceeded())
            return checks[-1]

    monkeypatch.setattr(ffmpeg, "Allowance", OftenChecked)
    assert fingerprint(waveform, rate=rate) == expected is not None
    assert checks


def test_parts_of_other_lengths_are_not_compared(studio: Path) -> None:
    whole = unpacked(of(studio))
    half = whole[:, : whole.shape[1] // 2]
    assert is_same(whole.tobytes(), half.tobytes()) is None


@pytest.mark.parametrize("waveform", [np.zeros(0, np.float32), np.zeros(AUDIO.sample_rate, np.float32)])
def test_a_moment_has_no_fingerprint(waveform: np.ndarray) -> None:
    assert fingerprint(waveform, rate=AUDIO.sample_rate) is None


def test_marks_leave_out_steady_sounds() -> None:
    steady = np.full((2, 200), 7, dtype="<u4")
    changing = np.random.default_rng(0).integers(1 << 32, size=(2, 400), dtype="<u4")
    for found in marks(np.concatenate([steady, changing], axis=1).tobytes()):
        assert len(found) == MARKS and 7 not in found
    assert marks(steady.tobytes()) == ([7], [7])
