"""What a listener's history says of the tracks of an index: liked, heard, and the direction of the taste."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.dashboard.queries.catalogue import Catalogue
from segue.index.bundle import Bundle
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.history import from_document, reflects_at
from segue.taste.opinions import Opinions
from segue.taste.vector import decayed, taste_vectors


@dataclass(frozen=True)
class Liking:
    """One listener's; rows are those of the index."""

    liked: dict[int, float]
    """Row -> how much it is liked now, above 0."""
    heard: frozenset[int]
    """Rows that the taste's history has, and those that were played as far back as it is kept."""
    recent: frozenset[int]
    """Rows heard so lately that they are not recommended again."""
    disliked: frozenset[int]
    vector: np.ndarray
    """(d,) float32 at unit length, or zeros."""


def liking(catalogue: Catalogue, settings: Settings, user_id: str, *, bundle: Bundle) -> Liking:
    """Read what is known of a listener; all empty for a new one."""
    database, taste = catalogue.database, settings.taste
    stored = database.tastes.find_one({"_id": user_id}, {"windows": 1}) or {"windows": {}}
    history = from_document(stored["windows"])
    signals = decayed([history], half_life=taste.half_life, half_life_tracks=taste.half_life_tracks)
    rows = bundle.rows(signals.tracks)
    vectors = np.asarray(bundle.vectors[np.maximum(rows, 0)]) * (rows >= 0)[:, None]
    vector = taste_vectors(vectors, signals)[0]
    weights: dict[int, float] = {}
    for row, weight in zip(rows.tolist(), signals.weights.tolist(), strict=True):
        weights[row] = weights.get(row, 0.0) + weight
    since = reflects_at(history) - taste.repeat_after.total_seconds() * 1000
    played: list[Document] = [
        {"$match": {"user_id": user_id}},
        {"$unwind": "$rows"},
        {"$match": {"rows.plays": {"$gt": 0}}},
        {"$group": {"_id": "$rows.track_id"}},
    ]
    long_ago = [found["_id"] for found in database.listening.aggregate(played)]
    return Liking(
        liked={row: weight for row, weight in weights.items() if row >= 0 and weight > 0},
        heard=_there([*rows.tolist(), *bundle.rows(long_ago).tolist()]),
        recent=_there(rows[signals.at > since].tolist()),
        disliked=_there(bundle.rows(Opinions(Store(database)).disliked(user_id)).tolist()),
        vector=vector,
    )


def _there(rows: list[int]) -> frozenset[int]:
    return frozenset(row for row in rows if row >= 0)
