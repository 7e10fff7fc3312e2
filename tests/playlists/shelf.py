"""A library in memory, in clusters as music is, with artists and moods."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from segue.index.contents import Contents
from segue.index.exact import ExactIndex
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.playlists.transitions import Transitions
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.reranking import limit_artists

PER_ARTIST, WINDOW = 2, 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Shelf(TrackIndex):
    moods: np.ndarray

    @classmethod
    def of(cls, contents: Contents, moods: np.ndarray) -> Shelf:
        contents.check()
        return cls(
            **contents.columns(),
            version="v",
            space="s",
            neighbours=ExactIndex(contents.vectors),
            moods=moods,
        )

    def versions(self, rows: Collection[int]) -> set[int]:
        """The rows themselves and all that are versions of the same songs."""
        songs = {int(self.songs[row]) for row in rows} - {-1}
        return {*rows, *(row for row, song in enumerate(self.songs.tolist()) if song in songs)}

    def one_of_each_song(self, rows: Sequence[int]) -> bool:
        songs = [int(self.songs[row]) for row in rows if self.songs[row] >= 0]
        return len(songs) == len(set(songs))

    @property
    def transitions(self) -> Transitions:
        return Transitions(self.vectors, self.moods)

    @property
    def limit(self) -> ArtistLimit:
        return ArtistLimit(self.artists, per_artist=PER_ARTIST, window=WINDOW, others=self.others_by_row)


def shelf(seed: int, *, tracks: int, artists: int, clusters: int = 5, dimension: int = 6) -> Shelf:
    """Some artists are unknown (-1), some moods too."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, dimension))
    vectors = centres[rng.integers(clusters, size=tracks)] + 0.5 * rng.normal(size=(tracks, dimension))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    moods = rng.random((tracks, 4)).astype(np.float32)
    moods[rng.random((tracks, 4)) < 0.1] = np.nan
    codes = rng.integers(-1, artists, size=tracks).astype(np.int32)
    duets = np.flatnonzero((codes > 0) & (np.random.default_rng([seed, 1]).random(tracks) < 0.1))
    contents = Contents(
        vectors=vectors,
        track_ids=encode_ids([f"{row:05d}" for row in range(tracks)]),
        artists=codes,
        other_artists=np.stack([duets, codes[duets] - 1], axis=1).astype(np.int32) if len(duets) else None,
        cold_start=rng.permutation(tracks)[: max(1, tracks // 2)].astype(np.int32),
        # Some have a second version, which may be any other track.
        songs=rng.integers(-1, tracks, size=tracks).astype(np.int32),
    )
    return Shelf.of(contents, moods)


def limit_holds_if_it_can(rows: Sequence[int], library: Shelf, *, before: Sequence[int] = ()) -> bool:
    """The limit holds, or it does not leave as many of the rows in any order that takes them in turn."""
    if library.limit.holds([*before, *rows], start=len(before)):
        return before != () or limit_holds(rows, library)
    return len(limit_artists(rows, library.limit, items=len(rows), before=before)) < len(rows)


def limit_holds(rows: Sequence[int], library: Shelf) -> bool:
    """Counted plainly: no stretch of ten has three of a known artist."""
    credits = [[int(library.artists[row]), *library.others_by_row.get(row, ())] for row in rows]
    stretches = [list(chain.from_iterable(credits[i : i + WINDOW])) for i in range(len(rows))]
    return all(stretch.count(one) <= PER_ARTIST for stretch in stretches for one in stretch if one >= 0)
