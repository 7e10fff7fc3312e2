"""Finds the rows of plays in files, folders and archives of other services.

Archives may be hostile, and rows damaged: the amount that is read is bounded, nothing is written, and a row
that cannot be read is left out by itself.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import lzma
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import ijson

from segue.errors import SegueError
from segue.imports.play import ImportedPlay, LeftOut
from segue.imports.rows import play_of
from segue.imports.tables import Columns
from segue.phrases import marked

_SAMPLE = 64 * 1024
_LONGEST_LINE = 1024 * 1024
"""Characters of a line of JSON; a longer one cannot be read."""
_MOST_FILES = 20_000
"""Files in archives."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile, NotImplementedError)
"""Errors of archives that are damaged, or compressed by an unknown method."""
_GZIP, _ZIP = b"\x1f\x8b\x08", b"PK\x03\x04"
"""The beginnings of compressed files and of archives."""
_WITHIN = 2
"""Archives and compressed files within each other."""
_ENCRYPTED = 1
"""The flag of an encrypted file in an archive."""
_LISTS = (
    (re.compile(r"\s*\[\s*\["), "item.item"),
    (re.compile(r"\s*\["), "item"),
    (re.compile(r'\s*\{[^\[]*"scrobbles"\s*:\s*\['), "scrobbles.item"),
    (re.compile(r'\s*\{[^\[]*"track"\s*:\s*\['), "recenttracks.track.item"),
    (
        re.compile(r'\s*\{[^\[]{0,300}"payload"\s*:\s*\{[^\[]{0,300}"listens"\s*:\s*\['),
        "payload.listens.item",
    ),
    (re.compile(r'\s*\{[^\[]{0,300}"payload"\s*:\s*\['), "payload.item"),
    (re.compile(r'\s*\{[^\[]{0,300}"listens"\s*:\s*\['), "listens.item"),
)
"""The beginning of a file of JSON, and the place of its rows in ijson's notation."""

_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_DEEPEST = 64
"""Lists and objects within each other; exports have fewer than ten."""


class _Readable(Protocol):
    def read(self, number: int, /) -> bytes: ...


class Found(NamedTuple):
    """A row of an export."""

    file: str
    """The name of the file; that in an archive follows the archive's."""
    row: int
    """From 1."""
    play: ImportedPlay | LeftOut


