"""Search over the catalogue that tolerates typos; the index of words is in memory.

The index is built in one pass over the catalogue. A search then reads only the matching tracks, by id.
"""

from __future__ import annotations

import threading
import time

from segue.catalog.part import Part
from segue.catalog.track import TrackSummary
from segue.catalog.tracks import Tracks
from segue.catalog.words import WordIndex, index_tracks

_LOOK_EVERY = 30.0


class TrackSearch:
    """Create one per process, since the index of words takes memory; several threads may use it."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._lock = threading.Lock()
        self._words: WordIndex | None = None
        self._revision: tuple[int, int | None] | None = None
        self._looked = float("-inf")
        self._hidden: dict[frozenset[str], frozenset[str]] = {}

    def search(self, query: str, *, limit: int = 50) -> Part[TrackSummary]:
        """Tracks whose title, artist, album, genres or tags match the query's words, best first."""
        words, hidden = self._index(), self._tracks.hidden_libraries()
        if hidden:
            out = self._hidden_ids(hidden)
            every = words.search(query, limit=len(words.track_ids))
            visible = [track_id for track_id in every if track_id not in out]
            ids = Part(visible[:limit], total=len(visible))
        else:
            ids = words.search(query, limit=limit)
        known = self._tracks.summaries(ids)
        return Part((known[track_id] for track_id in ids if track_id in known), total=ids.total)

    def _index(self) -> WordIndex:
        """The index of words, rebuilt when the catalogue has changed."""
        with self._lock:
            if self._words is None or time.monotonic() - self._looked > _LOOK_EVERY:
                self._looked = time.monotonic()
                revision = self._tracks.revision()
                if self._words is None or revision != self._revision:
                    self._words, self._revision = index_tracks(self._tracks.searchable()), revision
                    self._hidden.clear()
            return self._words

    def _hidden_ids(self, libraries: frozenset[str]) -> frozenset[str]:
        """The tracks of hidden libraries, read once for each index of words."""
        with self._lock:
            found = self._hidden.get(libraries)
        if found is None:
            found = frozenset(self._tracks.ids_in(libraries))
            with self._lock:
                self._hidden[libraries] = found
        return found
