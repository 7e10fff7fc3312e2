"""Reads a file's tags and replaces missing ones by the names of the file and its folders."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from segue.audio.contents import contents_of
from segue.audio.length import length_of, opened
from segue.catalog.credits import VARIOUS_ARTISTS_ID, credits_of, is_unknown, is_various
from segue.catalog.file_names import FileNames
from segue.catalog.genres import genres_of
from segue.catalog.grouping import disc_in
from segue.catalog.lyrics import Lyrics
from segue.catalog.lyrics_in_tags import lyrics_in_tags
from segue.catalog.replay_gain import replay_gain_of
from segue.catalog.tag_values import Values, separates_by_slashes, values_of
from segue.catalog.text_encoding import AUTO
from segue.catalog.track import LONGEST, UNKNOWN_ARTIST, MusicBrainzIds, TrackDetails
from segue.normal_forms import normalised

LABELS = ("mood", "grouping", "content_group")
"""ID3 has two frames for a grouping: iTunes writes GRP1, most others TIT1."""
INVISIBLE = frozenset("\u200b\u2060\ufeff\u00ad")
"""Signs without width that programs leave in texts."""
_ENDS = " " + "".join(map(chr, (*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x2061, 0x206A))))
"""Further such signs, which join letters or set the direction of text: without effect at the ends."""
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRACK = re.compile(r"(?:#\s*|[^\W\d_]{2,}\W*)?(?:([A-Za-z])(?=\s*-?\s*\d|\W*$))?\s*-?\s*(\d{1,6})?")
"""A track's number, perhaps with the side of a record before it or after a word: "A1", "12/14", "No. 5"."""
_EDITION = re.compile(
    r"[(\[]([^()\[\]]*\b(?:edition|remaster(?:ed)?|deluxe|anniversary|expanded|bonus|mono|stereo|version)\b[^()\[\]]*)[)\]]",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Tags:
    title: str
    artist: str
    """All artists as one text, as the file names them."""
    album: str | None
    genres: tuple[str, ...]
    labels: tuple[str, ...]
    """Moods and groupings, for the search. Comments are left out: most contain URLs and encoders' names."""
    duration_ms: int | None
    track: int | None
    year: int | None
    details: TrackDetails = field(default_factory=TrackDetails)
    cue_sheet: str | None = None
    """The CUE sheet in the tags."""
    lyrics: tuple[Lyrics, ...] = ()
    """Those with times first."""


def read_tags(
    path: Path,
    *,
    relative: PurePosixPath,
    encoding: str = AUTO,
    undivided: frozenset[str] = frozenset(),
    data: BinaryIO | None = None,
) -> tuple[Tags, Any]:
    """Read the tags of a file; the names of the file and its folders replace missing tags.

    Parameters
    ----------
    relative
        The path within the library.
    encoding
        The encoding of texts that claim to be Latin-1; "auto" guesses it.
    undivided
        Keys of artists' names that have a separator in them.
    data
        The contents of the file, if they are open.

    Returns
    -------
    The tags, and mutagen's object, in which :mod:`segue.catalog.cover_art` looks for a picture.

    Raises
    ------
    AudioError
        The file cannot be read or has no audio.
    """
    if data is None:
        with contents_of(path) as found:
            return read_tags(path, relative=relative, encoding=encoding, undivided=undivided, data=found)
    audio = opened(path, data)
    seconds = length_of(path, audio, data=data)
    try:
        values = values_of(path, audio, encoding=encoding, data=data)
    except Exception:  # mutagen parses some frames only when they are read
        values = {}
    slashes = separates_by_slashes(audio)
    tags = _tags(values, seconds, relative, path=path, slashes=slashes, undivided=undivided)
    return replace(tags, lyrics=_lyrics(audio, values, encoding)), audio


def _tags(
    values: Values,
    seconds: float | None,
    relative: PurePosixPath,
    *,
    path: Path,
    slashes: bool,
    undivided: frozenset[str],
) -> Tags:
    names = FileNames.of(relative)
    title = _first(values, "title")
    ids = _ids(values)
    shown = _artist(values)
    credits = credits_of(
        [clean(value) if "\0" not in value else value for value in _known(values, "artist")] or shown,
        listed=_known(values, "artists"),
        title=title,
        ids=len(ids.artists),
        slashes=slashes,
        undivided=undivided,
    )
    album_artists = credits_of(
        _known(values, "album_artist"),
        listed=_known(values, "album_artists"),
        ids=len(ids.album_artists),
        slashes=slashes,
        undivided=undivided,
    ).main
    various = any(map(is_various, album_artists)) or VARIOUS_ARTISTS_ID in ids.album_artists
    main = tuple(name for name in map(clean, credits.main) if name and not is_various(name))
    if not main and not various:
        main = tuple(name for name in map(clean, album_artists) if name)
    text = clean(", ".join(shown)) if shown and main else ", ".join(main)
    if not main and (guess := clean(names.artist if title == "" or not shown else "")):
        main, text = (guess,), guess
    album = _first(values, "album")
    number = _TRACK.match(_first(values, "track"))
    details = TrackDetails(
        artists=main,
        featured=tuple(filter(None, map(clean, credits.featured))),
        album_artists=() if various else tuple(filter(None, map(clean, album_artists))),
        compilation=various or _first(values, "compilation").lower() in {"1", "true", "yes"},
        disc=_number(_leading(values, "disc"), most=999) or names.disc or disc_in(album or names.album),
        discs=_number(_total(values), most=999),
        disc_title=_first(values, "disc_title") or None,
        side=number[1].upper() if number and number[1] else None,
        released=_date(_first(values, "date")),
        originally_released=_date(_first(values, "original_date")),
        original_year=year_of(_first(values, "original_date")),
        edition=_first(values, "edition") or _edition(album),
        title_sort=_first(values, "title_sort") or None,
        artist_sort=_first(values, "artist_sort") or None,
        album_sort=_first(values, "album_sort") or None,
        album_artist_sort=_first(values, "album_artist_sort") or None,
        ids=ids,
        replay_gain=replay_gain_of(values, path),
    )
    return Tags(
        title=title or clean(names.title) or relative.name,
        artist=text or UNKNOWN_ARTIST,
        album=album or (None if values else clean(names.album)) or None,
        genres=genres_of(clean(value, keep_nul=True) for value in values.get("genre", ())),
        labels=_several([text for name in LABELS for text in values.get(name, ())]),
        duration_ms=round(seconds * 1000) if seconds else None,
        track=_number(number[2] if number else None, most=9999) or (None if title else names.track),
        year=year_of(_first(values, "date")),
        details=details,
        cue_sheet=next(iter(values.get("cue_sheet", ())), None),
    )


def _lyrics(audio: Any, values: Values, encoding: str) -> tuple[Lyrics, ...]:
    try:
        return lyrics_in_tags(audio, values, encoding=encoding)
    except Exception:  # mutagen parses some frames only when they are read
        return ()


def _artist(values: Values) -> list[str]:
    """The artists as the file names them, without the separators of its format."""
    given = _known(values, "artist") or _known(values, "artists")
    texts = (clean(part) for value in given for part in value.split("\0"))
    return list(dict.fromkeys(text for text in texts if text))


def _known(values: Values, name: str) -> list[str]:
    """The artists of a field, without those that are said to be unknown."""
    return [value for value in values.get(name, ()) if not is_unknown(value)]


def _ids(values: Values) -> MusicBrainzIds:
    def several(name: str) -> tuple[str, ...]:
        if name not in values:
            return ()
        parts = [part for value in values.get(name, ()) for part in re.split(r"[\s/;,\0]+", value)]
        return tuple(dict.fromkeys(own for part in parts if (own := _uuid(part))))

    def one(name: str) -> str | None:
        return next(iter(several(name)), None)

    return MusicBrainzIds(
        recording=one("mb_recording"),
        release_track=one("mb_release_track"),
        release=one("mb_release"),
        release_group=one("mb_release_group"),
        artists=several("mb_artists"),
        album_artists=several("mb_album_artists"),
    )


def _uuid(text: str) -> str | None:
    if _UUID.fullmatch(text):
        return text
    try:
        return str(uuid.UUID(text)) if len(text) == 36 else None
    except ValueError:
        return None


def clean(text: str, *, keep_nul: bool = False) -> str:
    """One line of text in composed form, at most :data:`LONGEST` characters.

    Control characters become spaces, and signs without width go, those that join letters or set the direction
    of text at the ends only. NUL separates values in some formats.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()[:LONGEST].strip()
    whole = text[: 4 * LONGEST]
    if not whole.isprintable():
        whole = "".join(
            sign
            if keep_nul and sign == "\0"
            else " "
            if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"}
            else sign
            for sign in whole
            if sign not in INVISIBLE
        )
    return normalised("NFC", " ".join(whole.split()).strip(_ENDS))[:LONGEST].strip()


def _first(values: Values, name: str) -> str:
    return next((text for value in values.get(name, ()) if (text := clean(value))), "")


def _leading(values: Values, name: str) -> str | None:
    """The number at the beginning of a text, or after a word as in "Disc 2"."""
    match = re.match(r"(?:[^\W\d]+\W*)?(\d{1,6})", _first(values, name))
    return match[1] if match else None


def _total(values: Values) -> str | None:
    """The number of discs: after a slash, as in "1/2", or in a field for it."""
    match = re.match(r"\s*\d+\s*/\s*(\d{1,6})", _first(values, "disc"))
    match = match or re.match(r"(\d{1,6})", _first(values, "discs"))
    return match[1] if match else None


def _several(values: Sequence[str]) -> tuple[str, ...]:
    """Distinct values, at most 20; a text may have several, separated by semicolons."""
    parts = (clean(part) for value in values for part in re.split(r"[;\0]", value))
    return tuple(dict.fromkeys(part for part in parts if part))[:20]


def _number(text: str | None, *, most: int) -> int | None:
    return int(text) if text and 0 < int(text) <= most else None


def year_of(text: str) -> int | None:
    """The first year in a date; None without one from 1800 to 2199."""
    match = re.search(r"(?<!\d)(1[89]|2[01])\d\d", text)
    return int(match[0]) if match else None


def _date(text: str) -> str | None:
    match = re.match(r"(?:1[89]|2[01])\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?(?!\d)", text)
    return match[0] if match else None


def _edition(album: str) -> str | None:
    match = _EDITION.search(album)
    return match[1].strip() or None if match else None
