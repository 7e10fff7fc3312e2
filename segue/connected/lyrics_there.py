"""The lyrics of a song on another server, by its id: the extension `songLyrics` of OpenSubsonic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.catalog.lyrics import (
    LATEST_MS,
    LONGEST_LINE,
    MOST_LINES,
    LyricLine,
    Lyrics,
    in_order,
    language_code,
    lyrics_of,
    plain_line,
)
from segue.connected.client import OpenSubsonic
from segue.connected.listing import entries_of

MOST_VERSIONS = 8


def lyrics_there(client: OpenSubsonic, song_id: str) -> tuple[Lyrics, ...]:
    """The lyrics that a server has for a song, those with times first.

    Raises
    ------
    ServerFault
        The server is away, has no such song, or knows no lyrics by ids.
    """
    found = client.call("getLyricsBySongId", {"id": song_id}).get("lyricsList")
    entries = entries_of(found if isinstance(found, dict) else {}, "structuredLyrics")
    versions = (_version(entry) for entry in entries[:MOST_VERSIONS] if isinstance(entry, dict))
    return in_order(versions, most=MOST_VERSIONS)


def _version(entry: Mapping[str, Any]) -> Lyrics | None:
    given = [line for line in entries_of(entry, "line")[:MOST_LINES] if isinstance(line, dict)]
    starts = [_whole(line.get("start")) for line in given]
    synced = entry.get("synced") is True and all(start is not None for start in starts)
    offset = _whole(entry.get("offset")) or 0  # a positive one shows the lines earlier
    lines = [
        LyricLine(
            text=plain_line(text if isinstance(text := line.get("value"), str) else "")[:LONGEST_LINE],
            start_ms=min(LATEST_MS, max(0, (start or 0) - offset)) if synced else None,
        )
        for line, start in zip(given, starts, strict=True)
    ]
    language = entry.get("lang")
    return lyrics_of(lines, language=language_code(language if isinstance(language, str) else ""))


def _whole(value: object) -> int | None:
    """A whole number of milliseconds that may be one; some servers send it as a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if -LATEST_MS <= value <= LATEST_MS else None
