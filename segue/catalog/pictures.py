"""The pictures in a folder, of which one may be the cover of the songs in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})


def digest_of(pictures: Iterable[os.DirEntry[str]]) -> str | None:
    """A digest of the names, sizes and times of pictures; None without any that can be looked at."""
    facts = []
    for entry in sorted(pictures, key=lambda entry: entry.name):
        try:
            status = entry.stat()
        except OSError:  # a link without a target
            continue
        facts.append(f"{os.fsencode(entry.name)!r} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16] if facts else None
