"""The Free Music Archive's data set: `fma_metadata/tracks.csv` beside `fma_small/000/000002.mp3`, ..."""

from __future__ import annotations

import ast
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segue.catalog.tags import clean
from segue.errors import SegueError

SUBSETS = ("fma_full", "fma_large", "fma_medium", "fma_small")
"""Folders of audio, the fullest first: a track that is in several is taken from the first."""
METADATA = PurePosixPath("fma_metadata")
LONGEST_FIELD = 1 << 24
"""Characters: some biographies are longer than what Python's csv takes by default."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    metadata: Path
    """The folder that has tracks.csv."""
    audio: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class FmaTrack:
    title: str
    artist: str
    album: str | None
    genres: tuple[str, ...]


def find_layout(folder: Path) -> Layout | None:
    """The parts of FMA below a folder; None if it is another kind of library."""
    metadata = folder / METADATA
    if not (metadata / "tracks.csv").is_file():
        return None
    return Layout(
        metadata=metadata, audio=tuple(folder / name for name in SUBSETS if (folder / name).is_dir())
    )


def number_of(relative: PurePosixPath) -> int | None:
    """FMA's number of the track in a file such as 000/000002.mp3."""
    return int(relative.stem) if relative.stem.isascii() and relative.stem.isdigit() else None


def read_metadata(layout: Layout) -> dict[int, FmaTrack]:
    """All of tracks.csv by FMA's track number.

    Two header rows (group, then field), a third with the index's name, and then a track a row.

    Raises
    ------
    SegueError
        A file cannot be read, or lacks a column.
    """
    csv.field_size_limit(LONGEST_FIELD)
    file = layout.metadata / "tracks.csv"
    names = _genre_names(layout.metadata / "genres.csv")
    tracks = {}
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            rows = csv.reader(opened)
            columns = _columns(next(rows), next(rows))
            for row in rows:
                if row and row[0].isdigit():
                    tracks[int(row[0])] = _track(row, columns, names)
    except (OSError, UnicodeDecodeError, csv.Error, StopIteration, KeyError, IndexError) as error:
        raise SegueError(f"{file} is not FMA's tracks.csv: {error!r}") from None
    return tracks


def _columns(groups: list[str], fields: list[str]) -> dict[tuple[str, str], int]:
    return {pair: place for place, pair in enumerate(zip(groups, fields, strict=True))}


def _track(row: list[str], columns: Mapping[tuple[str, str], int], names: Mapping[int, str]) -> FmaTrack:
    def value(group: str, field: str) -> str:
        return row[columns[group, field]]

    top = clean(value("track", "genre_top"))
    listed = [names[number] for number in _numbers(value("track", "genres")) if number in names]
    return FmaTrack(
        title=clean(value("track", "title")),
        artist=clean(value("artist", "name")),
        album=clean(value("album", "title")) or None,
        genres=tuple(dict.fromkeys([*([top] if top else []), *listed])),
    )


def _numbers(text: str) -> list[int]:
    """The genre numbers in a field such as "[21, 76]"."""
    try:
        found = ast.literal_eval(text or "[]")
    except (SyntaxError, ValueError):
        return []
    return [number for number in found if isinstance(number, int)] if isinstance(found, list) else []


def _genre_names(file: Path) -> dict[int, str]:
    """genres.csv, which may be missing: then a track has just its top genre."""
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as opened:
        return {int(row["genre_id"]): clean(row["title"]) for row in csv.DictReader(opened)}
