"""Search over the catalogue that forgives a typo; the index of words is held in memory.

It is read from the catalogue in one pass. A search then asks the catalogue for the shown tracks only, by id.
"""

from __future__ import annotations

import threading
import time

from segue.catalog.track import TrackSummary
from segue.catalog.tracks import Tracks
from segue.catalog.words import WordIndex, index_tracks

_LOOK_EVERY = 30.0


class TrackSearch:
    """Made once a process, since the index of words takes memory; safe for use by several threads."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._lock = threading.Lock()
        self._words: WordIndex | None = None
        self._revision: tuple[int, int | None] | None = None
        self._looked = float("-inf")

    def search(self, query: str, *, limit: int = 50) -> list[TrackSummary]:
        """Tracks whose title, artist, album, genres or tags have the query's words, or nearly, best first."""
        ids = self._index().search(query, limit=limit)
        known = self._tracks.summaries(ids)
        return [known[track_id] for track_id in ids if track_id in known]

    def _index(self) -> WordIndex:
        """The words of the catalogue, read again when it has changed."""
        with self._lock:
            if self._words is None or time.monotonic() - self._looked > _LOOK_EVERY:
                self._looked = time.monotonic()
                revision = self._tracks.revision()
                if self._words is None or revision != self._revision:
                    self._words, self._revision = index_tracks(self._tracks.searchable()), revision
            return self._words
