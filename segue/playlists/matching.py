"""Matching of a playlist's entries with tracks of the catalogue: by path, title, artist and length.

An entry that describes a song exactly is matched as any description is (:mod:`segue.catalog.matching`). Other
entries are matched by similarity, since people and programs misspell names in playlists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from rapidfuzz.distance import OSA

from segue.catalog.letters import without_accents, words_of
from segue.catalog.matching import SECONDS_OFF, Described, another_version, matching_track
from segue.catalog.track_records import MatchableTrack
from segue.normal_forms import normalised
from segue.playlists.entries import Entry, path_parts

LIKE_ENOUGH = 0.82
"""The least similarity of two titles, and of two artists, 0 to 1."""
_FOLDERS = 4
"""Folders around a file that may have the name of its artist or album; a line can name thousands."""


@dataclass(frozen=True, kw_only=True)
class Matched:
    """A playlist's entries after matching."""

    track_ids: tuple[str, ...]
    """The tracks of the matched entries, in order."""
    unmatched: tuple[Entry, ...]


def match(entries: Sequence[Entry], *, candidates: Callable[[Entry], Sequence[MatchableTrack]]) -> Matched:
    """Match each entry with the best of its candidates, if one is good enough."""
    chosen = [(entry, best(entry, candidates(entry))) for entry in entries]
    return Matched(
        track_ids=tuple(track_id for _, track_id in chosen if track_id is not None),
        unmatched=tuple(entry for entry, track_id in chosen if track_id is None),
    )


def best(entry: Entry, candidates: Sequence[MatchableTrack]) -> str | None:
    """The candidate that an entry means; None if no candidate is similar enough.

    A candidate whose path ends as the entry's line does precedes all others. The rest must be similar in
    title and artist, in either order: programs write "Artist - Title" or "Title - Artist". If the lengths are
    known, a candidate of the right length precedes one with a more similar name. If the entry has no artist,
    the folders of its line decide between candidates, and a candidate of another length does not match.
    """
    parts = [_folded(part) for part in path_parts(entry.location)]
    if (exact := _described(entry, candidates)) is not None and len(parts) < 2:
        return exact
    rated = [
        (rating, candidate.track_id)
        for candidate in candidates
        if (rating := _rating(entry, candidate, parts)) is not None
    ]
    return min(rated)[1] if rated else None


def _described(entry: Entry, candidates: Sequence[MatchableTrack]) -> str | None:
    """The track of exactly an entry's title, artist and length."""
    if entry.artist is None:
        return None
    near = [track for track in candidates if not _is_off(entry, track)]
    return matching_track(Described(title=entry.title, artist=entry.artist, seconds=entry.seconds), near)


def _is_off(entry: Entry, candidate: MatchableTrack) -> bool | None:
    """Whether the lengths differ; None if either is unknown."""
    if entry.seconds is None or candidate.duration_ms is None:
        return None
    return abs(entry.seconds - candidate.duration_ms / 1000) > SECONDS_OFF


_Rating = tuple[int, bool, float]


def _rating(entry: Entry, candidate: MatchableTrack, parts: Sequence[str]) -> _Rating | None:
    """How well a candidate fits, less is better; None if it does not."""
    off = _is_off(entry, candidate)
    names = [
        similarity
        for title, artist in _names(entry)
        if (similarity := _similarity(title, artist, candidate)) is not None
    ]
    shared = _shared_end(parts, candidate.path)
    if shared > 1 and (names or shared > 2 or not entry.described):
        return -shared, bool(off), -max(names, default=0.0)
    if not names or (entry.artist is None and off):
        return None
    # An order that fits as written precedes the other one, and a folder that names the artist any other.
    in_folders = entry.artist is None and _is_named(candidate, parts[-1 - _FOLDERS : -1])
    as_written = _similarity(entry.title, entry.artist, candidate) is not None
    return 0, bool(off), -(max(names) + as_written + 2 * in_folders)


def _names(entry: Entry) -> list[tuple[str, str | None]]:
    """The titles and artists that the words of an entry may mean, as written first."""
    found: list[tuple[str, str | None]] = [(entry.title, entry.artist)]
    words = re.split(r"\s+[-–—]\s+", entry.shown)
    for at in range(1, min(len(words), 6)):
        one, other = " - ".join(words[:at]), " - ".join(words[at:])
        found += [(other, one), (one, other)]
    return found


def _similarity(title: str, artist: str | None, candidate: MatchableTrack) -> float | None:
    """The similarity of title and artist, 0 to 2; None if either is not similar enough."""
    if artist is not None and another_version(title, candidate):
        return None
    titles, artists = alike(title, candidate.title), 1.0
    if artist is not None:
        artists = max(alike(artist, name) for name in (candidate.artist, *candidate.artists))
    else:  # "Title" may be "Artist - Title" with another dash
        titles = max(titles, alike(title, f"{candidate.artist} {candidate.title}"))
    return titles + artists if min(titles, artists) >= LIKE_ENOUGH else None


def _is_named(candidate: MatchableTrack, folders: Sequence[str]) -> bool:
    """Whether a folder has the name of the candidate's artist or album."""
    names = [candidate.artist, *candidate.artists, *([candidate.album] if candidate.album else [])]
    return any(alike(folder, name) >= LIKE_ENOUGH for folder in folders for name in names)


def _shared_end(parts: Sequence[str], path: str) -> int:
    """The number of parts at the end that a line and a path share."""
    own = [_folded(part) for part in path_parts(path)]
    pairs = zip(reversed(parts), reversed(own), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _folded(part: str) -> str:
    """A part of a path for comparison: file systems differ in case and in the form of accents."""
    return normalised("NFC", part).casefold()


def alike(a: str, b: str) -> float:
    """The similarity of two names, 0 to 1, ignoring case, accents, punctuation and text in brackets."""
    first, second = _bare(a), _bare(b)
    if not first or not second:
        return float(a.strip().casefold() == b.strip().casefold())
    return float(OSA.normalized_similarity(first, second))


@lru_cache(maxsize=1024)  # the names of an entry are compared with those of many tracks
def _bare(text: str) -> str:
    # Behind the last bracket that closes, the search for one would begin anew at each that opens.
    end = max(text.rfind(")"), text.rfind("]")) + 1
    without = re.sub(r"[(\[].*?[)\]]", " ", text[:end]) + text[end:]
    return " ".join(words_of(without_accents(without.casefold())))
