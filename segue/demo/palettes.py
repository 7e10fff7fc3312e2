"""The colours of the album covers."""

from __future__ import annotations

Colour = tuple[int, int, int]
Palette = tuple[Colour, ...]

PALETTES: dict[str, tuple[str, ...]] = {
    "Ambient": (
        "0b1d3a 27496d 5b8fb0 b8d8e0 f6e7d2",
        "1a1b3a 4a3f72 8e6c9b d9a5b3 fbe3d6",
        "08262b 1f5458 4f9089 a9cfbd f3efd9",
        "20222e 4b5467 8593a3 c9ced0 f4d9bf",
    ),
    "Waltz": (
        "f4ead9 d9b99b a9746e 5c3a4a 2a1d2b",
        "eef0ea b9c7c4 6f8f9c 34506b 182338",
        "f7e9e3 e3b7a8 c47f6b 7b4747 33212a",
        "f2ead3 c9c08f 8a9a5b 4b6043 22301f",
    ),
    "Chiptune": (
        "160f29 ff3864 2de2e6 f6d743 ffffff",
        "0d1b2a 00f5a0 ff9f1c f15bb5 fdfcdc",
        "1b0b3b 9b5de5 00bbf9 fee440 f15bb5",
        "101820 ff6b35 7ae582 25a18e fff3b0",
    ),
    "House": (
        "f9efe6 ff7f50 2a4d8f ffc857 1b1b3a",
        "fdf4e3 e4572e 17bebb ffc914 2e282a",
        "f4f1ff 7b4de0 ff5d8f ffb347 231942",
        "eef7f2 118ab2 ef476f ffd166 073b4c",
    ),
    "Drum and Bass": (
        "07090f 12355b 00b4d8 d7f75b f2f4f8",
        "0b0a12 3d1e6d e0479e ffb238 f9f0ff",
        "060d0b 0f4c3a 18c29c f5f749 eafff7",
        "0c0c0c 3a3a44 ff5400 ffbd00 f4f4f4",
    ),
    "Folk": (
        "f6e7cb e8a45b b85c38 5c6b3c 2d3a2a",
        "f3efe0 d9c58b 88a07a 4a6a5a 243b38",
        "fbe8d3 ee9b6b c0605c 6d4c5b 2f2d3d",
        "eaf0ea b4c7a8 d8a657 7d6a46 35352c",
    ),
    "Swing": (
        "f3e6c8 d1495b 00798c edae49 22223b",
        "efe3d0 e76f51 2a9d8f e9c46a 264653",
        "f5ead6 9c2c3c f2a541 3b6064 1d1a26",
        "ece5d3 c8553d 588b8b f28f3b 2d3047",
    ),
    "Metal": (
        "0a0a0c 2b2d34 6d1a1e c1341f e8dccb",
        "080b0e 1e2d36 41606e 8fb0b5 e9eef0",
        "0b0710 2a1838 5b2a63 b0506d f0d7c4",
        "0a0b08 2c2f22 6a6a3c b9a44c efe6c2",
    ),
}
"""The palettes by style: five colours for each album, from background to highlight."""


def palette_of(style: str, shelf: int) -> Palette:
    """The colours (red, green, blue; 0 to 255) of a style's album number ``shelf``, counted from 0."""
    rows = PALETTES[style]
    return tuple(
        (int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)) for code in rows[shelf % len(rows)].split()
    )
