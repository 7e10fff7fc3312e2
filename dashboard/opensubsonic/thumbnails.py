"""Covers in the size that an app asks for."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict

from PIL import Image

from segue.catalog.covers import CoverPicture, Covers
from segue.catalog.tracks import Tracks

SIZES = (64, 128, 256, 512, 1024)
"""Pixels. A cover is made in the next larger size, so that few versions of each are kept."""
_MOST_BYTES = 32 * 1024 * 1024
_MOST_PIXELS = 64_000_000
_QUALITY = 85


class Thumbnails:
    """Makes smaller covers, and keeps those used last in memory. Thread-safe."""

    def __init__(self, covers: Covers, tracks: Tracks) -> None:
        self._covers, self._tracks = covers, tracks
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], tuple[bytes, str]] = OrderedDict()
        self._bytes = 0

    def picture(self, cover_id: str, *, size: int | None) -> tuple[bytes, str] | None:
        """A cover, not larger than its source, and its content type; None if the visitor sees none."""
        if not self._tracks.shows_cover(cover_id):
            return None
        wanted = next((one for one in SIZES if size is not None and one >= size), None)
        if wanted is not None and (kept := self._find(cover_id, wanted)):
            return kept
        cover = self._covers.read(cover_id)
        if cover is None or not cover["data"]:
            return None
        if wanted is None:
            return bytes(cover["data"]), cover["type"]
        made = _smaller(cover, wanted)
        self._keep(cover_id, wanted, made)
        return made

    def _find(self, cover_id: str, size: int) -> tuple[bytes, str] | None:
        with self._lock:
            found = self._kept.get((cover_id, size))
            if found:
                self._kept.move_to_end((cover_id, size))
            return found

    def _keep(self, cover_id: str, size: int, made: tuple[bytes, str]) -> None:
        with self._lock:
            if (cover_id, size) not in self._kept:
                self._kept[cover_id, size] = made
                self._bytes += len(made[0])
            while self._bytes > _MOST_BYTES and self._kept:
                _, (data, _) = self._kept.popitem(last=False)
                self._bytes -= len(data)


def _smaller(cover: CoverPicture, size: int) -> tuple[bytes, str]:
    """The cover with at most `size` pixels at its longer side; the cover itself if it cannot be read."""
    whole = bytes(cover["data"]), cover["type"]
    try:
        with Image.open(io.BytesIO(whole[0])) as picture:
            if max(picture.size) <= size or picture.width * picture.height > _MOST_PIXELS:
                return whole
            picture.draft("RGB", (size, size))
            plain = picture.convert("RGB")
            plain.thumbnail((size, size), Image.Resampling.LANCZOS)
            made = io.BytesIO()
            plain.save(made, "JPEG", quality=_QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return whole
    return made.getvalue(), "image/jpeg"
