"""The catalogue's descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.audio.descriptors import features_version
from segue.catalog.features import Features
from segue.catalog.tracks import Tracks
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.store import Store

Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The descriptors of the available tracks, in the order of their ids."""

    track_ids: list[str]
    descriptors: NDArray[np.float32]
    """Shape (n, d)."""

    def take(self, rows: NDArray[np.intp]) -> Corpus:
        """The tracks of some rows."""
        return Corpus(
            track_ids=[self.track_ids[row] for row in rows.tolist()], descriptors=self.descriptors[rows]
        )


def read_corpus(store: Store, settings: Settings) -> Corpus:
    """The features, in the current version, of all available tracks.

    Raises
    ------
    SegueError
        No track has features.
    """
    track_ids, descriptors = Features(store).all_present(features_version(settings.audio))
    if not track_ids:
        raise SegueError(
            "no track has features: run ./run.sh library ingest DIR and ./run.sh library features first"
        )
    return Corpus(track_ids=track_ids, descriptors=descriptors)


def read_artists(store: Store) -> dict[str, str]:
    """Track id -> artist in lower case, for the tracks that have one."""
    return {track_id: artist.strip().casefold() for track_id, artist in Tracks(store).artists().items()}


def read_genres(store: Store) -> dict[str, str]:
    """Track id -> first genre, for the tracks that have one."""
    return {track_id: genre for track_id, genre in Tracks(store).first_genres().items() if genre}
