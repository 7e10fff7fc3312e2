"""Tables of scrobbles: CSV as the usual programs export it from Last.fm, with or without a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from segue.imports.play import EARLIEST, ImportedPlay, LeftOut
from segue.imports.rows import of_table
from segue.imports.times import epoch_seconds

_NAMES = {
    "artist": {"artist", "artist name", "artistname", "creator"},
    "album": {"album", "album name", "albumname", "release", "release name"},
    "track": {"track", "track name", "trackname", "title", "song", "song name", "name"},
    "date": {
        "uts",
        "date",
        "utc time",
        "time",
        "timestamp",
        "datetime",
        "listened at",
        "played at",
        "scrobble time",
    },
    "mbid": {"track mbid", "mbid", "recording mbid"},
    "ms_played": {"ms played", "msplayed"},
}
"""Field -> names of its column, in lower case and with spaces for underscores."""
_DELIMITERS = ",;\t"
_CUT = 16_000
"""Characters: the last line of a longer beginning of a file may be cut off."""


@dataclass(frozen=True)
class Columns:
    """The form of a table."""

    delimiter: str
    at: dict[str, int]
    """Field -> the number of its column."""
    header: bool

    @classmethod
    def of(cls, start: str) -> Columns | None:
        """The form of the table that begins with a text; None if that is not a table of scrobbles."""
        for delimiter in _DELIMITERS:
            lines = start.splitlines(keepends=True)
            if len(start) >= _CUT:
                lines = lines[:-1]
            cells = (row for row in _cells(iter(lines), delimiter) if isinstance(row, list))
            rows = [row for row in islice(cells, 50) if any(row)]
            if rows and (at := _by_header(rows[0])):
                return cls(delimiter=delimiter, at=at, header=True)
            if rows and (at := _by_dates(rows)):
                return cls(delimiter=delimiter, at=at, header=False)
        return None

    def plays(self, text: io.TextIOBase) -> Iterator[ImportedPlay | LeftOut]:
        """The rows of the table, without the header."""
        rows = _cells(text, self.delimiter)
        if self.header:
            next(rows, None)
        for row in rows:
            if isinstance(row, LeftOut):
                yield row
            elif any(cell.strip() for cell in row):
                try:
                    yield of_table({name: row[at] for name, at in self.at.items() if at < len(row)})
                except LeftOut as left_out:
                    yield left_out


def _cells(lines: Iterator[str] | io.TextIOBase, delimiter: str) -> Iterator[list[str] | LeftOut]:
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield LeftOut("unreadable")


def _by_header(cells: Sequence[str]) -> dict[str, int] | None:
    named = [" ".join(cell.strip().strip("\ufeff").casefold().replace("_", " ").split()) for cell in cells]
    at: dict[str, int] = {}
    for field, names in _NAMES.items():
        # "Date#<user>" is a column of one of the programs.
        fitting = [i for i, name in enumerate(named) if name in names or name.partition("#")[0] in names]
        if fitting:
            at[field] = fitting[0]
    return at if {"artist", "track", "date"} <= at.keys() else None


def _by_dates(rows: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """Without a header, the date is behind the names: artist, album, track; or artist, track."""
    width = max(map(len, rows))
    dated = [sum(_is_date(row[i]) for row in rows if i < len(row)) for i in range(width)]
    number = max(dated, default=0)
    if 2 * number < len(rows) or not number:
        return None
    date = max(i for i in range(width) if dated[i] == number)
    if date == 2:
        return {"artist": 0, "track": 1, "date": 2}
    return {"artist": 0, "album": 1, "track": 2, "date": date} if date >= 3 else None


def _is_date(cell: str) -> bool:
    return (epoch_seconds(cell) or 0) >= EARLIEST
