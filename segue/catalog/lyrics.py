"""Lyrics: lines of text, with their times if these are known.

Times are read from texts in the LRC format (https://en.wikipedia.org/wiki/LRC_(file_format)) with its usual
variants: one to three digits after the point, a colon or a comma in place of the point, hours, several times
before a line, times of words, and an offset, which is added to the times here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from segue.catalog.text_encoding import AUTO, decoded
from segue.normal_forms import normalised

UNKNOWN_LANGUAGE = "und"
"""The code of ISO 639 for an undetermined language."""
LONGEST = 1 << 16
"""Characters in the lines of one version; the rest is cut off."""
MOST_LINES = 5000
LONGEST_LINE = 1000
LATEST_MS = 100 * 3_600_000
_TIME = (
    r"(?:(\d{1,2})\s*:\s*)?(\d{1,4})\s*:\s*(\d{1,2})\s*\.\s*(\d{1,6})"
    r"|(\d{1,4})\s*:\s*(\d{1,2})(?:\s*[:,]\s*(\d{1,6}))?"
)
"""Hours, minutes, seconds and fraction; or minutes, seconds and fraction without a point."""
_STAMP = re.compile(rf"\s*[\[［]\s*(-)?(?:{_TIME})\s*[\]］]")
"""A time before a line. Some editors write one before the beginning, which is then the beginning."""
_OF_WORD = re.compile(rf"<\s*(?:{_TIME})\s*>")
_TAG = re.compile(r"\s*\[\s*(#|[a-z]{2,8})\s*:(.*)\]\s*", re.IGNORECASE)
_KNOWN_TAGS = frozenset(
    {"#", "ti", "ar", "al", "au", "by", "re", "ve", "length", "la", "lang", "tool", "offset", "id"}
)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
_OFFSET = re.compile(r"([+-]?)\s*(\d{1,7})(?:\s*ms)?")


class NoLyrics(ValueError):
    """Data that are not text, with the reason."""


@dataclass(frozen=True, kw_only=True)
class LyricLine:
    text: str
    """Without the marks of times; empty for a pause."""
    start_ms: int | None = None
    """Milliseconds from the beginning of the track; None in lyrics without times."""


@dataclass(frozen=True, kw_only=True)
class Lyrics:
    """The lyrics of a track in one language."""

    lines: tuple[LyricLine, ...]
    language: str = UNKNOWN_LANGUAGE
    """A code of ISO 639 in lower case, such as "eng" or "de", perhaps with further subtags."""

    @property
    def synced(self) -> bool:
        """Whether the lines have times; they are then in the order of these."""
        return bool(self.lines) and self.lines[0].start_ms is not None


def read_lyrics(data: bytes, *, language: str = "", encoding: str = AUTO) -> Lyrics | None:
    """The lyrics in a file; None if it has no words.

    Parameters
    ----------
    encoding
        The encoding of a file that is not Unicode, or "auto" to guess it.

    Raises
    ------
    NoLyrics
        The file is not text.
    """
    text = decoded(data, encoding)
    if "\0" in text:
        raise NoLyrics("it is not text")
    return lyrics_in(text, language=language)


def lyrics_in(text: str, *, language: str = "") -> Lyrics | None:
    """The lyrics in a text, with times if it has them; None if it has no words."""
    reader = _Reader()
    for line in re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")):
        reader.take(line)
    return lyrics_of(reader.lines(), language=language_code(language, or_else=reader.language))


def lyrics_of(lines: list[LyricLine], *, language: str) -> Lyrics | None:
    """Lyrics of lines in any order, within the limits; None without words."""
    kept: list[LyricLine] = []
    left = LONGEST
    for line in sorted(lines, key=lambda line: line.start_ms or 0):
        if len(line.text) > left or len(kept) >= MOST_LINES:
            break
        left -= len(line.text)
        kept.append(line)
    if all(line.start_ms is None for line in kept):
        while kept and not kept[-1].text:
            kept.pop()
        while kept and not kept[0].text:
            kept.pop(0)
    if not any(line.text for line in kept):
        return None
    return Lyrics(lines=tuple(kept), language=language)


def language_code(text: str, *, or_else: str = UNKNOWN_LANGUAGE) -> str:
    """A code of a language; `or_else` for a text that is none, and for ID3's "xxx"."""
    code = text.strip(" \0").lower().replace("_", "-")
    return code if code != "xxx" and _LANGUAGE.fullmatch(code) else or_else


def plain_line(text: str) -> str:
    """A line without control characters and marks of times, at most :data:`LONGEST_LINE` characters."""
    text = _OF_WORD.sub("", text[: 4 * LONGEST_LINE])
    signs = (sign if unicodedata.category(sign) not in {"Cc", "Cs", "Zl", "Zp"} else " " for sign in text)
    return normalised("NFC", "".join(signs).replace("\ufeff", ""))[:LONGEST_LINE].strip()


class _Reader:
    """Takes the lines of a text one after the other."""

    def __init__(self) -> None:
        self.language = UNKNOWN_LANGUAGE
        self._offset = 0
        self._synced: list[LyricLine] = []
        self._plain: list[LyricLine] = []
        self._has_times = False
        self._last = 0
        """The time of the last line, which holds for lines without one."""

    def take(self, line: str) -> None:
        times, rest = _stamps(line)
        if not times and (tag := _TAG.fullmatch(line)) and tag[1].lower() in _KNOWN_TAGS:
            self._take_tag(tag[1].lower(), tag[2])
            return
        text = plain_line(rest)
        self._plain.append(LyricLine(text=text))
        if times:
            self._last = times[-1]
        if len(self._synced) <= MOST_LINES and (times or text):
            self._synced.extend(LyricLine(text=text, start_ms=at) for at in times or [self._last])
        self._has_times = self._has_times or bool(times)

    def lines(self) -> list[LyricLine]:
        if not self._has_times:
            return self._plain
        return [
            LyricLine(text=line.text, start_ms=min(LATEST_MS, max(0, (line.start_ms or 0) - self._offset)))
            for line in self._synced
        ]

    def _take_tag(self, name: str, value: str) -> None:
        if name == "offset" and (match := _OFFSET.fullmatch(value.strip())):
            # A positive offset shows the lines earlier.
            self._offset = int(f"{match[1]}{match[2]}")
        elif name in {"la", "lang"}:
            self.language = language_code(value)


def _stamps(line: str) -> tuple[list[int], str]:
    """The times before a line in milliseconds, and the rest of the line."""
    times: list[int] = []
    place = 0
    while match := _STAMP.match(line, place):
        times.append(_milliseconds(match))
        place = match.end()
    return times, line[place:]


def _milliseconds(match: re.Match[str]) -> int:
    sign, hours, minutes, seconds, fraction, *without_point = match.groups()
    if sign:
        return 0
    if seconds is None:
        hours, (minutes, seconds, fraction) = None, without_point
    whole = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
    return 1000 * whole + int(f"{fraction or ''}000"[:3])


def in_order(versions: Iterable[Lyrics | None], *, most: int) -> tuple[Lyrics, ...]:
    """Different lyrics, those with times first, otherwise in the given order."""
    different = dict.fromkeys(one for one in versions if one is not None)
    return tuple(sorted(different, key=lambda one: not one.synced))[:most]
