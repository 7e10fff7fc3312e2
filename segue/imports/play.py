"""A play as another service's export describes it, and the reasons for which rows of exports are left out."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from segue.catalog.letters import artist_key
from segue.catalog.matching import folded_title
from segue.phrases import marked

EARLIEST = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
"""Epoch seconds: earlier plays have a wrong date, since no service kept any."""
AHEAD = timedelta(days=1)
"""How far a play may be ahead of this machine's clock: exports have times without a zone."""
LONGEST_PLAY = timedelta(hours=24)
"""A longer listening time is an error of the service."""
LONGEST_TEXT = 300
"""Characters that are kept of a title, an artist or an album."""

_NAMES = 16
"""Digits of a song's key that depend on artist and title."""

REASONS = {
    "no_music": marked("a podcast, an audiobook or a video"),
    "private": marked("a song of a private session"),
    "no_names": marked("neither a title with an artist nor an id"),
    "no_date": marked("no date, or none that can be read"),
    "impossible_date": marked("a date before 2000 or in the future"),
    "feedback": marked("a like, a start or another event that is not a listening"),
    "crowded_day": marked("a day with more plays than a person can make"),
    "no_room": marked("more songs or plays than Segue keeps of a person"),
    "unreadable": marked("a row, or the rest of a file, that cannot be read"),
    "unknown": marked("a row of an unknown form"),
}
"""Reason -> its meaning: why a row is left out."""


class LeftOut(Exception):
    """A row is not a play that can be imported; :attr:`reason` is a key of :data:`REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """A song as a service describes it."""

    title: str
    artist: str = ""
    """The whole credit; empty only if the service gives an id alone."""
    album: str = ""
    seconds: float | None = None
    """The length of the recording."""
    recordings: tuple[str, ...] = ()
    """Ids of the recording at MusicBrainz; one that the player sent precedes one that the service guessed."""
    release_track: str = ""
    """MusicBrainz's id of the track on a release."""
    track_id: str = ""
    """The id of a track of Segue."""
    uri: str = ""
    """The service's own address of the song."""

    def key(self) -> str:
        """24 hexadecimal digits. Those of :func:`names_of` depend on artist and title, the rest on the album.

        Spellings that :func:`segue.catalog.matching.folded_title` ignores have one key.
        """
        return _key(self.artist, self.title, self.album, "" if self.artist else self.uri or self.track_id)


def names_of(key: str) -> str:
    """The part of a song's key that depends on artist and title. With the start, it identifies a play."""
    return key[:_NAMES]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPlay:
    """A listening that another service has recorded."""

    song: Song
    at: int
    """When it began, epoch seconds."""
    ms_played: int | None = None
    """Milliseconds; None where the service does not know."""
    skipped: bool | None = None
    """Whether the listener skipped the song; None where the service does not know."""


def imported_play(
    song: Song,
    *,
    ended: int | None = None,
    at: int | None = None,
    ms_played: int | None,
    skipped: bool | None,
) -> ImportedPlay:
    """A play from its beginning `at` or its end, epoch seconds.

    Raises
    ------
    LeftOut
        The time is missing or impossible, or the song has no names.
    """
    if not (song.title and song.artist) and not song.uri and not song.track_id:
        raise LeftOut("no_names")
    if at is None and ended is not None:
        at = ended - (ms_played or 0) // 1000
    if at is None:
        raise LeftOut("no_date")
    if not EARLIEST <= at <= datetime.now(UTC).timestamp() + AHEAD.total_seconds():
        raise LeftOut("impossible_date")
    return ImportedPlay(song=song, at=at, ms_played=ms_played, skipped=skipped)


def text_of(value: object) -> str:
    """A text in one line, shortened to the stored length; empty for other values."""
    if not isinstance(value, str):
        return ""
    # Half a surrogate pair can come from JSON, and no database stores it.
    whole = value[: 4 * LONGEST_TEXT].encode("utf-8", "ignore").decode().replace("\0", " ")
    return " ".join(whole.split())[:LONGEST_TEXT]


def number_of(value: object) -> float | None:
    """A finite number of at least 0 from a number or its text; None for other values."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # anything else is a TypeError
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def milliseconds_of(value: object) -> int | None:
    """A listening time in milliseconds, at most :data:`LONGEST_PLAY`; None if it is missing or impossible."""
    number = number_of(value)
    longest = LONGEST_PLAY.total_seconds() * 1000
    return int(number) if number is not None and number <= longest else None


def truth_of(value: object) -> bool | None:
    """A truth value; exports of some years have 0 and 1, or texts."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().casefold())
    return bool(value) if isinstance(value, int) else None


def uuid_of(value: object) -> str:
    """An id of MusicBrainz in lower case; empty for anything else."""
    text = text_of(value).casefold()
    parts = text.split("-")
    fits = [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
        sign in "0123456789abcdef" for part in parts for sign in part
    )
    return text if fits else ""


@lru_cache(maxsize=100_000)
def _key(artist: str, title: str, album: str, instead: str) -> str:
    names = instead or f"{artist_key(artist)}\n{folded_title(title)}"
    return _digits(names, _NAMES) + _digits(folded_title(album), 8)


def _digits(text: str, number: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:number]


def mapping_of(value: object) -> dict[str, Any]:
    """A mapping; empty for anything else, such as the null that some rows have."""
    return value if isinstance(value, dict) else {}
