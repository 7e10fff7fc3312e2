"""The bit rate of a file's sound alone, without covers and tags."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import mutagen


def sound_kilobits(path: Path) -> int | None:
    """The bit rate in thousand bits a second by the file's own facts; None if it states none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return _kilobits(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _kilobits(path: Path, size: int, modified_ns: int) -> int | None:
    """The file's state is part of the key."""
    try:
        file = mutagen.File(path)
    except (mutagen.MutagenError, OSError, ValueError):
        return None
    rate = getattr(getattr(file, "info", None), "bitrate", None)
    return round(rate / 1000) if rate else None
