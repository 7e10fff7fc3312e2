"""The loudness of recordings by EBU R 128 (ITU-R BS.1770), and their true peaks, measured by ffmpeg.

One run of ffmpeg decodes a recording and gives everything: the integrated loudness, the true peak, and the
loudness of the blocks of 400 ms, ten a second. The blocks of several recordings together give the loudness
of an album as if it were one recording, which the loudness values of its tracks alone cannot.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.audio import ffmpeg
from segue.audio.decode import check_readable
from segue.audio.errors import Undecodable
from segue.audio.levels import Level

LONGEST = 3600.0
"""Seconds measured at most, from the beginning: enough for the loudness of a longer recording."""
SILENCE = -70.0
"""LUFS; quieter blocks do not count (BS.1770's absolute gate)."""
GATE = 10.0
"""LU below the mean of the other blocks, from which a block does not count (the relative gate)."""
STEP = 0.5
"""LU; the resolution of the stored blocks."""
LOUDEST = 10.0
"""LUFS; louder blocks count as this loud."""
_LEVELS = np.arange(SILENCE, LOUDEST, STEP) + STEP / 2
_BLOCK = re.compile(r"\bM: *(-?\d+\.\d+) ")
_SUMMARY = re.compile(r"\bI: +(-?\d+\.\d+) LUFS.*\bPeak: +(-?(?:\d+\.\d+|inf)) dBFS", re.DOTALL)


def measure(path: Path, *, start: float = 0.0, end: float | None = None) -> Level:
    """Measure a file, or the part from `start` to `end` seconds.

    Raises
    ------
    Undecodable
        It is not audio, or takes longer than the time limit.
    """
    check_readable(path)
    seconds = LONGEST if end is None else min(LONGEST, max(0.0, end - start))
    done = ffmpeg.run(
        path,
        before=["-ss", f"{start:.6f}", "-t", f"{seconds:.6f}"],
        after=["-map", "0:a:0", "-af", "ebur128=peak=true:framelog=info", "-f", "null", "-"],
    )
    text = done.stderr.decode(errors="replace")
    _, _, summary = text.rpartition("Integrated loudness:")
    found = _SUMMARY.search(summary)
    if found is None:
        raise Undecodable("not-audio", ffmpeg.last_words(text))
    integrated, decibels = float(found[1]), float(found[2])
    return Level(
        integrated=integrated if integrated > SILENCE else None,
        peak=round(10 ** (decibels / 20), 6) if math.isfinite(decibels) else None,
        blocks=_packed(np.array(_BLOCK.findall(text), np.float64)),
    )


def together(levels: Iterable[Level]) -> Level:
    """The loudness of several recordings as one, such as an album; both gates apply to all blocks together.

    The loudness of a single recording is that measured. The method is that of
    `ebur128_loudness_global_multiple` in libebur128.
    """
    several = list(levels)
    peaks = [level.peak for level in several if level.peak is not None]
    peak = max(peaks, default=None)
    if len(several) == 1:
        return Level(integrated=several[0].integrated, peak=peak, blocks=several[0].blocks)
    counts = np.zeros(len(_LEVELS), np.int64)
    for level in several:
        own = np.frombuffer(level.blocks[: len(_LEVELS) * 4], "<u4")
        counts[: len(own)] += own
    return Level(integrated=_gated(counts), peak=peak, blocks=_bytes(counts))


def _gated(counts: NDArray[np.int64]) -> float | None:
    if not counts.any():
        return None
    energy = 10 ** (_LEVELS / 10)
    ungated = 10 * math.log10(float(counts @ energy) / float(counts.sum()))
    counted = np.where(ungated - GATE <= _LEVELS, counts, 0)
    return round(10 * math.log10(float(counted @ energy) / float(counted.sum())), 2)


def _packed(blocks: NDArray[np.float64]) -> bytes:
    steps = np.floor((blocks[blocks > SILENCE] - SILENCE) / STEP).astype(np.int64)
    return _bytes(np.bincount(steps.clip(0, len(_LEVELS) - 1), minlength=1))


def _bytes(counts: NDArray[np.int64]) -> bytes:
    packed: bytes = np.trim_zeros(counts, "b").astype("<u4").tobytes()
    return packed
