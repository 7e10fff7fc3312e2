"""Finds which track a song of another server is. Pure.

A song keeps its track when the server renames it, moves its file or gives it another id. In order, the surest
first:

1. the same id there, unless it now is another song: its path, names and recording all differ. Without a path,
   the length decides, unless one of the two songs has another id now, or had one before,
2. the same recording of MusicBrainz, and no other length,
3. the end of the path is the same, and the names or the lengths,
4. the same artist, title and album, and no other length,
5. the same artist and title, and the same length.

Each rule applies to songs that the earlier rules have not recognised. A song is one track at most, and a
track one song. Of several that fit equally well, none is chosen by the rules 2 and 5: copies would take
turns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from segue.catalog.letters import artist_key, words_of
from segue.catalog.matching import folded_title
from segue.catalog.track import UNKNOWN_ARTIST
from segue.catalog.track_records import MatchableTrack
from segue.connected.known_songs import Known
from segue.connected.remote_songs import RemoteSong
from segue.normal_forms import normalised

SECONDS_OFF = 3.0
"""The largest difference of the lengths of a recording: servers round, and encoders add up to 0.1 s."""
_MILLI = 1000.0
"""A length in milliseconds does not prevent a match."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts by which a song or a track is recognised."""

    key: str
    """The id of the song, or of the track."""
    title: str
    artist: str
    album: str
    seconds: float | None
    path: str
    recording: str | None

    @cached_property
    def names(self) -> tuple[str, str]:
        return artist_key(self.artist), folded_title(self.title)

    @cached_property
    def tail(self) -> str:
        """The last folder and the name of the file, for comparison; empty without a folder."""
        parts = PurePosixPath(self.path).parts[-2:]
        return normalised("NFC", "/".join(parts)).casefold() if len(parts) == 2 else ""


def facts_of_song(song: RemoteSong) -> Facts:
    """The facts of a song."""
    return Facts(
        key=song.song_id,
        title=song.title,
        artist=song.artist,
        album=song.album or "",
        seconds=song.seconds,
        path=song.path,
        recording=song.recording,
    )


def facts_of_track(track: MatchableTrack) -> Facts:
    """The facts of a track of ours."""
    return Facts(
        key=track.track_id,
        title=track.title,
        artist=track.artist,
        album=track.album or "",
        seconds=track.duration_ms / 1000 if track.duration_ms else None,
        path=track.path,
        recording=track.recording,
    )


@dataclass(frozen=True, kw_only=True)
class _Rule:
    keys: Callable[[Facts], Sequence[Hashable]]
    """Two are compared if they share a key."""
    fits: Callable[[Facts, Facts], bool]
    only_one: bool
    """Whether several that fit are none."""


def is_same_song(before: RemoteSong, now: RemoteSong) -> bool:
    """Whether a song under the id of another is still that one."""
    one, other = facts_of_song(before), facts_of_song(now)
    return _is_surely_same(one, other) or (not one.path and _near(one, other))


def shown_tracks(shown: Iterable[RemoteSong], known: Mapping[str, Known]) -> dict[str, str]:
    """The tracks of songs that a server shows, by their ids there: as it has listed them, unless one is
    shown as another song by now. A server may show the id alone.
    """
    return {
        song.song_id: known[song.song_id].track_id
        for song in shown
        if song.song_id in known
        and (song.artist == UNKNOWN_ARTIST or is_same_song(known[song.song_id].song, song))
    }


def _is_surely_same(one: Facts, other: Facts) -> bool:
    same_path = bool(one.path) and one.path == other.path
    same_recording = one.recording is not None and one.recording == other.recording
    return same_path or same_recording or one.names == other.names


def recognised(found: Iterable[Facts], candidates: Iterable[Facts]) -> dict[str, str]:
    """The candidates that the found ones are, by the keys of the found ones."""
    wanted, free = {one.key: one for one in found}, {one.key: one for one in candidates}
    known: dict[str, str] = {}
    for rule in _RULES:
        by_key: dict[Hashable, list[str]] = defaultdict(list)
        for candidate in free.values():
            for shared in rule.keys(candidate):
                by_key[shared].append(candidate.key)
        fitting = {
            one.key: [
                own
                for own in dict.fromkeys(own for shared in rule.keys(one) for own in by_key.get(shared, ()))
                if rule.fits(one, free[own])
            ]
            for one in wanted.values()
        }
        rivals: dict[str, int] = defaultdict(int)
        for those in fitting.values():
            for own in those:
                rivals[own] += 1
        for key, those in fitting.items():
            left = [own for own in those if own in free]
            left.sort(key=lambda own: _unlikeness(wanted[key], free[own]))
            if not left or (rule.only_one and (len(those) > 1 or rivals[left[0]] > 1)):
                continue
            known[key] = left[0]
            del free[left[0]]
        wanted = {key: one for key, one in wanted.items() if key not in known}
    return known


