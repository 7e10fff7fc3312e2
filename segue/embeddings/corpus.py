"""The catalogue's descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.audio.descriptors import features_version
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.store import Store

Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The descriptors of the tracks that are there, in the order of their ids."""

    track_ids: list[str]
    descriptors: NDArray[np.float32]
    """Shape (n, d)."""

    def take(self, rows: NDArray[np.intp]) -> Corpus:
        """The tracks of some rows."""
        return Corpus(
            track_ids=[self.track_ids[row] for row in rows.tolist()], descriptors=self.descriptors[rows]
        )


def read_corpus(store: Store, settings: Settings) -> Corpus:
    """The features of the current version of all tracks that are there.

    Raises
    ------
    SegueError
        No track has any.
    """
    database = store.database
    present = {track["_id"] for track in database.tracks.find({"state": "present"}, {"_id": 1})}
    query = {"version": features_version(settings.audio)}
    vectors = {
        document["_id"]: document["vector"]
        for document in database.features.find(query, {"vector": 1}).sort("_id")
        if document["_id"] in present
    }
    if not vectors:
        raise SegueError("no track has features: run ./run.sh ingest DIR and ./run.sh features first")
    descriptors = np.frombuffer(b"".join(vectors.values()), "<f4").reshape(len(vectors), -1)
    return Corpus(track_ids=list(vectors), descriptors=descriptors)


def read_artists(store: Store) -> dict[str, str]:
    """By track id, the artist of each track that has one, in lower case."""
    found = store.database.tracks.find({"artist": {"$nin": [None, ""]}}, {"artist": 1})
    return {track["_id"]: str(track["artist"]).strip().casefold() for track in found}


def read_genres(store: Store) -> dict[str, str]:
    """By track id, the first genre of each track that has one."""
    found = store.database.tracks.find({"genres.0": {"$exists": True}}, {"genres": {"$slice": 1}})
    return {track["_id"]: str(track["genres"][0]) for track in found}
