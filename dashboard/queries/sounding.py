"""Similarity of sound: the radio of a song, tracks similar to a file, and the reasons for a similarity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segue.audio.decode import check_readable
from segue.audio.errors import AudioError
from segue.audio.length import length_of
from segue.audio.similarity import SoundSimilarity, compare
from segue.catalog.features import Features
from segue.dashboard.queries.catalogue import CatalogueReader, SimilarTrack
from segue.dashboard.queries.items import Item, list_items, read_items
from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.files import embed_file
from segue.embeddings.registry import load_space
from segue.embeddings.space import SpaceError
from segue.errors import SegueError
from segue.index.neighbours import NO_ROW
from segue.ranking.radio import tune
from segue.settings import Settings
from segue.storage.store import Store

LONGEST = 30 * 60.0
"""Seconds; the longest file that is compared with the library."""
LARGEST_FILE = 100 * 1024 * 1024
"""Bytes; the largest such file."""


class TooLong(AudioError):
    """A recording longer than :data:`LONGEST`."""

    def __init__(self, *, seconds: float) -> None:
        super().__init__("too-long", f"{seconds / 60:.0f} min; the limit is {LONGEST / 60:.0f} min")


class UnknownTrack(SegueError):
    """A track that is not in the index."""


def radio(
    catalogue: CatalogueReader,
    settings: Settings,
    *,
    seed: str,
    after: Sequence[str],
    avoid: Sequence[str],
    items: int,
) -> list[Item]:
    """The next tracks of a radio that started with `seed` and has played `after` (oldest first).

    Raises
    ------
    UnknownTrack
        The index has no such track.
    SegueError
        There is no index yet.
    """
    bundle = catalogue.bundle()
    row = int(bundle.rows([seed])[0])
    if row < 0:
        raise UnknownTrack(f"track {seed[:64]} is not in the index")
    played = [row for row in bundle.rows(list(after)).tolist() if row >= 0]
    disliked = frozenset(bundle.rows(list(avoid)).tolist())
    # Twice as many: some may have left the library since the index was built.
    rows = tune(row, played=played, bundle=bundle, ranking=settings.ranking, avoid=disliked, items=2 * items)
    ids = bundle.ids(rows)
    return list_items(catalogue.store, ids, source="radio")[:items]


def similar_to_file(
    catalogue: CatalogueReader, settings: Settings, path: Path | str, *, limit: int = 20
) -> list[SimilarTrack]:
    """The tracks most similar to a file, which is decoded and embedded like the library.

    Raises
    ------
    AudioError
        The file is unreadable, silent, too short or too long: see `reason`.
    SegueError
        There is no index or audio space, or they were built with other settings.
    """
    bundle = catalogue.bundle()
    space = load_space(catalogue.store, bundle.space)
    check_readable(Path(path))
    seconds = length_of(Path(path))
    if seconds is not None and seconds > LONGEST:
        raise TooLong(seconds=seconds)
    vector = embed_file(path, space, settings)
    rows, scores = bundle.neighbours.query(vector[np.newaxis], limit)
    pairs = [
        (row, score) for row, score in zip(rows[0].tolist(), scores[0].tolist(), strict=True) if row != NO_ROW
    ]
    ids = bundle.ids([row for row, _ in pairs])
    known = read_items(catalogue.store, ids, source="similar")
    return [SimilarTrack(known[i], score) for i, (_, score) in zip(ids, pairs, strict=True) if i in known]


def reasons(store: Store, track_id: str, others: Sequence[str]) -> dict[str, SoundSimilarity]:
    """The reasons for the similarity of each of `others` to a track, where both have features.

    Descriptors are compared in the units of the audio space in use.
    """
    try:
        space = AudioSpace.load(store)
    except SpaceError:
        return {}
    descriptors = Features(store).read([track_id, *others], version=space.features_version)
    own = descriptors.pop(track_id, None)
    if own is None:
        return {}
    return {
        other: compare(own, vector, names=space.names, scale=space.scale)
        for other, vector in descriptors.items()
        if len(vector) == len(own) == len(space.names)
    }
