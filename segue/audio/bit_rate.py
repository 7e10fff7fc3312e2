"""The facts that a file states about its sound; its bit rate is that without covers and tags."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mutagen


@dataclass(frozen=True, kw_only=True)
class SoundFacts:
    """The facts that a file states about its sound; None where it states none."""

    kilobits: int | None = None
    """Thousand bits a second."""
    channels: int | None = None
    sample_rate: int | None = None
    """Samples of a channel a second."""
    bits: int | None = None
    """Bits of a sample."""


def sound_kilobits(path: Path) -> int | None:
    """The bit rate in thousand bits a second by the file's own facts; None if it states none."""
    return sound_facts(path).kilobits


def sound_facts(path: Path) -> SoundFacts:
    """The facts of a file; none of one that cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return SoundFacts()
    return _facts(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _facts(path: Path, size: int, modified_ns: int) -> SoundFacts:
    """The file's state is part of the key."""
    try:
        file = mutagen.File(path)
    except (mutagen.MutagenError, OSError, ValueError):
        return SoundFacts()
    info = getattr(file, "info", None)
    rate = _number(info, "bitrate")
    return SoundFacts(
        kilobits=round(rate / 1000) if rate else None,
        channels=_number(info, "channels"),
        sample_rate=_number(info, "sample_rate"),
        bits=_number(info, "bits_per_sample"),
    )


def _number(info: object, name: str) -> int | None:
    value = getattr(info, name, None)
    return int(value) if isinstance(value, int | float) and value > 0 else None
