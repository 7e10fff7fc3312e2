"""The preview image of a share link, for Open Graph: covers, title and subtitle."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageOps, UnidentifiedImageError

from segue.dashboard.pictures.fonts import fitting, font

SIZE = (1200, 630)
"""Pixels; readers of Open Graph show this size without cropping."""
_SIDE = 470
_INK, _SOFT, _ACCENT, _PLAIN = (250, 248, 244), (205, 214, 214), (94, 234, 212), (17, 94, 89)


def opened(data: bytes) -> Image.Image | None:
    """A cover as an RGB image; None if it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None


def draw(title: str, subtitle: str, covers: Sequence[bytes]) -> bytes:
    """A PNG of 1200 x 630 pixels, with the first cover, or a mosaic of the first four if there are four."""
    pictures = [image for data in covers[:4] if (image := opened(data))]
    front = _mosaic(pictures)
    ground = ImageOps.fit(front, SIZE).filter(ImageFilter.GaussianBlur(60))
    ground = Image.blend(ground, Image.new("RGB", SIZE, (10, 16, 20)), 0.68)
    mask = Image.new("L", (2 * _SIDE, 2 * _SIDE))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 2 * _SIDE - 1, 2 * _SIDE - 1), 48, fill=255)
    ground.paste(front, (80, 80), mask.resize((_SIDE, _SIDE)))
    pen = ImageDraw.Draw(ground)
    left, width = 80 + _SIDE + 60, SIZE[0] - 80 - _SIDE - 60 - 70
    top = 200
    for line in _lines(title, width):
        text, used = fitting(line, width=width, size=68, weight=700, smallest=40)
        pen.text((left, top), text, _INK, used)
        top += 80
    text, used = fitting(subtitle, width=width, size=38, smallest=28)
    pen.text((left, top + 16), text, _SOFT, used)
    pen.text((left, 502), "Segue", _ACCENT, font(36, weight=600))
    out = io.BytesIO()
    ground.save(out, "PNG")
    return out.getvalue()


def _mosaic(pictures: Sequence[Image.Image]) -> Image.Image:
    if not pictures:
        return Image.new("RGB", (_SIDE, _SIDE), _PLAIN)
    if len(pictures) < 4:
        return ImageOps.fit(pictures[0], (_SIDE, _SIDE))
    half, whole = _SIDE // 2, Image.new("RGB", (_SIDE, _SIDE))
    for place, picture in enumerate(pictures):
        whole.paste(ImageOps.fit(picture, (half, half)), (half * (place % 2), half * (place // 2)))
    return whole


def _lines(title: str, width: float, *, most: int = 3) -> list[str]:
    """The title in up to `most` lines, broken between words; the last line may be too long."""
    used = font(68, weight=700)
    lines: list[str] = []
    for word in title.split():
        if lines and (used.getlength(f"{lines[-1]} {word}") <= width or len(lines) == most):
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines or [title]
