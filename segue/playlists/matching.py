"""Matching of a playlist's entries with tracks of the catalogue: by title, artist and length."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from segue.catalog.letters import without_accents, words_of
from segue.playlists.m3u import Entry

SECONDS_OFF = 4.0
"""The largest difference between two programs' lengths of the same recording."""
LIKE_ENOUGH = 0.82
"""The least similarity of two titles, and of two artists, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A track of the catalogue that an entry may mean."""

    track_id: str
    title: str
    artist: str
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Matched:
    """A playlist's entries after matching."""

    track_ids: tuple[str, ...]
    """The tracks of the matched entries, in order."""
    unmatched: tuple[Entry, ...]


def match(entries: Sequence[Entry], *, candidates: Callable[[Entry], Sequence[Candidate]]) -> Matched:
    """Match each entry with the best of its candidates, if one is good enough."""
    chosen = [(entry, best(entry, candidates(entry))) for entry in entries]
    return Matched(
        track_ids=tuple(track_id for _, track_id in chosen if track_id is not None),
        unmatched=tuple(entry for entry, track_id in chosen if track_id is None),
    )


def best(entry: Entry, candidates: Sequence[Candidate]) -> str | None:
    """The candidate that an entry means; None if no candidate is similar enough in title and artist.

    If the lengths are known, a candidate of the right length precedes one with a more similar name. If the
    entry has a length but no artist, only a candidate of the right length matches.
    """
    rated = []
    for candidate in candidates:
        title, artist = alike(entry.title, candidate.title), 1.0
        if entry.artist is not None:
            artist = alike(entry.artist, candidate.artist)
        else:  # "Title" may be "Artist - Title" with another dash
            title = max(title, alike(entry.title, f"{candidate.artist} {candidate.title}"))
        if min(title, artist) < LIKE_ENOUGH:
            continue
        off = (
            abs(entry.seconds - candidate.seconds)
            if entry.seconds is not None and candidate.seconds is not None
            else None
        )
        if entry.artist is None and off is not None and off > SECONDS_OFF:
            continue
        rated.append((off is not None and off > SECONDS_OFF, -title - artist, candidate.track_id))
    return min(rated)[2] if rated else None


def alike(a: str, b: str) -> float:
    """The similarity of two names, 0 to 1, ignoring case, accents, punctuation and text in brackets."""
    first, second = _bare(a), _bare(b)
    if not first or not second:
        return float(a.strip().casefold() == b.strip().casefold())
    return float(OSA.normalized_similarity(first, second))


def _bare(text: str) -> str:
    without = re.sub(r"[(\[].*?[)\]]", " ", text)
    return " ".join(words_of(without_accents(without.casefold())))
