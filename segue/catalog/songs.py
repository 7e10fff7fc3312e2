"""Recognises versions of one song: the same artist and title, apart from additions such as "(live)"."""

from __future__ import annotations

import re

from segue.catalog.letters import artist_key, without_accents, without_apostrophes, words_of

_OF_VERSIONS = (
    r"live|unplugged|session|sessions|remaster|remastered|mono|stereo|acoustic|demo|bonus|explicit|clean|deluxe|"
    r"anniversary|take|re-?recorded|version|edit|mix|feat|ft|featuring|with"
)
_VERSION = re.compile(rf"\b(?:{_OF_VERSIONS})\b")
_REMIX = re.compile(r"\b(?:remix|rework|dub|instrumental|karaoke|cover)\b")
_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_DASH = re.compile(r"\s+[-–—]\s+([^-–—]*)$")
_FEATURING = re.compile(r"\s+(?:feat\.?|ft\.?|featuring)\s.*$")
_NAMELESS = re.compile(r"(?:untitled|intro|outro|interlude|prelude|skit|track|unknown|no title)\W*\d*")


def song_key(artist: str | None, title: str | None) -> str | None:
    """A key that all versions of a song share; None without a usable artist or title.

    Accents, case and punctuation do not matter. Text in brackets or after a dash is ignored if it names a
    version (live, remastered 2011, radio edit, ...). A remix is a separate song.
    """
    performer = _FEATURING.sub("", _plain(artist or "")).removeprefix("the ")
    song = _FEATURING.sub("", _without_versions(_plain(title or "")))
    by, name = artist_key(performer), _bare(song)
    if not by or not name or _NAMELESS.fullmatch(name):
        return None
    return f"{by}\n{name}"


def _without_versions(title: str) -> str:
    def kept(match: re.Match[str]) -> str:
        return "" if _tells_version(match[1]) else match[0]

    shorter = _DASH.sub(kept, _BRACKET.sub(kept, title))
    return shorter if _bare(shorter) else title


def _tells_version(text: str) -> bool:
    return bool(_VERSION.search(text)) and not _REMIX.search(text)


def _plain(text: str) -> str:
    return without_accents(text.casefold()).strip()


def _bare(text: str) -> str:
    return " ".join(words_of(without_apostrophes(text)))
