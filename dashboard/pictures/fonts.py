"""The font of drawn images: Source Sans, the font of the pages, from Streamlit's files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit
from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(size: int, *, weight: int = 400) -> Font:
    """Source Sans at a size in pixels and a weight of 200 to 900; Pillow's default font if it is missing."""
    media = Path(streamlit.__file__).parent / "static" / "static" / "media"
    file = next(iter(sorted(media.glob("SourceSansVF-Upright*"))), None)
    if file is None:
        return ImageFont.load_default(size)
    variable = ImageFont.truetype(str(file), size)
    variable.set_variation_by_axes([weight])
    return variable


def fitting(text: str, *, width: float, size: int, weight: int = 400, smallest: int = 18) -> tuple[str, Font]:
    """Text and a font that fit `width` pixels: a smaller font down to `smallest`, then an ellipsis."""
    while size > smallest and font(size, weight=weight).getlength(text) > width:
        size -= 2
    used = font(size, weight=weight)
    if used.getlength(text) <= width:
        return text, used
    while text and used.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…", used
