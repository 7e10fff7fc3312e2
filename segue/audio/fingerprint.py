"""Audio fingerprints, which stay nearly the same in another format, at another bit rate and with other tags.

They are Chromaprint's, computed by the muxer of the bundled ffmpeg: a row of 32-bit numbers, eight a second,
of the middle of a recording. Two encodings of a recording differ in few bits, two recordings of a song in
many: their notes begin at other moments.

Encoders add up to 50 ms of silence at the beginning, and a recording that begins half a step later has other
numbers. So a fingerprint has two rows, the second half a step later than the first.
"""

from __future__ import annotations

import logging
import zlib
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from segue.audio import ffmpeg
from segue.audio.errors import Undecodable

log = logging.getLogger(__name__)
Fingerprint = NDArray[np.uint32]
"""Shape (2, n): the numbers of a waveform, and of the same waveform half a step later."""
SAME = 0.06
"""The largest share of different bits of two encodings of a recording.

Measured: 0.012 at most between encodings at 48 to 320 kbit/s, 0.04 if one begins later, 0.075 at least for
20 s of a version that is played 1 % faster, 0.3 at least for another song.
"""
LONGEST = 60.0
"""Seconds of the middle that a fingerprint covers."""
STEP = 4096 / 3 / 11025
"""Seconds between two numbers."""
STEPS_OFF = 8
"""How many numbers, a second in all, the described part of one may begin before that of the other."""
LEAST = 16
"""Fewer numbers in common than these, two seconds, do not tell two recordings apart."""
MARKS = 12
"""Marks of a row: see :func:`marks`."""
_TIMES = 3
"""A number that occurs more often belongs to a steady sound, which many recordings have."""
_TIME_LIMIT = 60.0


def fingerprint(waveform: NDArray[np.float32], *, rate: int) -> bytes | None:
    """The fingerprint of a mono waveform of shape (n,) at `rate` Hz, packed.

    None if the waveform is too short, or if ffmpeg fails, with a warning: a song without a fingerprint is
    recognised by its names.
    """
    spare = max(0, len(waveform) - round(LONGEST * rate))
    middle = waveform[spare // 2 : len(waveform) - (spare - spare // 2)]
    first, second = _numbers(middle, rate), _numbers(middle[round(STEP / 2 * rate) :], rate)
    common = min(len(first), len(second))
    return np.stack([first[:common], second[:common]]).tobytes() if common >= LEAST else None


def _numbers(waveform: NDArray[np.float32], rate: int) -> NDArray[np.uint32]:
    sound = (np.clip(waveform, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    before = ["-v", "error", "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0"]
    after = ["-f", "chromaprint", "-fp_format", "raw", "pipe:1"]
    try:
        done = ffmpeg.call([*before, *after], limit=_TIME_LIMIT, given=sound)
    except Undecodable as error:
        log.warning("no fingerprint: %s", error)
        return np.zeros(0, "<u4")
    if done.returncode:
        log.warning("no fingerprint: %s", ffmpeg.last_words(done.stderr.decode(errors="replace")))
        return np.zeros(0, "<u4")
    whole = len(done.stdout) // 4 * 4
    return np.frombuffer(done.stdout[:whole], dtype=np.uint32).astype("<u4")


def unpacked(fingerprint: bytes) -> Fingerprint:
    """The numbers of a packed fingerprint: little-endian, the first row before the second."""
    return np.frombuffer(fingerprint[: len(fingerprint) // 8 * 8], dtype="<u4").reshape(2, -1)


def difference(one: Fingerprint, other: Fingerprint) -> float | None:
    """The share of different bits where they fit best; None if their lengths differ too much."""
    longer = max(one.shape[1], other.shape[1])
    least = max(LEAST, min(0.9 * longer, longer - STEPS_OFF))
    found = [
        _at_offset(one[0], row, steps, least) for row in other for steps in range(-STEPS_OFF, STEPS_OFF + 1)
    ]
    return min((share for share in found if share is not None), default=None)


def is_same(one: bytes, other: bytes) -> bool | None:
    """Whether two packed fingerprints are of the same recording; None if they cannot be compared."""
    share = difference(unpacked(one), unpacked(other))
    return None if share is None else share <= SAME


def marks(fingerprint: bytes) -> tuple[list[int], list[int]]:
    """Numbers of each row of a fingerprint by which a search finds it.

    They are the first in the order of a hash (bottom-k sketch, Broder 1997). Two encodings share about half
    of the numbers of one row, and so nearly always a mark.
    """
    first, second = (_marks(row) for row in unpacked(fingerprint))
    return first, second


def _marks(row: NDArray[np.uint32]) -> list[int]:
    counts = Counter(row.tolist())
    rare = [number for number, times in counts.items() if times <= _TIMES] or list(counts)
    return sorted(rare, key=lambda number: (zlib.crc32(number.to_bytes(4, "little")), number))[:MARKS]


def _at_offset(one: NDArray[np.uint32], other: NDArray[np.uint32], steps: int, least: float) -> float | None:
    first, second = one[max(0, steps) :], other[max(0, -steps) :]
    common = min(len(first), len(second))
    if common < least:
        return None
    different = np.bitwise_count(first[:common] ^ second[:common]).sum()
    return float(different) / (32 * common)
