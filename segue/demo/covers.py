"""Album covers: abstract pictures, with a drawing and a set of palettes for each style."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from segue.demo.palettes import Colour, Palette, palette_of

SIZE = 600
"""Pixels per side of a finished cover; it is drawn at twice the size and scaled down."""
_WIDE = 2 * SIZE


def _blend(palette: Palette, share: float) -> Colour:
    """The interpolated colour of a palette, from the first (0) to the last (1)."""
    place = min(max(share, 0.0), 1.0) * (len(palette) - 1)
    low = min(int(place), len(palette) - 2)
    mixed = [round(a + (b - a) * (place - low)) for a, b in zip(palette[low], palette[low + 1], strict=True)]
    return mixed[0], mixed[1], mixed[2]


def _gradient(palette: Palette) -> Image.Image:
    """A background gradient through the palette from top to bottom."""
    rows = np.array([_blend(palette, y / (_WIDE - 1)) for y in range(_WIDE)], dtype=np.uint8)
    return Image.fromarray(np.repeat(rows[:, None, :], _WIDE, axis=1))


def _ridge(
    rng: np.random.Generator, base: float, height: float, *, rough: float
) -> list[tuple[float, float]]:
    """The outline of a hill or wave around the row ``base``, closed along the bottom edge."""
    x = np.linspace(0, _WIDE, 121)
    waves = [(rng.uniform(0.5, 1.6) * (1 + k * rough), rng.uniform(0, 6.3), 1 / (1 + k)) for k in range(5)]
    y = base + height * sum(a * np.sin(2 * np.pi * f * x / _WIDE + p) for f, p, a in waves)
    return [(0, _WIDE), *zip(x.tolist(), np.asarray(y).tolist(), strict=True), (_WIDE, _WIDE)]


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _mist(rng: np.random.Generator, palette: Palette) -> Image.Image:
    """Ambient: a pale sun behind layers of soft waves."""
    image = _gradient(palette)
    draw = ImageDraw.Draw(image)
    x, y, radius = rng.uniform(350, 850), rng.uniform(380, 560), rng.uniform(130, 210)
    for ring in range(24, 0, -1):
        share = 0.42 + 0.58 * (1 - ring / 24)
        _disc(draw, x, y, radius * (0.9 + ring * 0.055), _blend(palette, share))
    image = image.filter(ImageFilter.GaussianBlur(14))
    for layer in range(6):
        top = Image.new("RGB", image.size, _blend(palette, 0.62 - 0.12 * layer))
        mask = Image.new("L", image.size, 0)
        outline = _ridge(rng, 640 + 95 * layer, rng.uniform(28, 55), rough=0.35)
        ImageDraw.Draw(mask).polygon(outline, fill=190)
        image.paste(top, mask=mask.filter(ImageFilter.GaussianBlur(10 - layer)))
    return image


def _arcs(rng: np.random.Generator, palette: Palette) -> Image.Image:
    """Waltz: three families of fine rings that turn around one another."""
    image = Image.new("RGB", (_WIDE, _WIDE), palette[0])
    draw = ImageDraw.Draw(image)
    turn = rng.uniform(0, 2 * np.pi)
    for third in range(3):
        angle = turn + third * 2 * np.pi / 3
        x, y = 600 + 235 * math.cos(angle), 600 + 235 * math.sin(angle)
        _disc(draw, x, y, (210, 150, 105)[third], palette[1 + third])
    for third in range(3):
        angle = turn + third * 2 * np.pi / 3
        x, y = 600 + 235 * math.cos(angle), 600 + 235 * math.sin(angle)
        for ring in range(13):
            radius, start = 90 + ring * 31, math.degrees(angle) + ring * rng.uniform(4, 9)
            box = (x - radius, y - radius, x + radius, y + radius)
            draw.arc(
                box, start, start + rng.uniform(110, 230), fill=_blend(palette, 0.4 + ring / 22), width=7
            )
    return image


def _sprites(rng: np.random.Generator, palette: Palette) -> Image.Image:
    """Chiptune: a mirrored creature of pixels among stars."""
    image = Image.new("RGB", (_WIDE, _WIDE), palette[0])
    draw = ImageDraw.Draw(image)
    cell = _WIDE // 20
    for _ in range(46):
        x, y = int(rng.integers(20)), int(rng.integers(20))
        corner, small = (x * cell, y * cell), cell // int(rng.integers(3, 6))
        draw.rectangle((*corner, corner[0] + small, corner[1] + small), fill=palette[int(rng.integers(1, 5))])
    rows, columns = np.mgrid[0:12, 0:6]
    likely = 1.15 - 0.13 * (5 - columns) - 0.055 * np.abs(rows - 5.5)
    solid = rng.random((12, 6)) < likely * 0.8
    shade = np.where(rng.random((12, 6)) < 0.25, 2, 1)
    solid[4:6, 3], shade[4:6, 3] = True, 3
    for y, x in zip(*np.nonzero(solid), strict=True):
        for column in (4 + x, 15 - x):
            left, top = int(column) * cell, (4 + int(y)) * cell
            draw.rectangle((left, top, left + cell - 5, top + cell - 5), fill=palette[int(shade[y, x])])
    return image


def _tiles(rng: np.random.Generator, palette: Palette) -> Image.Image:
    """House: a wall of quarter circles, half circles and discs."""
    image = Image.new("RGB", (_WIDE, _WIDE), palette[0])
    draw = ImageDraw.Draw(image)
    side = _WIDE // 4
    for place in range(16):
        x, y = place % 4 * side, place // 4 * side
        ground, front = (palette[int(colour)] for colour in rng.permutation(5)[:2])
        tile = Image.new("RGB", (side, side), ground)
        inner, kind = ImageDraw.Draw(tile), int(rng.integers(4))
        if kind == 0:
            _disc(inner, 0, 0, side, front)
            _disc(inner, 0, 0, side / 2, ground)
        elif kind == 1:
            _disc(inner, side / 2, side / 2, side * 0.36, front)
        elif kind == 2:
            _disc(inner, side / 2, 0, side / 2, front)
            _disc(inner, side / 2, side, side / 2, front)
        else:
            _disc(inner, 0, side, side, front)
        image.paste(tile.rotate(90 * int(rng.integers(4))), (x, y))
    draw.rectangle((0, 0, _WIDE - 1, _WIDE - 1), outline=palette[0], width=24)
    return image


def _shards(rng: np.random.Generator, palette: Palette) -> Image.Image:
    """Drum and Bass: bars of light that rush past at one slant."""
    image = _gradient((palette[0], palette[0], palette[1]))
    glow = Image.new("RGB", image.size, (0, 0, 0))
    for picture, count in ((glow, 14), (image, 46)):
        draw = ImageDraw.Draw(picture)
        for _ in range(count):
            x, y = rng.uniform(-300, 1300), rng.uniform(-100, 1300)
            length, width = rng.gamma(2.0, 160), rng.choice([4, 8, 14, 30, 60])
            colour = _blend(palette[1:], rng.beta(1.2, 1.6))
            ends = [(x, y), (x + length, y - length * 0.6)]
            shape = [*ends, (ends[1][0] + width, ends[1][1]), (x + width, y)]
            draw.polygon(shape, fill=colour)
    glow = glow.filter(ImageFilter.GaussianBlur(50))
    lit = np.asarray(image, dtype=np.int16) + np.asarray(glow, dtype=np.int16)
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


def _hills(rng: np.random.Generator, palette: Palette) -> Image.Image:
    """Folk: a sun over cut-paper hills, with birds."""
    image = _gradient((palette[0], palette[0], _blend(palette, 0.18)))
    draw = ImageDraw.Draw(image)
    x, y, radius = rng.uniform(300, 900), rng.uniform(300, 430), rng.uniform(120, 180)
    _disc(draw, x, y, radius * 1.22, _blend(palette, 0.14))
    _disc(draw, x, y, radius, palette[1])
    for layer in range(6):
        draw.polygon(
            _ridge(rng, 560 + 112 * layer, rng.uniform(35, 70), rough=0.5),
            fill=_blend(palette, 0.3 + 0.14 * layer),
        )
    for _ in range(5):
        left, top, span = x + rng.uniform(-330, 330), y + rng.uniform(-170, 120), rng.uniform(22, 40)
        for start in (left - span, left):
            draw.arc((start, top, start + span, top + span * 0.8), 190, 350, fill=palette[4], width=6)
    return image


def _mobile(rng: np.random.Generator, palette: Palette) -> Image.Image:
    """Swing: cut paper of the fifties, hung in three rows."""
    image = Image.new("RGB", (_WIDE, _WIDE), palette[0])
    draw = ImageDraw.Draw(image)
    split = rng.uniform(420, 780)
    draw.rectangle((split, 0, _WIDE, _WIDE), fill=_blend((palette[0], palette[3]), 0.45))
    for column, middle in enumerate((190, 400, 610, 820, 1020)):
        x, tall = middle + rng.uniform(-25, 25), rng.uniform(190, 420)
        y, wide = rng.uniform(330, 870), rng.uniform(85, 150)
        draw.line((x, 0, x, _WIDE), fill=palette[4], width=4)
        colour = palette[(1, 2, 3, 1, 2)[(column + int(rng.integers(2))) % 5]]
        if rng.random() < 0.5:
            draw.polygon([(x, y - tall), (x + wide, y), (x, y + tall), (x - wide, y)], fill=colour)
        else:
            draw.ellipse((x - wide, y - tall * 0.6, x + wide, y + tall * 0.6), fill=colour)
        _disc(draw, x, y, wide * 0.42, palette[0])
        _disc(draw, x, y, wide * 0.26, palette[4])
    return image


def _peaks(rng: np.random.Generator, palette: Palette) -> Image.Image:
    """Metal: black crystals that rise before a burning sky."""
    image = _gradient((palette[0], palette[1], palette[2], palette[3]))
    draw = ImageDraw.Draw(image)
    x, y = rng.uniform(450, 750), rng.uniform(430, 560)
    for ray in range(36):
        angle = ray * np.pi / 18 + rng.uniform(-0.03, 0.03)
        far = [(x + 1700 * math.cos(angle + by), y + 1700 * math.sin(angle + by)) for by in (-0.035, 0.035)]
        draw.polygon([(x, y), *far], fill=_blend(palette, 0.3 + 0.12 * (ray % 2)))
    image = image.filter(ImageFilter.GaussianBlur(6))
    draw = ImageDraw.Draw(image)
    _disc(draw, x, y, 170, palette[4])
    _disc(draw, x, y, 150, palette[3])
    for layer in range(3):
        for foot in np.linspace(-80, 1280, 8 + 2 * layer) + rng.uniform(-60, 60):
            top, wide, base = 760 + 130 * layer - rng.uniform(0, 330), rng.uniform(110, 190), _WIDE + 10
            dark, light = _blend(palette, 0.14 - 0.06 * layer), _blend(palette, 0.36 - 0.11 * layer)
            draw.polygon([(foot - wide, base), (foot, top), (foot + 25, base)], fill=light)
            draw.polygon([(foot, top), (foot + wide, base), (foot + 25, base)], fill=dark)
    return image


_DRAWN: dict[str, Callable[[np.random.Generator, Palette], Image.Image]] = {
    "Ambient": _mist,
    "Waltz": _arcs,
    "Chiptune": _sprites,
    "House": _tiles,
    "Drum and Bass": _shards,
    "Folk": _hills,
    "Swing": _mobile,
    "Metal": _peaks,
}


def cover(style: str, shelf: int) -> bytes:
    """The cover of a style's album number ``shelf`` (from 0): a JPEG of :data:`SIZE` pixels a side."""
    rng = np.random.default_rng([list(_DRAWN).index(style), shelf, 1919])
    image = _DRAWN[style](rng, palette_of(style, shelf)).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    grain = rng.normal(0.0, 3.0, (SIZE, SIZE, 1))
    image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=88, optimize=True)
    return jpeg.getvalue()
