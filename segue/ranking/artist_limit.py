"""The limit on the songs of an artist in a stretch of a list. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from segue.index.track_index import TrackIndex
from segue.settings import RankingSettings


@dataclass(frozen=True)
class ArtistLimit:
    """At most `per_artist` songs of an artist among `window` in a row; unknown artists are not limited.

    A song of several main artists counts for each of them.
    """

    artists: Sequence[int] | np.ndarray
    """(n,) codes by row, negative for an unknown artist."""
    per_artist: int
    window: int
    others: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """The codes of further main artists, by row."""
    more: Mapping[int, int] = field(default_factory=dict)
    """How many further songs some artists may have, by code."""

    @classmethod
    def of(
        cls, bundle: TrackIndex, ranking: RankingSettings, *, more: Mapping[int, int] | None = None
    ) -> ArtistLimit:
        """The limit of the settings on the artists of a bundle, with further songs of some of them."""
        return cls(
            bundle.artists, ranking.max_per_artist, ranking.artist_window, bundle.others_by_row, more or {}
        )

    def artists_of(self, row: int) -> tuple[int, ...]:
        """The codes of a row's main artists; of an unknown artist, one negative code."""
        return (int(self.artists[row]), *self.others.get(row, ()))

    def heard(self, rows: Sequence[int]) -> list[int]:
        """The artists of the part of a list that limits the next track, once for each of their songs."""
        return list(chain.from_iterable(map(self.artists_of, self.recent(rows))))

    def allows(self, row: int, heard: Sequence[int]) -> bool:
        """Whether a row may come after tracks of these artists (:meth:`heard`)."""
        return all(
            artist < 0 or heard.count(artist) < self.of_artist(artist) for artist in self.artists_of(row)
        )

    def of_artist(self, artist: int) -> int:
        """How many songs an artist may have in a stretch."""
        return self.per_artist + self.more.get(artist, 0)

    def recent(self, before: Sequence[int]) -> Sequence[int]:
        """The part of a list that limits the next track."""
        return before[max(len(before) - self.window + 1, 0) :]

    def fits(self, before: Sequence[int], row: int) -> bool:
        """Whether a row may come after the rows before it."""
        return self.allows(row, self.heard(before))

    def holds(self, rows: Sequence[int], *, start: int = 0) -> bool:
        """Whether a list keeps the limit from the index `start` on."""
        return all(self.fits(rows[:place], rows[place]) for place in range(start, len(rows)))
