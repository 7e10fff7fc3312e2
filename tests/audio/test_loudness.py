"""Loudness by EBU R 128: of tones whose loudness is known, of silence, albums, and files without sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from segue.audio.errors import Undecodable
from segue.audio.levels import Level
from segue.audio.loudness import measure, together

RATE = 48_000


def tone(seconds: float, *, decibels: float, hertz: float = 997.0) -> NDArray[np.float32]:
    """A tone on two channels with its peak at a number of dB of full scale, shape (n, 2)."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * time)
    return np.stack([wave, wave], axis=1).astype(np.float32)


def file(path: Path, waveform: NDArray[np.float32]) -> Path:
    soundfile.write(path, waveform, RATE, subtype="PCM_24")
    return path


@pytest.mark.parametrize("decibels", [-23.0, -33.0, -6.0])
def test_a_tone_on_both_channels_is_as_loud_as_its_peak(decibels: float, tmp_path: Path) -> None:
    # EBU Tech 3341, cases 1 and 2: 1 kHz in stereo with peaks at -23 dBFS measures -23.0 LUFS, ± 0.1.
    level = measure(file(tmp_path / "a.wav", tone(20, decibels=decibels)))
    assert level.integrated == pytest.approx(decibels, abs=0.1)
    assert level.peak == pytest.approx(10 ** (decibels / 20), rel=0.02)


def test_quiet_parts_do_not_count(tmp_path: Path) -> None:
    # EBU Tech 3341, case 3: 10 s at -36, 60 s at -23, 10 s at -36 dBFS measure -23.0 LUFS.
    parts = [tone(10, decibels=-36), tone(60, decibels=-23), tone(10, decibels=-36)]
    level = measure(file(tmp_path / "a.flac", np.concatenate(parts)))
    assert level.integrated == pytest.approx(-23.0, abs=0.1)
    assert together([level]).integrated == level.integrated


def test_the_true_peak_lies_between_the_samples(tmp_path: Path) -> None:
    # A quarter of the sampling rate, 45 degrees off: the samples reach 0.707 of the wave.
    at = np.arange(RATE * 2)
    fading = np.minimum(1, np.minimum(at, at[::-1]) / RATE * 10)
    wave = (0.5 * fading * np.sin(np.pi / 2 * at + np.pi / 4)).astype(np.float32)
    level = measure(file(tmp_path / "a.wav", np.stack([wave, wave], axis=1)))
    assert float(np.abs(wave).max()) == pytest.approx(0.354, abs=0.001)
    assert level.peak == pytest.approx(0.5, rel=0.05)


def test_silence_has_no_loudness(tmp_path: Path) -> None:
    silent = measure(file(tmp_path / "silent.wav", np.zeros((RATE * 2, 2), np.float32)))
    assert silent == Level(integrated=None, peak=None, blocks=b"")
    short = measure(file(tmp_path / "short.wav", tone(0.2, decibels=-10)))
    assert short.integrated is None and short.peak == pytest.approx(10**-0.5, rel=0.02)
    assert together([silent, silent]) == silent
    assert together([]) == silent


def test_a_part_of_a_file(tmp_path: Path) -> None:
    path = file(tmp_path / "a.flac", np.concatenate([tone(5, decibels=-30), tone(5, decibels=-10)]))
    first, second = measure(path, start=0, end=5), measure(path, start=5, end=10)
    assert first.integrated == pytest.approx(-30, abs=0.1) and second.integrated == pytest.approx(
        -10, abs=0.1
    )


def test_an_album_is_as_loud_as_its_tracks_in_a_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    parts = []
    for number, decibels in enumerate((-12, -20, -28, -45)):
        noise = rng.standard_normal((RATE * 12, 2)).clip(-2, 2).astype(np.float32)
        noise *= 10 ** (decibels / 20)
        parts.append(noise * np.linspace(0.3, 1, len(noise), dtype=np.float32)[:, None] * 0.5)
        file(tmp_path / f"{number}.flac", parts[-1])
    levels = [measure(tmp_path / f"{number}.flac") for number in range(4)]
    whole = measure(file(tmp_path / "whole.flac", np.concatenate(parts)))
    album = together(levels)
    assert album.integrated == pytest.approx(whole.integrated, abs=0.15)
    assert album.peak == pytest.approx(whole.peak, rel=0.01)
    # The quietest track lies below the album's gate: the mean of the tracks' values is another.
    mean = 10 * np.log10(np.mean([10 ** ((level.integrated or 0) / 10) for level in levels]))
    assert abs(mean - (whole.integrated or 0)) > 1


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"no sound" * 100, "not-audio")])
def test_a_file_without_audio_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(content)
    with pytest.raises(Undecodable) as refused:
        measure(tmp_path / "a.mp3")
    assert refused.value.reason == reason


def test_damaged_blocks_do_no_harm() -> None:
    loud = Level(integrated=-10.0, peak=0.9, blocks=np.full(500, 7, "<u4").tobytes())
    assert together([loud, loud]).integrated is not None
