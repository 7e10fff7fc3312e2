"""The Free Music Archive's data set: `fma_metadata/tracks.csv` beside `fma_small/000/000002.mp3`, ..."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

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
    """The top one, those that it was given, and those that they belong to."""
    tags: tuple[str, ...] = ()
    listens: int | None = None
    """On FMA's own site, when the data set was made."""
    duration_ms: int | None = None
    subset: str | None = None
    """The smallest of FMA's sets that has it: small, medium, large."""
    licence: str | None = None

    def document(self) -> dict[str, Any]:
        """The fields of MongoDB's `tracks` that only FMA knows."""
        return {
            "tags": list(self.tags),
            "listens": self.listens,
            "subset": self.subset,
            "licence": self.licence,
        }


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


def place_of(number: int) -> PurePosixPath:
    """The inverse: where the file of a track is."""
    return PurePosixPath(f"{number // 1000:03d}/{number:06d}.mp3")


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
    genres = _read_genres(layout.metadata / "genres.csv")
    tracks = {}
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            rows = csv.reader(opened)
            columns = _columns(next(rows), next(rows))
            for row in rows:
                if row and row[0].isdigit():
                    tracks[int(row[0])] = _track(row, columns, genres)
    except (OSError, ValueError, csv.Error, StopIteration, KeyError, IndexError) as error:
        raise SegueError(f"{file} is not FMA's tracks.csv: {error!r}") from None
    return tracks


def _columns(groups: list[str], fields: list[str]) -> dict[tuple[str, str], int]:
    return {pair: place for place, pair in enumerate(zip(groups, fields, strict=True))}


def _track(row: list[str], columns: Mapping[tuple[str, str], int], genres: Mapping[int, _Genre]) -> FmaTrack:
    def value(group: str, field: str) -> str:
        """Empty where the table has no such column: FMA's smaller exports leave some out."""
        place = columns.get((group, field))
        return "" if place is None else row[place]

    return FmaTrack(
        title=clean(row[columns["track", "title"]]),
        artist=clean(row[columns["artist", "name"]]),
        album=clean(value("album", "title")) or None,
        genres=_genres_of(clean(value("track", "genre_top")), _list(value("track", "genres")), genres),
        tags=tuple(dict.fromkeys(filter(None, (clean(str(tag)) for tag in _list(value("track", "tags")))))),
        listens=_whole(value("track", "listens")),
        duration_ms=1000 * seconds if (seconds := _whole(value("track", "duration"))) else None,
        subset=clean(value("set", "subset")) or None,
        licence=clean(value("track", "license")) or None,
    )


def _genres_of(top: str, listed: Iterable[object], genres: Mapping[int, _Genre]) -> tuple[str, ...]:
    """Names without repetition: the top genre, the listed ones, then what these belong to."""
    given = [number for number in listed if isinstance(number, int) and number in genres]
    above: list[int] = []
    for number in given:
        parent = genres[number].parent
        while parent in genres and parent not in above:
            above.append(parent)
            parent = genres[parent].parent
    names = [genres[number].name for number in [*given, *above]]
    return tuple(dict.fromkeys([*([top] if top else []), *names]))


def _list(text: str) -> list[object]:
    """What is in a field such as "[21, 76]"; nothing for what is none."""
    try:
        found = ast.literal_eval(text or "[]")
    except (SyntaxError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


@dataclass(frozen=True)
class _Genre:
    name: str
    parent: int
    """0 for a top genre."""


def _read_genres(file: Path) -> dict[int, _Genre]:
    """genres.csv, which may be missing: then a track has just its top genre."""
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as opened:
        rows = csv.DictReader(opened)
        return {int(row["genre_id"]): _Genre(clean(row["title"]), int(row["parent"] or 0)) for row in rows}
