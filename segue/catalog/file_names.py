"""Facts that the names of a file and its folders give: artist, album, disc, number, title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from segue.catalog.letters import artist_key

NUMBER_WORDS = {
    **{
        word: n
        for n, word in enumerate(
            ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1
        )
    },
    **{word: n for n, word in enumerate(["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"], 1)},
}
"""Numbers of discs that are not in digits."""
NUMBERS = rf"(?:\d{{1,3}}|{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))})(?!\w)"
"""A number of a disc, in digits or not."""
_DISC = re.compile(
    rf"[\[(]?(?:cd|dis[ck]|lp|vinyl|tape|cassette|side|seite|part)"
    rf"(?:[\s._#-]*(?:({NUMBERS})|[a-h](?!\w))(?:\W.*)?|\s*[\[(].*|[\])]?)",
    re.IGNORECASE,
)


def _keys(names: str) -> frozenset[str]:
    """The keys of names that bars separate."""
    return frozenset(artist_key(name) for name in names.split("|"))


_GENERIC = _keys(
    """
    music | musik | musique | my music | downloads | download | audio | songs | tracks | albums |
    album | singles | mp3 | mp3s | flac | flacs | ogg | opus | m4a | aac | wav | alac | wma |
    lossless | lossy | hi-res | 24bit | 320 | 320kbps | v0 | new | misc | various | various artists
    | unknown | unknown artist | unknown album | untitled | media | itunes | itunes media | library
    | compilations | soundtracks | playlists | incoming | unsorted | temp | tmp | data | share |
    public | desktop | documents | home | new folder | untitled folder | neuer ordner | nouveau
    dossier | nueva carpeta
    """
)
"""Names of folders that name neither an artist nor an album."""
_NUMBERED = re.compile(r"(?:(\d)-)?(0\d{1,2}(?!\d)|\d{1,3}(?=\s*[.\-_)]))\s*[.\-_)]*\s*(?=\S)(.+)")
_YEAR = re.compile(r"(?:[(\[](?:19|20)\d\d[)\]]\s*-?|(?:19|20)\d\d\s*-)\s*(?=\S)")
"""A year before the name of an album."""
_ONLY_NUMBER = re.compile(r"\d{1,3}")


@dataclass(frozen=True, kw_only=True)
class FileNames:
    title: str
    artist: str = ""
    album: str = ""
    disc: int | None = None
    track: int | None = None

    @classmethod
    def of(cls, relative: PurePosixPath) -> FileNames:
        """The facts in a path within a library, such as "Nina Simone/Pastel Blues/CD 1/01 Sinnerman.mp3"."""
        folders = list(relative.parent.parts)
        disc = None
        while folders and (match := _DISC.fullmatch(folders[-1])):
            disc = disc or disc_number(match[1])
            folders.pop()
        named = [name for name in folders if artist_key(name) not in _GENERIC]
        artist, album = _of_folders(named)
        stem = relative.stem.replace("_", " ").strip() or relative.stem
        track = None
        if match := _NUMBERED.fullmatch(stem):
            disc = disc or (int(match[1] or 0) or None)
            track, stem = int(match[2]) or None, match[3]
        parts = [part.strip() for part in re.split(r"\s+-\s+", stem)]
        title = stem
        if (
            len(parts) == 2
            and all(parts)
            and (track or not artist or artist_key(parts[0]) == artist_key(artist))
        ):
            artist, title = parts
        elif len(parts) == 3 and all(parts) and _ONLY_NUMBER.fullmatch(parts[1]):  # Artist - 01 - Title
            artist, track, title = parts[0], int(parts[1]) or None, parts[2]
        return cls(title=title, artist=artist, album=album, disc=disc, track=track)


def _of_folders(named: Sequence[str]) -> tuple[str, str]:
    """Artist and album by the names of the last folders, such as "Prince" and "1999 - The Album"."""
    if not named:
        return "", ""
    album = _YEAR.sub("", named[-1])
    before, after = (part.strip() for part in album.partition(" - ")[::2])
    if len(named) > 1:
        artist = named[-2]
        return artist, after if after and artist_key(before) == artist_key(artist) else album
    if before and after:  # "Artist - Album"
        return "" if artist_key(before) in _GENERIC else before, _YEAR.sub("", after)
    return named[-1], ""


def disc_number(text: str | None) -> int | None:
    """The number in :data:`NUMBERS`; None for no text and for 0."""
    return (NUMBER_WORDS.get(text.lower()) or int(text) or None) if text else None


def is_disc(folder: str) -> bool:
    """Whether a folder's name is that of a disc or side of an album, such as "CD 1"."""
    return _DISC.fullmatch(folder) is not None
