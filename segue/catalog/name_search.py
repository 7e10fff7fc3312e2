"""Search over the names of artists and albums that tolerates typos; the indexes of words are in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from segue.catalog.albums import Album, Albums
from segue.catalog.artists import Artist, Artists
from segue.catalog.track import Searchable
from segue.catalog.words import WordIndex, index_tracks

LONGEST_QUERY = 200
"""Characters."""
_LOOK_EVERY, _READ_EVERY = 30.0, 600.0
"""Seconds until the collections are counted again, and until they are read again, for names that changed."""
_HIDDEN = 20
"""For so many times the wanted number of names, those in hidden libraries are left out."""


class NameSearch:
    """Create one per process, since the indexes of words take memory; several threads may use it."""

    def __init__(self, artists: Artists, albums: Albums) -> None:
        self._artists, self._albums = artists, albums
        self._lock = threading.Lock()
        self._words: tuple[WordIndex, WordIndex] | None = None
        self._counts: tuple[int, int] | None = None
        self._looked = self._read = float("-inf")

    def artists(self, query: str, *, limit: int) -> list[Artist]:
        """The artists whose names match the query's words, best first."""
        keys = self._index()[0].search(query, limit=_HIDDEN * limit)
        known = self._artists.several(keys)
        return [known[key] for key in keys if key in known][:limit]

    def albums(self, query: str, *, limit: int) -> list[Album]:
        """The albums whose names and artists match the query's words, best first."""
        ids = self._index()[1].search(query, limit=_HIDDEN * limit)
        known = self._albums.visible_ones(ids)
        return [known[album_id] for album_id in ids if album_id in known][:limit]

    def _index(self) -> tuple[WordIndex, WordIndex]:
        """The words of artists and of albums, read again when the collections have changed."""
        with self._lock:
            now = time.monotonic()
            if self._words is None or now - self._looked > _LOOK_EVERY:
                self._looked = now
                counts = self._artists.count(), self._albums.count()
                if self._words is None or counts != self._counts or now - self._read > _READ_EVERY:
                    artists, albums = self._artists.searchable(), self._albums.searchable()
                    self._words = index_tracks(artists), index_tracks(albums)
                    self._counts, self._read = counts, now
            return self._words


def matching(query: str, names: Sequence[str]) -> list[int]:
    """The places of the names that match the query's words, best first."""
    found = index_tracks([Searchable(track_id=str(place), title=name) for place, name in enumerate(names)])
    return [int(place) for place in found.search(query, limit=len(names))]
