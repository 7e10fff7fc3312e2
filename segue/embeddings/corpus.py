"""The catalogue's descriptors, and which of them have their place in a space already."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from segue.audio.descriptors import features_version
from segue.catalog.features import Features
from segue.embeddings.spaces import Space
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.mongo import Document, pack, upsert
from segue.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The descriptors of the tracks that are there, in the order of their ids."""

    track_ids: list[str]
    descriptors: NDArray[np.float32]
    """Shape (n, d)."""


def read_corpus(database: Database[Document], settings: Settings) -> Corpus:
    """The features of the current version of all tracks that are there."""
    features = Features(Store(database))
    track_ids, descriptors = features.all_present(features_version(settings.audio))
    if not track_ids:
        raise SegueError("no track has features: run ./run.sh ingest DIR and ./run.sh features first")
    return Corpus(track_ids=track_ids, descriptors=descriptors)


def embedding_document(
    space: Space, corpus: Corpus, row: int, vector: NDArray[np.float32], *, added: bool
) -> Document:
    """As it is kept in `embeddings`; `added` if the space was not fitted on this row."""
    track_id = corpus.track_ids[row]
    return {
        "_id": f"{space.version}:{track_id}",
        "track_id": track_id,
        "space": space.version,
        "vector": pack(vector),
        "features": _digest(corpus.descriptors[row]),
        "added": added,
    }


def _digest(descriptors: NDArray[np.float32]) -> str:
    """What tells whether an embedding was made from these descriptors."""
    return hashlib.blake2b(pack(descriptors), digest_size=8).hexdigest()


def added_since(database: Database[Document], corpus: Corpus, space: Space) -> NDArray[np.intp]:
    """The rows of the corpus that the space was not fitted on."""
    stored = database.embeddings.find({"space": space.version, "added": True}, {"track_id": 1, "_id": 0})
    added = {document["track_id"] for document in stored}
    rows = [row for row, track_id in enumerate(corpus.track_ids) if track_id in added]
    return np.array(rows, dtype=np.intp)


def not_embedded(database: Database[Document], corpus: Corpus, space: Space) -> NDArray[np.intp]:
    """The rows of the corpus that have no embedding in the space, or one of other descriptors."""
    stored = database.embeddings.find({"space": space.version}, {"track_id": 1, "features": 1})
    known = {document["track_id"]: document.get("features") for document in stored}
    return np.array(
        [
            row
            for row, track_id in enumerate(corpus.track_ids)
            if known.get(track_id) != _digest(corpus.descriptors[row])
        ],
        dtype=np.intp,
    )


def embed(database: Database[Document], corpus: Corpus, space: Space, *, added: bool) -> tuple[int, int]:
    """Bring `embeddings` in line with the corpus; returns how many were written, and removed.

    Delivery: by space and track id, so that a run cut short is simply repeated. `added` marks what is written
    as not having been there when the space was fitted.
    """
    rows = not_embedded(database, corpus, space)
    vectors = space.place([corpus.track_ids[row] for row in rows], corpus.descriptors[rows])
    upsert(
        database.embeddings,
        (
            embedding_document(space, corpus, row, vector, added=added)
            for row, vector in zip(rows, vectors, strict=True)
        ),
    )
    here = set(corpus.track_ids)
    stored = database.embeddings.find({"space": space.version}, {"track_id": 1})
    gone = [document["_id"] for document in stored if document["track_id"] not in here]
    database.embeddings.delete_many({"_id": {"$in": gone}})
    return len(rows), len(gone)
