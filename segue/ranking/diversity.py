"""Diversity of a list: how often one artist may come, and each song in one version. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from segue.settings import RankingSettings


@dataclass(frozen=True)
class ArtistLimit:
    """At most `per_artist` songs of an artist among `window` consecutive ones; unknown artists are free."""

    artists: Sequence[int] | np.ndarray
    """(n,) codes by row, negative for unknown."""
    per_artist: int
    window: int

    @classmethod
    def of(cls, artists: Sequence[int] | np.ndarray, ranking: RankingSettings) -> ArtistLimit:
        """As the settings have it."""
        return cls(artists, ranking.max_per_artist, ranking.artist_window)

    def allows(self, artist: int, before: Sequence[int]) -> bool:
        """Whether an artist may come after these artists, oldest first."""
        return artist < 0 or self.recent(before).count(artist) < self.per_artist

    def recent(self, before: Sequence[int]) -> Sequence[int]:
        """What of a list matters for what comes next."""
        return before[max(len(before) - self.window + 1, 0) :]

    def fits(self, before: Sequence[int], row: int) -> bool:
        """Whether a row may come after the rows before it."""
        return self.allows(
            self.artists[row], [self.artists[recent_row] for recent_row in self.recent(before)]
        )

    def holds(self, rows: Sequence[int], *, start: int = 0) -> bool:
        """Whether it holds for a list from the place `start` on."""
        return all(self.fits(rows[:place], rows[place]) for place in range(start, len(rows)))


def limit_artists(
    candidates: Iterable[int],
    limit: ArtistLimit,
    *,
    items: int,
    before: Sequence[int] = (),
    songs: np.ndarray | None = None,
) -> list[int]:
    """Take candidates in order, as far as the limit allows.

    A candidate that would break the rule waits, and comes at the first place where it fits.

    Parameters
    ----------
    candidates
        Rows, best first.
    before
        Rows that came just before the list, oldest first: the rule holds across the seam.
    songs
        (n,) song codes by row, -1 for none: of the versions of a song the first comes that fits.

    Returns
    -------
    At most `items` rows; fewer where the rule leaves no more.
    """
    artists = limit.artists
    chosen: list[int] = []
    recent = [int(artists[row]) for row in before]
    waiting: list[int] = []
    taken: set[int] = set()

    def take(row: int) -> None:
        chosen.append(row)
        recent.append(int(artists[row]))
        if songs is not None and songs[row] >= 0:
            taken.add(int(songs[row]))

    def is_taken(row: int) -> bool:
        return songs is not None and int(songs[row]) in taken

    for row in candidates:
        if len(chosen) >= items:
            return chosen
        if is_taken(row):
            continue
        if not limit.allows(artists[row], recent):
            waiting.append(row)
            continue
        take(row)
        for held in list(waiting):
            if len(chosen) < items and not is_taken(held) and limit.allows(artists[held], recent):
                waiting.remove(held)
                take(held)
    return chosen


def songs_of(rows: Collection[int], songs: np.ndarray) -> set[int]:
    """The songs that rows of the bundle are versions of; `songs` is the bundle's, -1: no others."""
    return set(songs[list(rows)].tolist()) - {-1} if rows else set()


def folded(
    rows: Sequence[int] | np.ndarray, songs: np.ndarray, *, barred: Collection[int], taken: set[int]
) -> list[int]:
    """Rows in their order without those barred; of the versions of a song the first, and none in `taken`.

    Adds to `taken`. Some hundred rows: a plain loop is faster here than numpy's sets.
    """
    places = np.asarray(rows, dtype=np.int64)
    kept = []
    for row, song in zip(places.tolist(), songs[places].tolist(), strict=True):
        if row in barred or song in taken:
            continue
        if song >= 0:
            taken.add(song)
        kept.append(row)
    return kept