class Exports:
    """The exports at some paths: files, folders and ZIP archives, in any order."""

    def __init__(self, paths: Sequence[Path], *, most_bytes: int) -> None:
        """`most_bytes` is the limit of the bytes read, after decompression.

        Raises
        ------
        SegueError
            A path does not exist.
        """
        self._files = [file for path in paths for file in _files(path)]
        self._left, self._members = most_bytes, 0
        self.total = sum(file.stat().st_size for file in self._files)
        """Bytes of all files, before decompression."""
        self.read = 0
        """Bytes of the files that were read."""
        self.unknown: list[str] = []
        """Names of the files that are not a listening history."""

    def __iter__(self) -> Iterator[Found]:
        """All rows, file by file.

        Raises
        ------
        SegueError
            A file cannot be opened, or there is more to read than allowed.
        """
        for file in self._files:
            try:
                yield from self._of_file(file)
            except OSError as error:
                raise SegueError(f"{file}: {error.strerror or error}") from None
            self.read += file.stat().st_size

    def _of_file(self, file: Path) -> Iterator[Found]:
        try:
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as packed:
                    yield from self._of_archive(file.name, packed)
            else:
                with file.open("rb") as plain:
                    yield from self._of_member(file.name, plain)
        except _DAMAGED:
            yield Found(file.name, 0, LeftOut("unreadable"))

    def _of_archive(self, name: str, packed: zipfile.ZipFile, *, within: int = _WITHIN) -> Iterator[Found]:
        entries = sorted(
            (entry for entry in packed.infolist() if not entry.is_dir()), key=lambda entry: entry.filename
        )
        for entry in entries:
            self._members += 1
            if self._members > _MOST_FILES:
                yield Found(name, 0, LeftOut("unreadable"))
                return
            shown = f"{name}/{entry.filename}"[:300]
            if entry.flag_bits & _ENCRYPTED:
                yield Found(shown, 0, LeftOut("unreadable"))
                continue
            try:
                with packed.open(entry) as member:
                    yield from self._of_member(shown, member, within=within)
            except _DAMAGED:
                yield Found(shown, 0, LeftOut("unreadable"))

    def _of_member(self, name: str, member: _Readable, *, within: int = _WITHIN) -> Iterator[Found]:
        counted = io.BufferedReader(_Counted(member, self._take), _SAMPLE)
        sample = counted.peek(_SAMPLE)
        if sample.startswith(_GZIP) and within:
            with gzip.open(counted) as plain:
                yield from self._of_member(name, plain, within=within - 1)
        elif sample.startswith(_ZIP) and within:
            with tempfile.TemporaryFile() as copy:
                shutil.copyfileobj(counted, copy)
                with zipfile.ZipFile(copy) as packed:
                    yield from self._of_archive(name, packed, within=within - 1)
        else:
            yield from self._of_plain(name, counted, sample)

    def _of_plain(self, name: str, counted: io.BufferedReader[Any], sample: bytes) -> Iterator[Found]:
        encoding = _encoding_of(sample)
        start = sample.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
        text = io.TextIOWrapper(counted, encoding, errors="replace", newline="")
        rows: Iterator[ImportedPlay | LeftOut]
        if start.startswith(("[", "{")):
            rows = _json(text, start)
        elif (columns := Columns.of(start)) is not None:
            rows = columns.plays(text)
        else:
            self.unknown.append(name)
            return
        # A file is a history once it has a row of a known form; until then, its rows are held back.
        numbered = enumerate(rows, start=1)
        held: list[Found] = []
        for number, row in numbered:
            held.append(Found(name, number, row))
            if not (isinstance(row, LeftOut) and row.reason in {"unknown", "unreadable"}) or len(held) > 1000:
                yield from held
                yield from (Found(name, number, row) for number, row in numbered)
                return
        self.unknown.append(name)

    def _take(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise SegueError(
                marked("The export is larger than the setting `imports.max_size` allows. Import parts of it.")
            )


class _Counted(io.RawIOBase):
    """Reads from a file and reports the number of bytes."""

    def __init__(self, file: _Readable, take: Callable[[int], None]) -> None:
        self._file, self._take = file, take

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        self._take(len(data))
        buffer[: len(data)] = data
        return len(data)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    if not path.is_file():
        raise SegueError(f"{path} does not exist")
    return [path]


def _encoding_of(sample: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if sample.startswith(mark):
            return encoding
    # Text in UTF-16 without a mark: every other byte of Latin letters is zero.
    start = sample[:200]
    for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(start) > 3 and 2 * start[place::2].count(0) > len(start[place::2]) > 3 * start[
            1 - place :: 2
        ].count(0):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _json(text: io.TextIOWrapper, start: str) -> Iterator[ImportedPlay | LeftOut]:
    """The rows of a file of JSON: in a list, or one a line."""
    for beginning, place in _LISTS:
        if beginning.match(start):
            yield from _listed(text, place)
            return
    while line := text.readline(_LONGEST_LINE):
        if line.strip():
            try:
                yield _judged(json.loads(line))
            except (ValueError, RecursionError):
                yield LeftOut("unreadable")


def _listed(text: io.TextIOWrapper, place: str) -> Iterator[ImportedPlay | LeftOut]:
    try:
        # Files that were put together have several lists.
        for row in ijson.items(_Encoded(text), place, use_float=True, multiple_values=True):
            yield _judged(row)
    except (ijson.JSONError, ValueError, OverflowError, RecursionError, *_DAMAGED):
        yield LeftOut("unreadable")


class _Encoded:
    """Text as UTF-8, for ijson, which reads bytes.

    ijson has the path of each open list and object in memory, so that 40 kB of brackets would take 4 GB.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._depth = 0
        self._in_string = False
        self._rest = ""
        """A backslash at the end of the last part."""

    def read(self, number: int = -1) -> bytes:
        """The next part.

        Raises
        ------
        ValueError
            It is nested more deeply than any export.
        """
        part = self._text.read(number)
        # A run of backslashes escapes the next character if their number is odd.
        bare = (self._rest + part).replace("\\\\", "").replace('\\"', "")
        self._rest = "\\" if bare.endswith("\\") else ""
        pieces = bare.split('"')
        outside = "".join(pieces[self._in_string :: 2])
        self._in_string ^= len(pieces) % 2 == 0
        for bracket in _NO_BRACKETS.sub("", outside):
            self._depth += 1 if bracket in "[{" else -1
            if self._depth > _DEEPEST:
                raise ValueError("nested too deeply")
        return part.encode("utf-8", "replace")


def _judged(row: object) -> ImportedPlay | LeftOut:
    try:
        return play_of(row)
    except LeftOut as left_out:
        return left_out
