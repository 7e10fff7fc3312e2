"""How many recordings this machine converts in real time, by form."""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from rich.console import Console

from segue.audio.transcoding.encoder import Conversion, encode
from segue.audio.transcoding.forms import FORMS, Form

KILOBITS = 160
RATE = 44_100
_TIMEOUT = 120.0


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Seconds of music converted in a second, with as many conversions at a time as there are cores."""
    seconds, cores = (20 if quick else 180), os.cpu_count() or 1
    figures: dict[str, float | bool] = {"cores": cores, "kilobits": KILOBITS}
    with tempfile.TemporaryDirectory() as name, console.status("Converting"):
        folder = Path(name)
        source = folder / "music.flac"
        soundfile.write(source, _music(seconds), RATE)
        for form in FORMS.values():
            began = time.perf_counter()
            with ThreadPoolExecutor(cores) as pool:
                list(pool.map(lambda n, form=form: _convert(source, folder, form, n), range(cores)))
            figures[f"{form.name}_at_a_time"] = cores * seconds / (time.perf_counter() - began)
    return figures


def _convert(source: Path, folder: Path, form: Form, number: int) -> None:
    conversion = Conversion(path=source, form=form, kilobits=form.kilobits(KILOBITS))
    target = folder / f"{number}{form.suffix}"
    encode(conversion, target, max_bytes=10**9, timeout=_TIMEOUT, wanted=lambda: True)


def _music(seconds: int) -> np.ndarray:
    """Stereo tones over noise, shape (n, 2): noise alone would be harder than music for each encoder."""
    rng, times = np.random.default_rng(3), np.arange(seconds * RATE) / RATE
    pitches = 110.0 * 2.0 ** (rng.integers(0, 36, seconds * 4) / 12.0)
    phase = 2 * np.pi * np.cumsum(pitches[np.minimum((times * 4).astype(int), len(pitches) - 1)]) / RATE
    tone = sum(np.sin(phase * overtone) / overtone for overtone in (1, 2, 3, 5, 7))
    left = 0.15 * tone + 0.01 * rng.standard_normal(len(times))
    right = 0.12 * np.roll(tone, RATE // 100) + 0.01 * rng.standard_normal(len(times))
    return np.stack([left, right], axis=1).astype(np.float32)
