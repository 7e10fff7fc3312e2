"""The loudness of a recording, and the version of its measurement (:mod:`segue.audio.loudness`).

Spark's workers, which have no decoder, import this.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 1
"""Increase it with each change that changes a number: all recordings are measured again."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """The loudness of a recording."""

    integrated: float | None
    """LUFS; None for silence, and for less than 0.4 s."""
    peak: float | None
    """True peak as a share of full scale, above 1 if decoding clips it; None for silence."""
    blocks: bytes = b""
    """The number of blocks in each step of loudness from -70 LUFS, as little-endian uint32, without zeros at
    the end."""
