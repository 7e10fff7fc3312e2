"""Finds the track that a description means: ids, names and a length, from a playlist, a log or a scrobble.

Spellings do not matter: case, accents, quotation marks, dashes, credits of featured artists, and notes such
as "Remastered 2011". Another version does: live, remix, acoustic, instrumental, or another number. A
description that fits several recordings equally well means none of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from segue.catalog.letters import artist_key, without_accents, without_apostrophes, words_of
from segue.catalog.track_records import MatchableTrack

SECONDS_OFF = 4.0
"""The largest difference between two programs' lengths of the same recording."""

_FEATURING = r"(?:feat|ft|featuring)\b(?:\.?\s|\.)"
_NOTE = (
    r"(?:(?:digital(?:ly)?\s+)?(?:\d{4}\s+)?(?:digital\s+)?remaster(?:ed)?(?:\s+(?:version|edition))?(?:\s+\d{4})?"
    r"|(?:album|original|single|lp)\s+version|explicit|clean|bonus\s+track|(?:super\s+)?deluxe(?:\s+edition)?)"
)
# (?<!\s): a run of spaces is looked at once, not again from each of its spaces.
_IN_BRACKETS = re.compile(rf"(?<!\s)\s*[(\[]\s*(?:(?P<credit>{_FEATURING}[^)\]]*)|{_NOTE})\s*[)\]]")
_AFTER_DASH = re.compile(rf"(?<!\s)\s+[-\u2010-\u2015]\s+{_NOTE}\s*$")
_TRAILING_CREDIT = re.compile(rf"(?<!\s)\s+(?P<credit>{_FEATURING}.*)$")
_BEHIND_CREDIT = re.compile(r"[(\[]|\s[-\u2010-\u2015]\s")
_VERSION = re.compile(
    r"\b(?:live|unplugged|acoustic|instrumental|karaoke|demo|remix|rework|mix|dub|edit|cover|a\s?cappella|"
    r"reprise|orchestral|extended|session)\b"
)
_JOINING = {
    *("and", "und", "et", "y", "e", "with", "w", "mit", "con", "avec", "feat", "ft", "featuring"),
    *("vs", "versus", "x", "meets", "pres", "presents"),
}
_NUMBER = re.compile(r"\d+")
_WHOLE_NUMBER = re.compile(r"\b\d+\b")


@dataclass(frozen=True, kw_only=True)
class Described:
    """A song as another program describes it; None where it does not say."""

    title: str
    artist: str | None = None
    album: str | None = None
    seconds: float | None = None
    recording: str | None = None
    """MusicBrainz's id of the recording."""
    release_track: str | None = None
    """MusicBrainz's id of the track on a release."""


def matching_track(song: Described, candidates: Sequence[MatchableTrack]) -> str | None:
    """The candidate that a description means; None if none fits, or several that differ.

    In order: the release track, the recording, then artist and title; among several by the album, then by the
    nearest length. Copies and reissues of the same length count as one, the first by id.
    """
    return _one_of(song, fitting(song, candidates))


def fitting(song: Described, candidates: Sequence[MatchableTrack]) -> list[MatchableTrack]:
    """The candidates that a description may mean, before album and length decide between them."""
    for field in ("release_track", "recording"):
        asked = getattr(song, field)
        if asked and (same := [track for track in candidates if getattr(track, field) == asked]):
            return same
    return [track for track in candidates if same_names(song, track)]


def same_names(song: Described, track: MatchableTrack) -> bool:
    """Whether a track has the title and, if one is given, the artist of a description."""
    if folded_title(song.title) != folded_title(track.title):
        return False
    if song.artist is None:
        return True
    by = {artist_key(_without_credit(song.artist)), artist_key(song.artist)}
    names = (track.artist, *track.artists)
    if by & {key for name in names for key in (artist_key(name), artist_key(_without_credit(name)))}:
        return True
    credit = _credited(song.artist)  # empty for a name of signs only, which is not every such name
    return credit != [] and credit in (_credited(track.artist), _credited(" & ".join(track.artists)))


@lru_cache(maxsize=1024)  # a description is compared with many tracks
def folded_title(title: str) -> str:
    """The title for comparison: "Don't Stop (feat. Mira) - Remastered 2011" → "dont stop"."""
    text = without_accents(title.casefold())
    shorter = _TRAILING_CREDIT.sub(_version_behind, _AFTER_DASH.sub("", _without_brackets(text)))
    return " ".join(words_of(without_apostrophes(shorter))) or text.strip()


def another_version(title: str, track: MatchableTrack) -> bool:
    """Whether a title names a version, or a number, that the track's title and album do not."""
    asked, own = folded_title(title), folded_title(track.title)
    on = folded_title(track.album or "")
    versions = set(_VERSION.findall(asked)) - set(_VERSION.findall(own)) - set(_VERSION.findall(on))
    return bool(versions) or set(_NUMBER.findall(asked)) - set(_NUMBER.findall(f"{own} {on}")) != set()


def _credited(artists: str) -> list[str]:
    """The words of a credit without those that join artists: "Lumen & Kaya" as "Lumen feat. Kaya".

    The first and the last word join nothing: "Malcolm X" is not "Malcolm".
    """
    words = words_of(without_apostrophes(without_accents(artists.casefold())))
    return [*words[:1], *(word for word in words[1:-1] if word not in _JOINING), *words[1:][-1:]]


def _without_credit(artist: str) -> str:
    return _TRAILING_CREDIT.sub("", _without_brackets(artist.casefold()))


def _without_brackets(text: str) -> str:
    # Behind the last bracket that closes, the search for one would begin anew at each that opens.
    end = max(text.rfind(")"), text.rfind("]")) + 1
    return _IN_BRACKETS.sub(_version_behind, text[:end]) + text[end:]


def _version_behind(found: re.Match[str]) -> str:
    """What follows a credit, if it names a version or a number: " feat. mira (live)" → " (live)"."""
    credit = found["credit"] or ""
    begins = _BEHIND_CREDIT.search(credit)
    behind = credit[begins.start() :] if begins else ""
    return f" {behind}" if _VERSION.search(behind) or _WHOLE_NUMBER.search(behind) else ""


def _one_of(song: Described, tracks: Sequence[MatchableTrack]) -> str | None:
    """One of several tracks, by album and length; None if they are undecided."""
    left = list(tracks)
    if song.album:
        album = folded_title(song.album)
        left = [track for track in left if folded_title(track.album or "") == album] or left
    if song.seconds is not None and len(left) > 1:
        left = _nearest(left, song.seconds)
    if not left or not _of_one_length(left):
        return None
    return min(track.track_id for track in left)


def _nearest(tracks: list[MatchableTrack], seconds: float) -> list[MatchableTrack]:
    """The tracks of the nearest length, with those that no program could tell from it."""
    off = {track.track_id: abs(_seconds(track) - seconds) for track in tracks}
    least = max(min(off.values()), SECONDS_OFF)
    return [track for track in tracks if off[track.track_id] <= least]


def _of_one_length(tracks: Sequence[MatchableTrack]) -> bool:
    lengths = [_seconds(track) for track in tracks]
    return len(lengths) == 1 or max(lengths) - min(lengths) <= SECONDS_OFF


def _seconds(track: MatchableTrack) -> float:
    return track.duration_ms / 1000 if track.duration_ms else float("inf")