class Candidates:
    """Facts with which others are compared, a few at a time; each is one of them at most."""

    def __init__(self, candidates: Iterable[Facts]) -> None:
        self._left = {one.key: one for one in candidates}
        self._by_key: dict[tuple[int, Hashable], list[str]] = defaultdict(list)
        for one in self._left.values():
            for shared in _keys(one):
                self._by_key[shared].append(one.key)

    def recognised(self, found: Sequence[Facts]) -> dict[str, str]:
        """As :func:`recognised`; the candidates that were found are left out afterwards."""
        if not self._left:  # nearly every library: the keys of its files would be formed for nothing
            return {}
        near = {own for one in found for shared in _keys(one) for own in self._by_key.get(shared, ())}
        known = recognised(found, [self._left[own] for own in sorted(near) if own in self._left])
        for own in known.values():
            del self._left[own]
        return known

    def has_another(self, one: Facts) -> bool:
        """Whether a candidate with another key has the names and the length."""
        near = (own for name in _names_key(one) for own in self._by_key.get((_BY_NAMES, name), ()))
        return any(own != one.key and _near(one, self._left[own]) for own in near if own in self._left)


def _keys(one: Facts) -> list[tuple[int, Hashable]]:
    """The keys of all rules, with the numbers of the rules."""
    return [(number, shared) for number, rule in enumerate(_RULES) for shared in rule.keys(one)]


def same_ids(listed: Mapping[str, RemoteSong], known: Mapping[str, Known]) -> set[str]:
    """The ids under which a server has the same song as before."""
    pairs = {own: (known[own].song, listed[own]) for own in listed.keys() & known.keys()}
    same = {own for own, pair in pairs.items() if is_same_song(*pair)}
    sure = {own for own in same if _is_surely_same(*map(facts_of_song, pairs[own]))}
    if sure == same:
        return same
    before = Candidates(facts_of_song(one.song) for own, one in known.items() if own not in sure)
    now = Candidates(facts_of_song(song) for own, song in listed.items() if own not in sure)
    return sure | {
        own
        for own in same - sure
        if not now.has_another(facts_of_song(pairs[own][0]))
        and not before.has_another(facts_of_song(pairs[own][1]))
    }


def _near(one: Facts, other: Facts) -> bool:
    """Whether two lengths are known and the same, in whatever units."""
    if one.seconds is None or other.seconds is None:
        return False
    shorter, longer = sorted((one.seconds, other.seconds))
    return longer - shorter <= SECONDS_OFF or (
        longer >= _MILLI and abs(longer / _MILLI - shorter) <= SECONDS_OFF
    )


def _not_another_length(one: Facts, other: Facts) -> bool:
    return one.seconds is None or other.seconds is None or _near(one, other)


def _same_place(one: Facts, other: Facts) -> bool:
    return _not_another_length(one, other) and (one.names == other.names or _near(one, other))


def _unlikeness(one: Facts, other: Facts) -> tuple[bool, bool, bool, str]:
    """The order in which candidates are taken."""
    return one.tail != other.tail, _album(one) != _album(other), not _near(one, other), other.key


def _album(one: Facts) -> str:
    return " ".join(words_of(one.album.casefold()))


def _recording_key(one: Facts) -> Sequence[Hashable]:
    return [one.recording] if one.recording else []


def _tail_key(one: Facts) -> Sequence[Hashable]:
    return [one.tail] if one.tail else []


def _names_key(one: Facts) -> Sequence[Hashable]:
    return [one.names] if all(one.names) and one.artist != UNKNOWN_ARTIST else []


def _album_key(one: Facts) -> Sequence[Hashable]:
    return [(*names, _album(one)) for names in [one.names] if all(names) and _album(one)]


_RULES = (
    _Rule(keys=_recording_key, fits=_not_another_length, only_one=True),
    _Rule(keys=_tail_key, fits=_same_place, only_one=False),
    _Rule(keys=_album_key, fits=_not_another_length, only_one=False),
    _Rule(keys=_names_key, fits=_near, only_one=True),
)
_BY_NAMES = len(_RULES) - 1
