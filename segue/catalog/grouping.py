"""Groups the tracks of a library into albums.

Tags, ids of MusicBrainz and folders are the evidence, in this order: the release's id; the album's artist,
name, year and edition; the folder. docs/decisions/0196-albums-from-tags-and-folders.md has the reasons.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TypeVar

from segue.catalog.file_names import NUMBERS, disc_number, is_disc
from segue.catalog.letters import artist_key

_DISC_SUFFIX = re.compile(
    rf"[\s,_-]*(?:[(\[]\s*(?:cd|dis[ck]|disque)[\s._#-]*(?P<inner>{NUMBERS})[^()\[\]]*[)\]]"
    rf"|(?<!\w)(?:cd|dis[ck]|disque)[\s._#-]*(?P<plain>{NUMBERS})(?:\s*(?:of|/|von|de)\s*\d{{1,3}})?)\s*$",
    re.IGNORECASE,
)
"""The number of a disc at the end of a name, in brackets perhaps with the disc's title."""
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Member:
    """The facts of a track that decide to which album it belongs."""

    track_id: str
    library: str
    folder: str
    """The folder of its file, for a disc's folder the one above: :func:`place_of`."""
    key: str
    """The album's name for comparison: :func:`album_key`."""
    artists: tuple[str, ...] = ()
    """Keys of the main artists."""
    album_artists: tuple[str, ...] = ()
    various: bool = False
    """Whether its tags say that the album has various artists."""
    number: tuple[int, str, int] | None = None
    """Disc, side and number; None without a number."""
    year: int | None = None
    edition: str | None = None
    release: str | None = None
    """The release's id at MusicBrainz."""


@dataclass(kw_only=True)
class _Unit:
    """Tracks of one folder that belong together. `artists` is empty for various artists."""

    artists: tuple[str, ...]
    members: list[Member]
    place: str = ""
    """Set where only the folder holds them together."""
    year: int | None = field(init=False)
    edition: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.year = most_of([member.year for member in self.members])
        editions = {artist_key(member.edition or "") for member in self.members}
        self.edition = next(iter(editions)) or None if len(editions) == 1 else None


def album_key(name: str | None) -> str:
    """A key that all spellings of an album's name share, without the number of a disc; empty for no name."""
    return _album_key(name) if name else ""


@lru_cache(maxsize=4096)
def _album_key(name: str) -> str:
    return artist_key(without_disc(name)) or artist_key(name)


def without_disc(name: str) -> str:
    """The name of an album or a folder without the number of a disc: "Mezzanine (CD 2)" → "Mezzanine"."""
    return _DISC_SUFFIX.sub("", name) or name


def disc_in(name: str) -> int | None:
    """The number of the disc in the name of an album, if it has one."""
    match = _DISC_SUFFIX.search(name)
    return disc_number(match["inner"] or match["plain"]) if match and match.start() else None


def place_of(path: str) -> str:
    """The folder of a file; for a disc's folder, the folder of the album."""
    return _place_in(str(PurePosixPath(path).parent) if "//" in path else path.rpartition("/")[0] or "/")


@lru_cache(maxsize=4096)
def _place_in(name: str) -> str:
    folder = PurePosixPath(name)
    while is_disc(folder.name):
        folder = folder.parent
    return str(folder.with_name(without_disc(folder.name))) if folder.name else str(folder)


def albums_of(members: Iterable[Member]) -> dict[str, str]:
    """The id of the album of each track that belongs to one, by track id.

    The result does not depend on the order of the members. All tracks of a library with the same album key
    must be given together; those with other keys do not matter to them.
    """
    buckets: dict[tuple[str, str], list[Member]] = defaultdict(list)
    found: dict[str, str] = {}
    for member in sorted(members, key=lambda member: member.track_id):
        if member.key:
            buckets[member.library, member.key].append(member)
        elif member.release:
            found[member.track_id] = _released(member)
    for bucket in buckets.values():
        found |= _of_bucket(bucket)
    return found


