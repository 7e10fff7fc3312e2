"""The artists of a track: the main ones, and those who are featured.

Tags name several artists as several values, or as one text with separators. A separator may also belong to a
name, as in AC/DC; MusicBrainz ids, where a file has them, show the number of artists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from segue.catalog.letters import artist_key


def _keys(names: str) -> frozenset[str]:
    """The keys of names that bars separate."""
    return frozenset(artist_key(name) for name in names.split("|"))


VARIOUS_ARTISTS = _keys(
    """
    Various Artists | Various | VA | V.A. | V/A | Divers | Diverse | Diverse Interpreten |
    Verschiedene | Verschiedene Interpreten | Artisti Vari | Varios Artistas | Varios | Vários
    Artistas | Artistes Variés | Artistes Divers | Compilation | VVAA | Vari Artisti | Autores
    Varios | Verschillende Artiesten | Diverse Artiesten | Diverse Artister | Blandade Artister |
    Różni Wykonawcy | Různí Interpreti | Разные исполнители | Сборник | Çeşitli Sanatçılar |
    ヴァリアス・アーティスト | オムニバス | 群星 | 合輯
    """
)
"""Album artists that are nobody."""
UNKNOWN = _keys(
    """
    Unknown Artist | <unknown> | [unknown] | Artist Unknown | No Artist | Unbekannter Künstler |
    Unbekannter Interpret | Artiste inconnu | Artista desconocido | Artista desconhecido | Artista
    sconosciuto | Onbekende artiest | Okänd artist | Ukjent artist | Ukendt kunstner | Nieznany
    wykonawca | Neznámý interpret | Неизвестный исполнитель | Неизвестен | Bilinmeyen Sanatçı |
    不明なアーティスト | 未知艺术家 | 未知歌手 | 알 수 없는 아티스트
    """
)
"""The names that programs write for an unknown artist."""
VARIOUS_ARTISTS_ID = "89ad4ac3-39f7-470e-963a-56509c546377"
"""MusicBrainz's id for them."""
UNDIVIDED = _keys(
    """
    AC/DC | Au/Ra | K/DA | 22/7 | Love/Hate | Smith/Kotzen | Bremer/McCoy | Phantom/Ghost | N/A |
    LSR/CITY | GZA/Genius | Either/Orchestra | W.A.S.P. | DOV/S | IX/ON | signum/ii | As/Hi
    Soundworks | A/T/O/S | She/Her/Hers | Now/Ensemble | Kairon; IRSE! | We;Na | Is/Ought Gap |
    LOONA / yyxy | LOONA / ODD EYE CIRCLE | R!N / Gemie | +/- | Jack/Knife
    """
)
"""Names of artists that have a separator in them."""

_FEATURING = re.compile(
    r"(?:(?<=[^\s(\[])\s*|^\s*(?=[(\[]))[(\[]?\s*(?<!\w)"
    r"(?:(?:feat|ft)\.(?!\s*(?:Worth|Lauderdale|Myers|Collins|Wayne|Knox)\b)|(?:feat|ft|featuring)(?=\s)(?!\s+of\b))"
    r"\s*([^)\]]+)[)\]]?",
    re.IGNORECASE,
)
"""Guests after another name, or in brackets; neither "Ft. Worth" nor a feat of strength."""
_PLAIN_SEPARATORS = re.compile(r"\s*[;；\0]\s*|\s+/\s+")
_SLASHES = re.compile(r"\s*[;\0/]\s*")
_AND = re.compile(
    r"\s*[;\0/,&]\s*|\s+(?:and|und|et|y|x|vs\.?|with|feat\.?|ft\.?|featuring)\s+", re.IGNORECASE
)
_LIST = re.compile(r"\s*[;,\0]\s*|\s+/\s+")
MOST_ARTISTS = 30


@dataclass(frozen=True, kw_only=True)
class Credits:
    """The artists of a track or an album."""

    main: tuple[str, ...] = ()
    featured: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """The main and the featured artists."""
        return (*self.main, *self.featured)


