"""Fingerprints of what is heard, which survive another format, another bit rate and other tags.

They are Chromaprint's, computed by the muxer of the bundled ffmpeg. A fingerprint is a row of 32-bit numbers,
eight a second, of the described part of a recording. Two encodings of a recording differ in few bits, two
recordings of a song in many: their notes begin at other moments.
"""

from __future__ import annotations

import zlib
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from segue.audio import ffmpeg
from segue.audio.errors import Undecodable

Fingerprint = NDArray[np.uint32]
SAME = 0.07
"""The largest share of different bits of two encodings of a recording.

Measured: 0.012 at most between encodings at 48 to 320 kbit/s, 0.065 if one begins 48 ms later, 0.08 at
least for 20 s of a version that is played 2 % faster, 0.3 at least for another song.
"""
STEPS_OFF = 8
"""How many numbers, a second in all, the described part of one may begin before that of the other."""
LEAST = 16
"""Fewer numbers in common than these, two seconds, do not tell two recordings apart."""
MARKS = 12
"""Marks of a fingerprint: see :func:`marks`."""
_TIMES = 3
"""A number that occurs more often belongs to a steady sound, which many recordings have."""
_TIME_LIMIT = 60.0


def fingerprint(waveform: NDArray[np.float32], *, rate: int) -> bytes | None:
    """The fingerprint of a mono waveform of shape (n,) at `rate` Hz as little-endian 32-bit numbers.

    None if the waveform is too short, or if ffmpeg fails: a song without a fingerprint is recognised by its
    names.
    """
    sound = (np.clip(waveform, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    before = ["-v", "error", "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0"]
    after = ["-f", "chromaprint", "-fp_format", "raw", "pipe:1"]
    try:
        done = ffmpeg.call([*before, *after], limit=_TIME_LIMIT, given=sound)
    except Undecodable:
        return None
    numbers = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], dtype=np.uint32)
    return numbers.astype("<u4").tobytes() if not done.returncode and len(numbers) >= LEAST else None


def unpacked(fingerprint: bytes) -> Fingerprint:
    """The numbers of a packed fingerprint."""
    return np.frombuffer(fingerprint[: len(fingerprint) // 4 * 4], dtype="<u4")


def difference(one: Fingerprint, other: Fingerprint) -> float | None:
    """The share of different bits where they fit best; None if their lengths differ too much."""
    least = max(LEAST, min(0.9 * max(len(one), len(other)), max(len(one), len(other)) - STEPS_OFF))
    found = [_at_offset(one, other, steps, least) for steps in range(-STEPS_OFF, STEPS_OFF + 1)]
    return min((share for share in found if share is not None), default=None)


def is_same(one: bytes, other: bytes) -> bool | None:
    """Whether two packed fingerprints are of the same recording; None if they cannot be compared."""
    share = difference(unpacked(one), unpacked(other))
    return None if share is None else share <= SAME


def marks(fingerprint: bytes) -> list[int]:
    """Numbers of a fingerprint by which a search finds it.

    They are the first in the order of a hash (bottom-k sketch, Broder 1997). Two encodings share more than
    half of their numbers, and so nearly always a mark.
    """
    numbers = unpacked(fingerprint)
    counts = Counter(numbers.tolist())
    rare = [number for number, times in counts.items() if times <= _TIMES] or list(counts)
    return sorted(rare, key=lambda number: (zlib.crc32(number.to_bytes(4, "little")), number))[:MARKS]


def _at_offset(one: Fingerprint, other: Fingerprint, steps: int, least: float) -> float | None:
    first, second = one[max(0, steps) :], other[max(0, -steps) :]
    common = min(len(first), len(second))
    if common < least:
        return None
    different = np.bitwise_count(first[:common] ^ second[:common]).sum()
    return float(different) / (32 * common)
