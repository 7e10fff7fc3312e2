"""Updates `embeddings` to the catalogue: the vector of every track in a space."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.embeddings.corpus import Corpus
from segue.embeddings.space import Space
from segue.embeddings.stored import EmbeddingRecord, Embeddings
from segue.storage.mongo import pack
from segue.storage.store import Store


class Placement(NamedTuple):
    """The changes of `embeddings`."""

    written: list[str]
    """The tracks whose vectors were written."""
    removed: int
    """The number of vectors removed."""


def embed(store: Store, corpus: Corpus, space: Space, *, out_of_sample: bool) -> Placement:
    """Update `embeddings` to the corpus.

    Delivery: by space and track id, so that an interrupted run can be repeated. `out_of_sample` marks the
    written vectors as those of tracks that the space was fitted without.
    """
    embeddings = Embeddings(store)
    stored = embeddings.digests(space.version)
    digests = [_digest(row) for row in corpus.descriptors]
    rows = [
        row
        for row, track_id in enumerate(corpus.track_ids)
        if track_id not in stored or stored[track_id] != digests[row]
    ]
    vectors = space.place([corpus.track_ids[row] for row in rows], corpus.descriptors[rows])
    embeddings.write(
        EmbeddingRecord(
            _id=f"{space.version}:{corpus.track_ids[row]}",
            track_id=corpus.track_ids[row],
            space=space.version,
            vector=pack(vector),
            features=digests[row],
            added=out_of_sample,
        )
        for row, vector in zip(rows, vectors, strict=True)
    )
    gone = set(stored) - set(corpus.track_ids)
    embeddings.remove(gone, space=space.version)
    return Placement([corpus.track_ids[row] for row in rows], len(gone))


def out_of_sample_rows(store: Store, corpus: Corpus, space: Space) -> NDArray[np.intp]:
    """The rows of the corpus that the space was fitted without."""
    out_of_sample = Embeddings(store).out_of_sample(space.version)
    return np.array(
        [row for row, track_id in enumerate(corpus.track_ids) if track_id in out_of_sample], np.intp
    )


def _digest(descriptors: NDArray[np.float32]) -> str:
    """A digest of the descriptors that an embedding was made from."""
    return hashlib.blake2b(pack(descriptors), digest_size=8).hexdigest()
