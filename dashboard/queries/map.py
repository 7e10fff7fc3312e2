"""The library as a map: a point for each track of the index, coloured by its genre."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
from collections import Counter
from dataclasses import dataclass

import numpy as np

from segue.catalog.tracks import Tracks
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.dashboard.queries.items import Item, list_items
from segue.embeddings.projection import PlanarProjection, fit_projection
from segue.index.bundle import Bundle
from segue.taste.tastes import Tastes

GENRES = 10
"""The number of genres with a separate colour."""
OTHER, GONE = GENRES, 255
"""Codes of tracks of another genre or none, and of tracks that have left the library."""
_WHOLE = 32_767


@dataclass(frozen=True)
class DrawnMap:
    """The map of one index version."""

    version: str
    projection: PlanarProjection
    packed: bytes
    """The body for the browser: see :func:`_pack`."""
    tag: str
    """A hash of the body: the map of an index differs between visitors who see different libraries."""


class LibraryMap:
    """Computes the map of each index once for those who see the same libraries.

    It is safe for use by several threads.
    """

    def __init__(self, catalogue: CatalogueReader) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._tracks = Tracks(catalogue.store)
        self._drawn: dict[frozenset[str], DrawnMap] = {}

    def current(self) -> DrawnMap:
        """The map of the published index.

        Raises
        ------
        SegueError
            There is no index yet.
        """
        bundle = self._catalogue.bundle()
        hidden = self._tracks.hidden_libraries()
        with self._lock:
            drawn = self._drawn.get(hidden)
            if drawn is None or drawn.version != bundle.version:
                drawn = self._drawn[hidden] = self._draw(bundle)
            return drawn

    def items(self, version: str, rows: list[int]) -> list[Item] | None:
        """The tracks of points; None if another version is published now."""
        bundle = self._catalogue.bundle()
        if version != bundle.version:
            return None
        ids = bundle.ids([row for row in rows if 0 <= row < len(bundle.vectors)])
        return list_items(self._catalogue.store, ids, source="similar")

    def taste(self, user_id: str) -> tuple[float, float] | None:
        """The coordinates of a listener's taste; None without a taste in the index's space."""
        stored = Tastes(self._catalogue.store).vectors([user_id]).get(user_id)
        bundle = self._catalogue.bundle()
        if stored is None or stored[1] != bundle.space:
            return None
        vector, _ = stored
        if not vector.any() or vector.shape != bundle.vectors[0].shape:
            return None
        x, y = self.current().projection.project(vector[np.newaxis])[0].tolist()
        return x, y

    def place(self, track_id: str) -> int | None:
        """The row of a track in the index; None if it is not indexed."""
        row = int(self._catalogue.bundle().rows([track_id])[0])
        return None if row < 0 else row

    def _draw(self, bundle: Bundle) -> DrawnMap:
        first = self._tracks.first_genres()
        ids = bundle.ids(np.arange(len(bundle.vectors)))
        counts = Counter(first[track_id] for track_id in ids if first.get(track_id))
        names = [name for name, _ in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:GENRES]]
        code = {name: number for number, name in enumerate(names)}
        codes = [code.get(first[i], OTHER) if i in first else GONE for i in ids]
        projection = fit_projection(bundle.vectors)
        points = projection.project(bundle.vectors)
        if bundle.hidden is not None:
            points[bundle.hidden] = 0.0
        packed = _pack(bundle.version, names, points, np.array(codes, dtype=np.uint8))
        tag = hashlib.sha256(packed).hexdigest()[:16]
        return DrawnMap(bundle.version, projection, packed, tag)


def _pack(version: str, genres: list[str], points: np.ndarray, codes: np.ndarray) -> bytes:
    """Length of the header (uint32), header (JSON), x and y of the points (int16), their codes (uint8).

    All numbers are little-endian; spaces pad the header to a multiple of 4 bytes.
    """
    head = json.dumps({"version": version, "genres": genres, "count": len(points)}).encode()
    head += b" " * (-len(head) % 4)
    places = np.round(points * _WHOLE).astype("<i2")
    return struct.pack("<I", len(head)) + head + places.tobytes() + codes.tobytes()
