"""A playlist's own picture: an uploaded image as a JPEG of fixed size."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from segue.phrases import marked
from segue.playlists.playlist import PlaylistError

LARGEST = 16 * 1024 * 1024
"""Bytes of an upload."""
_SIDE = 640
_MOST_PIXELS = 64_000_000
_QUALITY = 85


def square(data: bytes) -> bytes:
    """The middle of an image as a square JPEG with at most 640 pixels a side, without its metadata.

    Raises
    ------
    PlaylistError
        It is not an image that can be read.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF", "BMP")) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise PlaylistError(marked("The picture has too many pixels."))
            picture.draft("RGB", (_SIDE, _SIDE))
            plain = ImageOps.exif_transpose(picture).convert("RGB")
            side = min(_SIDE, *plain.size)
            made = io.BytesIO()
            ImageOps.fit(plain, (side, side), Image.Resampling.LANCZOS).save(made, "JPEG", quality=_QUALITY)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise PlaylistError(marked("Segue cannot read this picture: use JPEG, PNG or WebP.")) from None
    return made.getvalue()
