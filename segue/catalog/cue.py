"""Reads CUE sheets: which songs are in one recording, and where each begins.

The format is that of CDRWIN (https://wiki.hydrogenaud.io/index.php?title=Cue_sheet). A sheet names one or
more files. A song begins at its INDEX 01, and ends where the next one in the same file begins, or at the end
of the file: the gap before a song (INDEX 00) belongs to the song before, as on the disc.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from segue.catalog.text_encoding import decoded

FRAMES = 75
"""Frames of a CD in a second."""
LARGEST = 1 << 20
"""Bytes; a larger file is no CUE sheet."""
MOST_TRACKS = 999
_TIME = re.compile(r"(\d{1,5}):(\d{1,2})(?::(\d{1,2}))?")
_FILE_TYPE = re.compile(
    r"\s+(?:WAVE|MP3|AIFF|BINARY|MOTOROLA|FLAC|APE|WV|WAVPACK|OGG|AAC|M4A)$", re.IGNORECASE
)
_QUOTES = frozenset({'""', "“”", "„“", "„”", "«»"})
"""The first and the last sign of a value in quotes."""


@dataclass(frozen=True, kw_only=True)
class CueTrack:
    """A song of a sheet."""

    number: int
    start: float
    """Seconds from the beginning of the file."""
    end: float | None = None
    """Seconds from the beginning of the file; None for the end of the file."""
    title: str = ""
    performer: str = ""
    remarks: dict[str, str] = field(default_factory=dict)
    """Texts of REM lines by their first word in lower case: genre, date, replaygain_track_gain and others."""


@dataclass(frozen=True, kw_only=True)
class CueFile:
    """A file of a sheet, as the sheet names it, with its songs."""

    name: str
    tracks: tuple[CueTrack, ...]


@dataclass(frozen=True, kw_only=True)
class CueSheet:
    title: str = ""
    performer: str = ""
    remarks: dict[str, str] = field(default_factory=dict)
    files: tuple[CueFile, ...] = ()


class InvalidCue(ValueError):
    """A text that is no CUE sheet with songs, with the reason."""


def read_cue(data: bytes, *, encoding: str = "auto") -> CueSheet:
    """Read a sheet in UTF-8, UTF-16 or an 8-bit encoding.

    Parameters
    ----------
    encoding
        The encoding of a sheet that is not Unicode, or "auto" to guess it.

    Raises
    ------
    InvalidCue
        There is no song in it, or the times are not in order.
    """
    return parse_cue(decoded(data, encoding))


def parse_cue(text: str, *, file: str = "") -> CueSheet:
    """As :func:`read_cue`, from a text.

    Parameters
    ----------
    file
        The file of the songs before the first FILE; empty if a sheet must name it.
    """
    reader = _Reader(file)
    for line in re.split(r"\r\n|\r|\n", text):
        command, _, rest = line.strip().lstrip("\ufeff").replace("\t", " ").partition(" ")
        if command:
            reader.take(command.upper(), rest.strip())
    return reader.sheet()


class _Reader:
    """Takes the commands of a sheet one after the other."""

    def __init__(self, file: str) -> None:
        self._sheet = CueSheet()
        self._files: list[tuple[str, list[CueTrack]]] = [(file, [])] if file else []
        self._track: CueTrack | None = None
        """The song whose INDEX 01 has not come yet."""
        self._last: tuple[int, int] | None = None
        """The place of the last song that has begun: the number of its file, and that in the file."""

    def take(self, command: str, rest: str) -> None:
        first, _, after = rest.partition(" ")
        after = after.strip()
        if command == "FILE":
            # A name without quotes may have spaces; the type of the file is the last word.
            self._files.append((_value(_FILE_TYPE.sub("", rest)), []))
        elif command == "TRACK":
            self._begin(first, after or "AUDIO")
        elif command == "INDEX" and first.isdecimal() and int(first) == 1 and after:
            self._index(after)
        elif command in {"TITLE", "PERFORMER"}:
            self._set(command.lower(), _value(rest))
        elif command == "REM" and after:
            self._remark(first.lower(), _value(after))

    def sheet(self) -> CueSheet:
        files = tuple(CueFile(name=name, tracks=with_ends(tracks)) for name, tracks in self._files if tracks)
        if not files:
            raise InvalidCue("it has no song with a file and an INDEX 01")
        return replace(self._sheet, files=files)

    def _begin(self, number: str, kind: str) -> None:
        self._last = self._track = None
        if kind.upper() != "AUDIO":  # data of an enhanced CD
            return
        known = sum(len(tracks) for _, tracks in self._files)
        if known >= MOST_TRACKS:
            raise InvalidCue(f"it has more than {MOST_TRACKS} songs")
        own = int(number) if number.isdecimal() and len(number) < 4 else known + 1
        self._track = CueTrack(number=own, start=0.0)

    def _index(self, time: str) -> None:
        if self._track is None:
            return
        if not self._files:
            raise InvalidCue("it has a song before its first FILE")
        name, tracks = self._files[-1]
        start = _seconds(time)
        if tracks and start <= tracks[-1].start:
            raise InvalidCue(f"song {self._track.number} begins before the one before it in {name}")
        tracks.append(replace(self._track, start=start))
        self._track, self._last = None, (len(self._files) - 1, len(tracks) - 1)

    def _set(self, name: str, value: str) -> None:
        changed: dict[str, Any] = {name: value}
        if self._track is not None:
            self._track = replace(self._track, **changed)
        elif self._last is not None:  # some programs write the title after the index
            file, place = self._last
            self._files[file][1][place] = replace(self._files[file][1][place], **changed)
        else:
            self._sheet = replace(self._sheet, **changed)

    def _remark(self, name: str, value: str) -> None:
        if self._track is not None:
            self._track.remarks[name] = value
        elif self._last is not None:
            self._files[self._last[0]][1][self._last[1]].remarks[name] = value
        else:
            self._sheet.remarks[name] = value


def with_ends(tracks: Sequence[CueTrack]) -> tuple[CueTrack, ...]:
    """The songs of a file; each ends where the next one begins."""
    ends: list[float | None] = [*(track.start for track in tracks[1:]), None]
    return tuple(replace(track, end=end) for track, end in zip(tracks, ends, strict=True))


def _seconds(time: str) -> float:
    match = _TIME.fullmatch(time.strip())
    if match is None:
        raise InvalidCue(f"{time[:40]!r} is not a time such as 03:25:00")
    minutes, seconds, frames = (int(part or 0) for part in match.groups())
    if seconds >= 60 or frames >= FRAMES:
        raise InvalidCue(f"{time[:40]!r} is not a time: there are 60 seconds and {FRAMES} frames")
    return round(60 * minutes + seconds + frames / FRAMES, 6)


def _value(text: str) -> str:
    """A value without the quotes around it: the first and the last of the line, since titles may have some.

    Some programs write no quotes.
    """
    if text[:1] == '"':
        end = text.rfind('"')
        return text[1 : end if end > 0 else None].strip()
    return text[1:-1].strip() if text[:1] + text[-1:] in _QUOTES else text
