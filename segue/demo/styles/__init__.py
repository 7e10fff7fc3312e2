"""The eight styles of the demo library, each in a file."""

from __future__ import annotations

from segue.demo.sketch import Style
from segue.demo.styles import ambient, chiptune, drum_and_bass, folk, house, metal, swing, waltz

STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        ambient.STYLE,
        waltz.STYLE,
        chiptune.STYLE,
        house.STYLE,
        drum_and_bass.STYLE,
        folk.STYLE,
        swing.STYLE,
        metal.STYLE,
    )
}
"""Every style by its name, which is also the genre tag of its tracks."""
