"""Tables of scrobbles: CSV as the usual programs export it from Last.fm, with or without a header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from segue.imports.play import EARLIEST, ImportedPlay, LeftOut
from segue.imports.rows import of_table
from segue.imports.times import day_comes_first, epoch_seconds, with_year_first

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
_DELIMITERS = ",;\t|"
_CLOCK = re.compile(r"\s*\d{1,2}:\d\d")
_CUT = 16_000
"""Characters: the last line of a longer beginning of a file may be cut off."""


@dataclass(frozen=True)
class Columns:
    """The form of a table."""

    delimiter: str
    at: dict[str, int]
    """Field -> the number of its column."""
    header: bool
    day_first: bool | None = None
    """Whether dates such as 05/04/2023 begin with the day; None where the table does not tell."""

    @classmethod
    def of(cls, start: str) -> Columns | None:
        """The form of the table that begins with a text; None if that is not a table of scrobbles."""
        lines = start.splitlines(keepends=True)
        if len(start) >= _CUT:
            lines = lines[:-1]
        for delimiter in _DELIMITERS:
            # An unclosed quotation mark would make one row of all; then lines are rows.
            for cells in (_cells(lines, delimiter), (_alone(line, delimiter) for line in lines)):
                rows = [row for row in cells if isinstance(row, list) and any(row)]
                if rows and (at := _by_header(rows[0])):
                    return cls(delimiter, at, header=True, day_first=_day_first(rows[1:], at))
                if rows and (at := _by_dates(rows[:50])):
                    return cls(delimiter, at, header=False, day_first=_day_first(rows, at))
        return None

    def plays(self, text: io.TextIOBase) -> Iterator[ImportedPlay | LeftOut]:
        """The rows of the table, without the header."""
        rows = _cells(text, self.delimiter, is_row=self._is_row)
        if self.header:
            next(rows, None)
        for row in rows:
            if isinstance(row, LeftOut):
                yield row
            elif any(cell.strip() for cell in row):
                try:
                    yield of_table(self._named(row))
                except LeftOut as left_out:
                    yield left_out

    def _named(self, row: Sequence[str]) -> dict[str, str]:
        named = {name: row[at] for name, at in self.at.items() if at < len(row)}
        clock, date = named.pop("clock", ""), named.get("date", "")
        if _CLOCK.match(clock) and ":" not in date:
            named["date"] = f"{date} {clock}"
        if "date" in named:
            named["date"] = with_year_first(named["date"], day_first=self.day_first)
        return named

    def _is_row(self, row: Sequence[str]) -> bool:
        return bool((date := self._named(row).get("date")) and _is_date(date))


def _cells(
    lines: Iterable[str], delimiter: str, *, is_row: Callable[[Sequence[str]], bool] = lambda _: False
) -> Iterator[list[str] | LeftOut]:
    """The rows of a table. A quotation mark that nobody closes would take the rows behind it into one cell:
    these are read by themselves (`is_row`).
    """
    taken: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    reader = csv.reader(noted(), delimiter=delimiter)
    while True:
        taken.clear()
        row: list[str] | LeftOut
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = LeftOut("unreadable")
        alone = [_alone(line, delimiter) for line in taken[1:]]
        if any(isinstance(one, list) and is_row(one) for one in alone):
            yield _alone(taken[0], delimiter)
            yield from alone
        else:
            yield row


def _alone(line: str, delimiter: str) -> list[str] | LeftOut:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return LeftOut("unreadable")


def _day_first(rows: Iterable[Sequence[str]], at: Mapping[str, int]) -> bool | None:
    place = at["date"]
    return day_comes_first(row[place] for row in rows if place < len(row))


def _by_header(cells: Sequence[str]) -> dict[str, int] | None:
    named = [" ".join(cell.strip().strip("\ufeff").casefold().replace("_", " ").split()) for cell in cells]
    at: dict[str, int] = {}
    for field, names in _NAMES.items():
        # "Date#<user>" is a column of one of the programs.
        fitting = [i for i, name in enumerate(named) if name in names or name.partition("#")[0] in names]
        if fitting:
            at[field] = fitting[0]
    if {"date", "time"} <= set(named) and named[at["date"]] in {"date", "time"}:
        at["date"], at["clock"] = named.index("date"), named.index("time")
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
    forms = (cell, *(with_year_first(cell, day_first=first) for first in (True, False)))
    return any((epoch_seconds(form) or 0) >= EARLIEST for form in forms)
