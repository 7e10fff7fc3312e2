"""Tracks that the index lacks: their vectors, and a note of those that are in no catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.storage.mongo import UpdateOne, unpack
from segue.storage.store import Store


def read_vectors(store: Store, *, space: str, track_ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Vectors of those tracks that have one in the embedding space, each (d,) float32."""
    ids = [f"{space}:{track_id}" for track_id in track_ids]
    stored = store.database.embeddings.find({"_id": {"$in": ids}}, {"track_id": 1, "vector": 1})
    return {document["track_id"]: unpack(document["vector"]) for document in stored}


def note_unknown(store: Store, played: Sequence[tuple[str, int]]) -> None:
    """Note played tracks, each with the time (epoch ms), that have no vector anywhere."""
    store.database.unknown_tracks.bulk_write(
        [
            UpdateOne({"_id": track_id}, {"$min": {"first_at": at}, "$max": {"last_at": at}}, upsert=True)
            for track_id, at in played
        ],
        ordered=False,
    )
