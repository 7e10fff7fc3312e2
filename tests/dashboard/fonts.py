"""Writes the parts of Streamlit's fonts that pages need: `.ci/fonts`.

Streamlit's fonts have 545 kB, which each first visit loads before the page is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import streamlit

from segue.dashboard.static_files import PARTS
from segue.places import ROOT

_STREAMLIT = Path(streamlit.__file__).parent
_SCRIPTS = _STREAMLIT / "static/static/js"
LATIN = [*range(0x20, 0x180), *range(0x2000, 0x2070), *range(0x20A0, 0x20D0), *map(ord, "™←↑→↓−")]
_SYMBOLS = "MaterialSymbols-Rounded"
_KEPT_NAMES = [0, 1, 2, 3, 4, 5, 6, 13, 14]
"""Copyright, names and licence."""
_OF_LICENCE = 14
_NAME = re.compile(r":material/(\w+):")


def of_pages() -> set[str]:
    """The names of the symbols in our pages."""
    return _named(*(ROOT / "dashboard").rglob("*.py"))


def of_streamlit() -> set[str]:
    """The names in Streamlit's own elements; one or two are in no version of the font."""
    return _named(*_SCRIPTS.glob("*.js"), _STREAMLIT / "elements/lib/mutable_status_container.py")


def _named(*files: Path) -> set[str]:
    return {name for file in files for name in _NAME.findall(file.read_text())}


def write_symbols() -> None:
    """Write the font with the used symbols, each of which is a ligature of the letters of its name.

    Raises
    ------
    SystemExit
        The font lacks a symbol of our pages.
    """
    font = _font(_SYMBOLS)
    letters = font.getBestCmap()
    ligatures = {
        (first, *ligature.Component): ligature.LigGlyph
        for lookup in font["GSUB"].table.LookupList.Lookup
        for table in lookup.SubTable
        for first, of_first in getattr(table, "ExtSubTable", table).ligatures.items()
        for ligature in of_first
    }
    spelt = {name: tuple(letters[ord(letter)] for letter in name) for name in of_pages() | of_streamlit()}
    known = {name: spelling for name, spelling in spelt.items() if spelling in ligatures}
    if missing := of_pages() - known.keys():
        raise SystemExit(f"the font has no symbol {', '.join(sorted(missing))}")
    glyphs = {glyph for spelling in known.values() for glyph in (*spelling, ligatures[spelling])}
    # Without the closure, which would take every symbol that the letters spell.
    _write(_SYMBOLS, glyphs=glyphs, layout_closure=False)


def write_latin() -> None:
    """Write the font with the letters of European languages in Latin script, and punctuation."""
    spacing = ["kern", "liga", "ccmp", "locl", "mark", "calt"]
    _write("SourceSansVF-Upright", unicodes=LATIN, layout_features=spacing)


def _font(name: str) -> Any:
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    [whole] = (_STREAMLIT / "static/static/media").glob(f"{name}.*.woff2")
    return TTFont(whole)


def _write(name: str, *, glyphs: Iterable[str] = (), unicodes: Iterable[int] = (), **options: Any) -> None:
    from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]

    font = _font(name)
    subsetter = Subsetter(Options(hinting=False, name_IDs=_KEPT_NAMES, **options))
    subsetter.populate(glyphs=glyphs, unicodes=unicodes)
    subsetter.subset(font)
    _rename(font, f"Segue {PARTS[name].stem.title()}")
    font.flavor = "woff2"
    PARTS[name].parent.mkdir(exist_ok=True)
    font.save(PARTS[name])
    print(f"{PARTS[name]}: {PARTS[name].stat().st_size:,} bytes")


def _rename(font: Any, name: str) -> None:
    """The Open Font License reserves the names of some fonts for their unchanged forms."""
    texts = {1: name, 3: name, 4: name, 6: name.replace(" ", "")}
    for record in font["name"].names:
        if record.nameID in texts:
            record.string = texts[record.nameID]
        elif "Source" in (text := str(record)) and record.nameID > _OF_LICENCE:
            record.string = text.replace("SourceSans3VF", texts[6])


if __name__ == "__main__":
    write_symbols()
    write_latin()
