"""One song made smaller: its format, length, tags and cover stay."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from segue.audio.compress import compress, remove_leftovers
from segue.audio.decode import seconds_of
from segue.catalog.covers import read_cover
from segue.catalog.tags import read_tags
from tests.audio.sounds import melody, write
from tests.catalog.library import picture, tag


def song(path: Path, *, seed: int = 0, bitrate: str = "192k") -> Path:
    """Three seconds in stereo at a high bitrate."""
    sides = np.stack([melody(seconds=3.0, rate=44100, seed=seed + side) for side in (0, 1)], axis=1)
    if path.suffix in (".wav", ".flac"):
        return write(path, sides, rate=44100)
    wav = write(path.with_name(f"{path.name}.wav"), sides, rate=44100)
    codec = ["-c:a", "libvorbis"] if path.suffix == ".ogg" else []
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(wav), *codec]
    subprocess.run([*command, "-b:a", bitrate, str(path)], check=True, stdin=subprocess.DEVNULL)
    wav.unlink()
    return path
