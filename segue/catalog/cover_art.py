"""Cover art: the picture in a file's tags or in its folder, as a small JPEG."""

from __future__ import annotations

import base64
import hashlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mutagen.flac import Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags
from PIL import Image, ImageOps

WIDEST = 400
"""Pixels on the longer side."""
QUALITY = 85
LARGEST_BYTES = 32 << 20
LARGEST_PIXELS = 50_000_000
BESIDE = ("cover", "folder", "front", "albumart")
"""File names, without suffix, of a folder's cover picture, in order of preference."""
PICTURES = frozenset({".jpg", ".jpeg", ".png"})
FRONT = 3
"""The kind of picture that ID3 and FLAC call the front cover."""


@dataclass(frozen=True, kw_only=True)
class Cover:
    cover_id: str
    """SHA-256 of the original picture."""
    data: bytes
    """JPEG, at most :data:`WIDEST` pixels wide and high."""


def find_cover(path: Path, audio: Any) -> Cover | None:
    """The cover of a track: from its tags (`audio` is mutagen's object), otherwise from its folder.

    A picture that is broken or far too large is skipped; the track is kept.
    """
    for picture in _embedded(audio):
        if picture and (cover := thumbnail(picture)):
            return cover
    return _beside(path.parent)


def _embedded(audio: Any) -> Iterator[bytes]:
    tags = getattr(audio, "tags", None)
    pictures: list[Any] = list(getattr(audio, "pictures", ()))
    if isinstance(tags, ID3):
        pictures += tags.getall("APIC")
    elif isinstance(tags, MP4Tags):
        yield from (bytes(cover) for cover in tags.get("covr") or ())
    elif tags is not None:
        pictures += [p for text in tags.get("metadata_block_picture") or () if (p := _block(text))]
    yield from (picture.data for picture in sorted(pictures, key=lambda picture: picture.type != FRONT))


def _block(text: str) -> Picture | None:
    """A picture in a Vorbis comment; None where it is garbled."""
    try:
        return Picture(base64.b64decode(text))
    except Exception:  # mutagen's parser can raise any error
        return None


@lru_cache(maxsize=64)
def _beside(folder: Path) -> Cover | None:
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES)
    except OSError:
        return None
    ranked = [file for stem in BESIDE for file in files if file.stem.lower() == stem]
    for file in ranked:
        try:
            if (
                file.is_file()
                and file.stat().st_size <= LARGEST_BYTES
                and (cover := thumbnail(file.read_bytes()))
            ):
                return cover
        except OSError:
            continue
    return None


@lru_cache(maxsize=4)  # the tracks of an album have the same picture
def thumbnail(picture: bytes) -> Cover | None:
    """A picture as a small JPEG, or None if it cannot be read."""
    if len(picture) > LARGEST_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(picture)) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    return None
                image.draft("RGB", (2 * WIDEST, 2 * WIDEST))
                small = ImageOps.exif_transpose(image).convert("RGB")
                small.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    # On a damaged picture, Pillow's decoders can raise any error.
    except Exception:
        return None
    data = io.BytesIO()
    small.save(data, "JPEG", quality=QUALITY, optimize=True)
    return Cover(cover_id=hashlib.sha256(picture).hexdigest(), data=data.getvalue())