def credits_of(
    shown: Sequence[str],
    *,
    listed: Sequence[str] = (),
    title: str = "",
    ids: int = 0,
    slashes: bool = False,
    undivided: frozenset[str] = frozenset(),
) -> Credits:
    """The artists of a track.

    Parameters
    ----------
    shown
        The values of the field for the artist.
    listed
        The values of the field with one artist each, if the file has it.
    title
        The title, which may name featured artists.
    ids
        The number of MusicBrainz ids of the artists; 0 without any.
    slashes
        Whether a slash without spaces separates artists, as in ID3v2.3.
    undivided
        Keys (:func:`segue.catalog.letters.artist_key`) of names that have a separator in them.
    """
    named = title if _FEATURING.search(title) else ""
    return _credits_of(tuple(shown), tuple(listed), named, ids, slashes, undivided)


@lru_cache(maxsize=1024)  # those of the tracks of an album are the same
def _credits_of(
    shown: tuple[str, ...],
    listed: tuple[str, ...],
    title: str,
    ids: int,
    slashes: bool,
    undivided: frozenset[str],
) -> Credits:
    whole = UNDIVIDED | undivided
    names, featured = [], []
    for value in shown:
        main = _FEATURING.sub("", value) if artist_key(value) not in whole else value
        names += _split(main, ids=ids if len(shown) == 1 and not listed else 0, slashes=slashes, whole=whole)
        featured += _featured(value, whole)
    featured += _featured(title, whole)
    if listed:
        names = [name for value in listed for name in _split(value, ids=0, slashes=slashes, whole=whole)]
        front = artist_key(" ".join(_FEATURING.sub("", value) for value in shown))
        behind = artist_key(" ".join(name for text in (*shown, title) for name in _FEATURING.findall(text)))
        guests = [n for n in names if artist_key(n) in behind and artist_key(n) not in front]
        featured = guests or featured
        names = [name for name in names if name not in guests] or names
    return Credits(main=_distinct(names), featured=_distinct(featured, without=names))


def is_various(name: str) -> bool:
    """Whether an album artist is nobody, such as "Various Artists"."""
    return artist_key(name) in VARIOUS_ARTISTS


def is_unknown(name: str) -> bool:
    """Whether a name says that the artist is not known."""
    return artist_key(name) in UNKNOWN


def _featured(text: str, whole: frozenset[str]) -> list[str]:
    found = []
    for guests in _FEATURING.findall(text):
        names = [guests] if artist_key(guests) in whole else _LIST.split(guests)
        if len(names) > 1:  # "A, B & C"
            names = [*names[:-1], *re.split(r"\s+(?:&|and)\s+|^(?:&|and)\s+", names[-1])]
        found += names
    return found


def _split(text: str, *, ids: int, slashes: bool, whole: frozenset[str]) -> list[str]:
    if artist_key(text) in whole or ids == 1:
        return [text]
    if ids > 1 and len(parts := [part for part in _AND.split(text) if part.strip()]) == ids:
        return parts
    parts = [part for part in _PLAIN_SEPARATORS.split(text) if part.strip()]
    if slashes:
        parts = [name for part in parts for name in _by_slashes(part, whole) if name.strip()]
    return parts


def _by_slashes(text: str, whole: frozenset[str]) -> list[str]:
    """The names between slashes; several with a slash in a known name are one: "AC/DC/Queen"."""
    parts, names = _SLASHES.split(text), list[str]()
    while parts:
        longest = next((n for n in range(len(parts), 1, -1) if artist_key("/".join(parts[:n])) in whole), 1)
        names.append("/".join(parts[:longest]))
        parts = parts[longest:]
    return names


def _distinct(names: Sequence[str], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    barred = {artist_key(name) for name in without}
    by_key: dict[str, str] = {}
    for name in names:
        if (key := artist_key(name)) and key not in barred:
            by_key.setdefault(key, name.strip())
    return tuple(by_key.values())[:MOST_ARTISTS]
