"""Small sounds and audio files for the tests, composed on the spot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 22050
BY_SOUNDFILE = {".wav", ".flac", ".ogg"}


def melody(
    *, seconds: float = 4.0, rate: int = RATE, pitch: float = 220.0, seed: int = 0
) -> NDArray[np.float32]:
    """A tone with overtones that changes its pitch four times a second over soft noise, shape (n,)."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    steps = pitch * 2.0 ** (rng.integers(0, 12, int(seconds * 4) + 1) / 12.0)
    phase = 2 * np.pi * np.cumsum(steps[(time * 4).astype(int)]) / rate
    tone = sum(np.sin(phase * overtone) / overtone for overtone in (1, 2, 3, 5))
    fading = np.exp(-3.0 * (time * 4 % 1.0))
    return (0.2 * tone * fading + 0.005 * rng.standard_normal(len(time))).astype(np.float32)


def write(path: Path, waveform: NDArray[np.float32], *, rate: int = RATE) -> Path:
    """Write a waveform of shape (n,) or (n, channels) in the format of the file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in BY_SOUNDFILE:
        soundfile.write(path, waveform, rate)
        return path
    wav = path.with_name(f"{path.name}.wav")
    soundfile.write(wav, waveform, rate, subtype="FLOAT")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(wav), str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    wav.unlink()
    return path


def cut(path: Path, *, share: float) -> Path:
    """Leave only the first part of a file's bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