def common_artists(members: Sequence[Member]) -> tuple[str, ...] | None:
    """The artists of an album without an artist of its own: those of most tracks; None if they vary."""
    counts = Counter(key for member in members for key in dict.fromkeys(member.artists))
    shared = [key for key, count in counts.items() if count == len(members)]
    if shared:
        return tuple(sorted(shared))
    first, count = min(counts.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
    return (first,) if 2 * count > len(members) else None


def most_of(values: Sequence[_T | None]) -> _T | None:
    """The value that more than half of those that are given have."""
    counts = Counter(value for value in values if value is not None)
    for value, count in counts.most_common(1):
        if 2 * count > counts.total():
            return value
    return None


def _of_bucket(bucket: Sequence[Member]) -> dict[str, str]:
    """The albums of all tracks with one album key."""
    found = {member.track_id: _released(member) for member in bucket if member.release}
    by_place: dict[str, list[Member]] = defaultdict(list)
    for member in bucket:
        by_place[member.folder].append(member)
    units: list[_Unit] = []
    for place, those in sorted(by_place.items()):
        known = [member for member in those if member.release]
        loose = []
        for member in those:
            if member.release:
                continue
            if len({one.release for one in known}) == 1 and _belongs(member, known):
                found[member.track_id] = _released(known[0])
            else:
                loose.append(member)
        units += _units(place, loose)
    together: dict[tuple[tuple[str, ...], str, str | None], list[_Unit]] = defaultdict(list)
    for unit in units:
        together[unit.artists, unit.place, unit.edition].append(unit)
    for (artists, place, edition), those_units in together.items():
        years = {unit.year for unit in those_units if unit.year}
        only = next(iter(years)) if len(years) == 1 else None
        for unit in those_units:
            first = unit.members[0]
            year = None if place else unit.year or only
            own = _id(first.library, "named", first.key, artists, place, year, edition)
            found |= {member.track_id: own for member in unit.members}
    return found


def _released(member: Member) -> str:
    return _id(member.library, "release", member.release)


def _id(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _units(place: str, members: Sequence[Member]) -> list[_Unit]:
    """Divide the tracks in one folder that share the album's name by the album's artists."""
    named: dict[tuple[str, ...], list[Member]] = defaultdict(list)
    unnamed = []
    for member in members:
        if member.album_artists or member.various:
            named[tuple(sorted(member.album_artists))].append(member)
        else:
            unnamed.append(member)
    if len(named) == 1:
        (those,) = named.values()
        joining = [member for member in unnamed if _belongs(member, those)]
        unnamed = [member for member in unnamed if not _belongs(member, those)]
        those += joining
    units = [_Unit(artists=artists, members=those) for artists, those in named.items()]
    return units + (_unnamed_units(place, unnamed) if unnamed else [])


def _belongs(member: Member, others: Sequence[Member]) -> bool:
    """Whether a track without evidence belongs to the tracks with it in the same folder."""
    own = set(member.album_artists or member.artists)
    theirs = {key for other in others for key in (*other.album_artists, *other.artists)}
    if own & theirs or not own or (any(other.various for other in others) and not member.album_artists):
        return True
    return (
        not member.album_artists
        and member.number is not None
        and len({other.number for other in others}) == len(others)
        and all(other.number and other.number != member.number for other in others)
    )


def _unnamed_units(place: str, members: list[Member]) -> list[_Unit]:
    """Tracks in one folder without an album's artist: of one artist, a compilation, or several albums."""
    numbers = Counter(member.number for member in members if member.number)
    apart = any(count > 1 for count in numbers.values()) or not numbers
    artists = common_artists(members)
    by_artist: dict[tuple[str, ...], list[Member]] = defaultdict(list)
    for member in members:
        by_artist[member.artists[:1]].append(member)
    if artists is not None and (not apart or all(artists[0] in member.artists for member in members)):
        return [_Unit(artists=artists, members=members)]
    several = 2 * len(by_artist) <= len(members)
    if apart and several:
        return [_Unit(artists=own, members=those) for own, those in sorted(by_artist.items())]
    return [_Unit(artists=artists or (), members=members, place="" if artists else place)]
