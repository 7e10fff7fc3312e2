"""Playlists as tables: the text that Apple Music and iTunes export, and CSV files of converters.

The first line names the columns, in the language of the program.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import islice
from typing import Literal

from segue.playlists.entries import Entry, Listed, entry_of, lines_of
from segue.playlists.playlists import MOST_TRACKS

_TITLES = (
    "track name",
    "name",
    "title",
    "song",
    "song name",
    "track",
    "song title",
    "titel",
    "nom",
    "titre",
    "nombre",
)
_ARTISTS = (
    *(
        "artist name(s)",
        "artist name",
        "artist",
        "artists",
        "artist name 1",
        "interpret",
        "künstler",
        "artiste",
        "artista",
    ),
    *("interprète",),
)
_LENGTHS = (
    *("duration (ms)", "track duration (ms)", "duration_ms", "time", "duration", "length", "dauer", "zeit"),
    *("länge", "durée", "duración"),
)
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d\d(?:\.\d{1,6})?)")
_NUMBER = re.compile(r"\d{1,10}(?:\.\d{1,6})?")


def listed_in_table(text: str) -> Listed | None:
    """The songs of a table with columns for title and artist; None for a text of another kind."""
    text = text.lstrip("\ufeff\r\n")
    head = next(lines_of(text), None)
    separator = next((sign for sign in "\t;," if head and sign in head[0]), None)
    if separator is None:
        return None
    try:
        # Quotes in Apple's text are a part of the titles.
        quoted: Literal[0, 3] = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
        read = csv.reader((f"{line[0]}\n" for line in lines_of(text)), delimiter=separator, quoting=quoted)
        rows = list(islice(read, MOST_TRACKS + 2))
    except csv.Error:
        return None
    names = [name.strip().lower() for name in rows[0]]
    title, artist, length = (_column(names, known) for known in (_TITLES, _ARTISTS, _LENGTHS))
    if title is None or artist is None:
        return None
    milliseconds = length is not None and "ms" in names[length]
    entries: list[Entry] = []
    for row in rows[1 : MOST_TRACKS + 2]:
        if named := _cell(row, title):
            seconds = seconds_of(_cell(row, length), unit=1000 if milliseconds else 1)
            entries.append(entry_of("", named=named, artist=_cell(row, artist), seconds=seconds))
    return Listed(name=None, entries=tuple(entries))


def seconds_of(text: str, *, unit: int = 1) -> float | None:
    """A length as a number, or as minutes and seconds; a number is divided by `unit`."""
    if clock := _CLOCK.fullmatch(text.strip()):
        return 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + float(clock[3])
    return float(text) / unit if _NUMBER.fullmatch(text.strip()) else None


def _column(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _cell(row: Sequence[str], column: int | None) -> str:
    return " ".join(row[column].split()) if column is not None and column < len(row) else ""
