"""The catalogue's descriptors, and which of them have their place in a space already."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from segue.audio.descriptors import features_version
from segue.embeddings.audio_space import AudioSpace
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.mongo import Document, pack


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The descriptors of the tracks that are there, in the order of their ids."""

    track_ids: list[str]
    descriptors: NDArray[np.float32]
    """Shape (n, d)."""


def read_corpus(database: Database[Document], settings: Settings) -> Corpus:
    """The features of the current version of all tracks that are there."""
    present = {track["_id"] for track in database.tracks.find({"state": "present"}, {"_id": 1})}
    query = {"version": features_version(settings.audio)}
    found = [
        (document["_id"], document["vector"])
        for document in database.features.find(query, {"vector": 1}).sort("_id")
        if document["_id"] in present
    ]
    if not found:
        raise SegueError("no track has features: run ./run.sh ingest DIR and ./run.sh features first")
    descriptors = np.frombuffer(b"".join(vector for _, vector in found), "<f4").reshape(len(found), -1)
    return Corpus(track_ids=[track_id for track_id, _ in found], descriptors=descriptors)


def embedding_document(
    space: AudioSpace, corpus: Corpus, row: int, vector: NDArray[np.float32], *, added: bool
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


def added_since(database: Database[Document], corpus: Corpus, space: AudioSpace) -> NDArray[np.intp]:
    """The rows of the corpus that the space was not fitted on."""
    stored = database.embeddings.find({"space": space.version, "added": True}, {"track_id": 1, "_id": 0})
    added = {document["track_id"] for document in stored}
    rows = [row for row, track_id in enumerate(corpus.track_ids) if track_id in added]
    return np.array(rows, dtype=np.intp)


def not_embedded(database: Database[Document], corpus: Corpus, space: AudioSpace) -> NDArray[np.intp]:
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
