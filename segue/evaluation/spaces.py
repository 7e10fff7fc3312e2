"""Evaluation of spaces by sound alone: whether tracks of a genre or an artist are near each other.

A space is fitted on the gallery and queried with tracks by other artists. With an artist on both sides, it
would gain by recognising a voice or a studio (Flexer and Schnitzer, 2010, "Effects of album and artist
filters in audio similarity computed for very large music databases"). A space that cannot be fitted on the
gallery, for lack of listening sessions, is compared in the version in use, unless that was fitted on genres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from segue.counted import counted
from segue.embeddings.corpus import Corpus, Matrix
from segue.embeddings.genre_space import unit
from segue.embeddings.registry import SPACES
from segue.embeddings.space import Space, TrainingData
from segue.errors import SegueError, TooLittle
from segue.settings import Settings

BASELINE = "descriptors"
"""The name of the baseline, which learns nothing: the standardised descriptors."""
NEIGHBOURS, LIST = 5, 10
PARTS = 5
"""One of this many parts of the artists has the queries, the others the gallery."""
_BLOCK = 256
Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledTracks:
    """Descriptors of n tracks with labels, split into a gallery and queries by other artists."""

    data: TrainingData
    """All n tracks."""
    genres: NDArray[np.int64]
    """(n,) codes of the genres."""
    artists: NDArray[np.int64]
    """(n,) codes of the artists, -1 unknown."""
    gallery: NDArray[np.intp]
    """Rows of the tracks that spaces are fitted on and searched in."""
    queries: NDArray[np.intp]
    """Rows of the tracks that are queries."""


@dataclass(frozen=True, kw_only=True)
class SpaceResult:
    """The figures of one space."""

    figures: Figures
    """Empty for a space that was left out."""
    note: str = ""
    """The version, if the space was not fitted on the gallery; or the reason why it was left out."""

    def summary(self) -> dict[str, float | str]:
        """The figures, and `note` if there is one, in the form that `--json` writes."""
        return {**self.figures, **({"note": self.note} if self.note else {})}


Find = Callable[[type[Space]], Space | None]
"""Returns the space of a class that is in use, or None."""


def compare_spaces(
    tracks: LabelledTracks,
    settings: Settings,
    *,
    in_use: Find = lambda space: None,
    spaces: Sequence[type[Space]] = SPACES,
) -> dict[str, SpaceResult]:
    """The figures of each registered space by name, the baseline first.

    Parameters
    ----------
    in_use
        Returns the space in use, for a space that cannot be fitted on the gallery.

    Returns
    -------
    `accuracy`, `p10` (:func:`genre_quality`), `artist_hr10` (:func:`artist_hit_rate`; left out if the artists
    are unknown), `dimension`, `gallery` and `queries` (numbers of tracks) of each space.
    """
    results = {BASELINE: SpaceResult(figures=_figures(_standardised(tracks), tracks))}
    for space in spaces:
        try:
            fitted, note = _fitted_or_in_use(space, tracks, settings, in_use)
        except TooLittle as error:
            results[space.name] = SpaceResult(figures={}, note=f"left out: {error}")
            continue
        vectors = fitted.transform(tracks.data.corpus.descriptors)
        results[space.name] = SpaceResult(figures=_figures(vectors, tracks), note=note)
    return results


def _fitted_or_in_use(
    space: type[Space], tracks: LabelledTracks, settings: Settings, in_use: Find
) -> tuple[Space, str]:
    data = tracks.data
    gallery = TrainingData(
        corpus=data.corpus.take(tracks.gallery),
        features_version=data.features_version,
        names=data.names,
        genres=data.genres,
        sessions=data.sessions,
    )
    try:
        return space.fit(gallery, settings), ""
    except TooLittle:
        stored = None if space.uses_genres else in_use(space)
        if stored is None:
            raise
        return stored, f"version {stored.version}, which is in use"


def _standardised(tracks: LabelledTracks) -> NDArray[np.float64]:
    rows = np.asarray(tracks.data.corpus.descriptors, dtype=np.float64)
    known = rows[tracks.gallery]
    deviation = np.maximum(known.std(axis=0), 1e-9)
    return np.asarray((rows - known.mean(axis=0)) / deviation)


def _figures(vectors: Matrix, tracks: LabelledTracks) -> Figures:
    gallery, queries = vectors[tracks.gallery], vectors[tracks.queries]
    accuracy, precision = genre_quality(
        gallery, tracks.genres[tracks.gallery], queries, tracks.genres[tracks.queries]
    )
    figures = {"accuracy": accuracy, "p10": precision}
    rate = artist_hit_rate(queries, tracks.artists[tracks.queries])
    if rate is not None:
        figures["artist_hr10"] = rate
    figures |= {"dimension": float(vectors.shape[1]), "gallery": float(len(gallery))}
    return figures | {"queries": float(len(queries))}


def genre_quality(
    gallery: Matrix, genres: NDArray[np.int64], queries: Matrix, truth: NDArray[np.int64]
) -> tuple[float, float]:
    """Accuracy of 5 nearest neighbours by cosine, and the share of the 10 nearest with the query's genre.

    Each neighbour has one vote; among genres with equal votes, the one with the nearest neighbour wins.
    """
    near = genres[_nearest(queries, gallery, count=LIST)]
    votes = np.zeros((len(queries), int(genres.max()) + 1))
    for place in range(min(NEIGHBOURS, near.shape[1])):
        # The second term only breaks ties: all of them together are less than a vote.
        votes[np.arange(len(queries)), near[:, place]] += 1 + 1e-3 / (place + 1)
    return float((votes.argmax(axis=1) == truth).mean()), float((near == truth[:, None]).mean())


def artist_hit_rate(vectors: Matrix, artists: NDArray[np.int64]) -> float | None:
    """The share of tracks with another track by their artist among their 10 nearest.

    The queries are the tracks whose artist has several tracks here; None if there are none.
    """
    names, counts = np.unique(artists[artists >= 0], return_counts=True)
    asked = np.flatnonzero(np.isin(artists, names[counts > 1]))
    if not len(asked):
        return None
    near = _nearest(vectors[asked], vectors, count=LIST, without=asked)
    return float((artists[near] == artists[asked, None]).any(axis=1).mean())


def _nearest(
    queries: Matrix, gallery: Matrix, *, count: int, without: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """(queries, count) rows of the gallery by cosine, nearest first; `without` excludes one row a query."""
    rows = unit(np.asarray(gallery, dtype=np.float64)).T
    asked = unit(np.asarray(queries, dtype=np.float64))
    ranking = []
    for start in range(0, len(asked), _BLOCK):
        similarity = asked[start : start + _BLOCK] @ rows
        if without is not None:
            similarity[np.arange(len(similarity)), without[start : start + _BLOCK]] = -np.inf
        ranking.append(np.argsort(-similarity, axis=1, kind="stable")[:, :count])
    return np.concatenate(ranking)


def labelled(
    data: TrainingData, artists: Sequence[str | None], *, most_queries: int = 2000
) -> LabelledTracks:
    """The tracks of a catalogue that have a genre, with a fifth of the artists as queries.

    The artists' names decide which of them are queries, so that the split stays when the catalogue grows.

    Parameters
    ----------
    data
        Tracks with `genres`.
    artists
        The artist of each track of the corpus; a track without one counts as a separate artist.

    Raises
    ------
    SegueError
        Fewer than two genres, or too few artists.
    """
    genre_of, corpus = data.genres or {}, data.corpus
    rows = np.array([row for row, track in enumerate(corpus.track_ids) if track in genre_of], dtype=np.intp)
    names = [genre_of[corpus.track_ids[row]] for row in rows]
    performers = [artists[row] or f"track {corpus.track_ids[row]}" for row in rows]
    asked = np.array([crc32(name.encode()) % PARTS == 0 for name in performers], dtype=bool)
    known = {name for name, query in zip(names, asked, strict=True) if not query}
    # A genre that occurs only in the queries cannot be predicted.
    queries = np.flatnonzero(asked & np.array([name in known for name in names], dtype=bool))
    gallery = np.flatnonzero(~asked)
    if len(known) < 2 or not len(queries) or len(gallery) < LIST:
        raise SegueError(
            "spaces are compared by tracks of several genres and artists: "
            f"there are {counted(len(rows), 'track')} with a genre, "
            f"{counted(len(set(performers)), 'artist')}, {counted(len(queries), 'query track')}: "
            "ingest more music with genres"
        )
    if len(queries) > most_queries:
        queries = np.sort(np.random.default_rng(0).choice(queries, most_queries, replace=False))
    code = {name: number for number, name in enumerate(sorted(set(names)))}
    by_name = {name: number for number, name in enumerate(sorted({name for name in artists if name}))}
    return LabelledTracks(
        data=TrainingData(
            corpus=corpus.take(rows),
            features_version=data.features_version,
            names=data.names,
            genres=data.genres,
            sessions=data.sessions,
        ),
        genres=np.array([code[name] for name in names], dtype=np.int64),
        artists=np.array([by_name.get(artists[row] or "", -1) for row in rows], dtype=np.int64),
        gallery=gallery,
        queries=queries,
    )


def of_gtzan(descriptors: Matrix, genres: NDArray[np.int64], part: NDArray[np.int64]) -> LabelledTracks:
    """The artist-filtered split of GTZAN, with its training and validation parts as the gallery."""
    ids = [f"{row:05d}" for row in range(len(genres))]
    data = TrainingData(
        corpus=Corpus(track_ids=ids, descriptors=np.asarray(descriptors, dtype=np.float32)),
        features_version="gtzan",
        names=tuple(str(column) for column in range(descriptors.shape[1])),
        genres={track_id: str(genre) for track_id, genre in zip(ids, genres.tolist(), strict=True)},
    )
    return LabelledTracks(
        data=data,
        genres=genres,
        artists=np.full(len(genres), -1, dtype=np.int64),
        gallery=np.flatnonzero(part < 2),
        queries=np.flatnonzero(part == 2),
    )
