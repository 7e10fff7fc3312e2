"""Reads the Free Music Archive's data set: `fma_metadata/tracks.csv`, `fma_small/000/000002.mp3`, ..."""

from __future__ import annotations

import ast
import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from segue.catalog.tags import clean
from segue.catalog.track_document import FmaFacts
from segue.errors import SegueError

SUBSETS = ("fma_full", "fma_large", "fma_medium", "fma_small")
"""Folders of audio, the most complete first: a track in several folders is taken from the first."""
METADATA = PurePosixPath("fma_metadata")
LONGEST_FIELD = 1 << 24
"""Characters: some biographies are longer than the default limit of Python's csv."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    metadata: Path
    """The folder that has tracks.csv."""
    audio: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Genre:
    """A row of genres.csv."""

    name: str
    parent: int
    """The number of its parent genre; 0 for none."""


@dataclass(frozen=True, kw_only=True)
class FmaTrack:
    """A row of tracks.csv."""

    title: str
    artist: str
    album: str | None
    genres: tuple[str, ...]
    """Its top genre first, then the listed ones, each before its parents."""
    tags: tuple[str, ...] = ()
    listens: int | None = None
    """Plays on the archive's own site."""
    seconds: int | None = None
    """The length of the whole track; fma_small, fma_medium and fma_large have 30 s of it."""
    subset: str | None = None
    """The smallest subset that it is in: small, medium, large or full."""
    licence: str | None = None
    year: int | None = None
    number: int | None = None
    """The track number on the album."""

    def facts(self) -> FmaFacts:
        """The fields of the row that a file's tags do not have."""
        return {
            "tags": list(self.tags),
            "listens": self.listens,
            "seconds": self.seconds,
            "subset": self.subset,
            "licence": self.licence,
        }

    def digest(self) -> str:
        """A digest of the row: it differs if the row has changed since a track was written."""
        return hashlib.blake2b(repr(asdict(self)).encode(), digest_size=8).hexdigest()


def find_layout(folder: Path) -> Layout | None:
    """The FMA layout of a folder; None for another kind of library."""
    metadata = folder / METADATA
    if not (metadata / "tracks.csv").is_file():
        return None
    return Layout(
        metadata=metadata, audio=tuple(folder / name for name in SUBSETS if (folder / name).is_dir())
    )


def path_of(number: int) -> PurePosixPath:
    """The path of a track's audio, relative to the subset's folder."""
    return PurePosixPath(f"{number // 1000:03d}/{number:06d}.mp3")


def number_of(relative: PurePosixPath) -> int | None:
    """FMA's number of the track in a file such as 000/000002.mp3."""
    stem = relative.stem
    return int(stem) if stem.isascii() and stem.isdigit() else None


def read_metadata(layout: Layout) -> dict[int, FmaTrack]:
    """The rows of tracks.csv by FMA's track number.

    The file has two header rows (group and field), a row with the index's name, and then a row per track.

    Raises
    ------
    SegueError
        A file cannot be read, or lacks a column.
    """
    before = csv.field_size_limit(LONGEST_FIELD)  # of the whole process
    file = layout.metadata / "tracks.csv"
    tracks = {}
    try:
        genres = _read_genres(layout.metadata / "genres.csv")
        with file.open(newline="", encoding="utf-8") as opened:
            rows = csv.reader(opened)
            columns = _columns(next(rows), next(rows))
            for row in rows:
                if row and row[0].isdigit():
                    tracks[int(row[0])] = _track(row, columns, genres)
    except (OSError, UnicodeDecodeError, csv.Error, StopIteration, LookupError, ValueError) as error:
        raise SegueError(f"{file} is not FMA's tracks.csv: {error!r}") from None
    finally:
        csv.field_size_limit(before)
    return tracks


def _columns(groups: list[str], fields: list[str]) -> dict[tuple[str, str], int]:
    return {pair: place for place, pair in enumerate(zip(groups, fields, strict=True))}


def _track(row: list[str], columns: Mapping[tuple[str, str], int], genres: Mapping[int, Genre]) -> FmaTrack:
    def value(group: str, field: str) -> str:
        return row[columns[group, field]]

    def optional(group: str, field: str) -> str:
        """A column that older editions of the table lack."""
        return row[columns[group, field]] if (group, field) in columns else ""

    top = clean(value("track", "genre_top"))
    listed = [name for number in _listed(value("track", "genres")) for name in _with_parents(number, genres)]
    tags = [clean(str(tag)) for tag in _listed(optional("track", "tags"))]
    year = re.match(r"(1[89]|20)\d\d", optional("album", "date_released"))
    return FmaTrack(
        title=clean(value("track", "title")),
        artist=clean(value("artist", "name")),
        album=clean(value("album", "title")) or None,
        genres=tuple(dict.fromkeys([*([top] if top else []), *listed])),
        tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
        listens=_whole(optional("track", "listens")),
        seconds=_whole(optional("track", "duration")),
        subset=clean(optional("set", "subset")) or None,
        licence=clean(optional("track", "license")) or None,
        year=int(year[0]) if year else None,
        number=_whole(optional("track", "number")) or None,
    )


def _listed(text: str) -> list[Any]:
    """The list in a field such as "[21, 76]" or "['lo-fi', 'live']"."""
    try:
        values = ast.literal_eval(text or "[]")
    except (SyntaxError, ValueError):
        return []
    return values if isinstance(values, list) else []


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _with_parents(number: Any, genres: Mapping[int, Genre]) -> Iterator[str]:
    """The name of a genre and of all its parents; stops at a cycle in the table."""
    seen: set[int] = set()
    while number in genres and number not in seen:
        seen.add(number)
        yield genres[number].name
        number = genres[number].parent


def _read_genres(file: Path) -> dict[int, Genre]:
    """Read genres.csv. The file may be missing: a track then has only its top genre."""
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as opened:
        return {
            int(row["genre_id"]): Genre(name=clean(row["title"]), parent=int(row.get("parent") or 0))
            for row in csv.DictReader(opened)
        }
