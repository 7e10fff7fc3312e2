"""Search over tracks, albums and artists that tolerates typos; the indexes of words are in memory.

An index is built in one pass over its collection. A search then reads only the matching documents, by id.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic

from segue.catalog.gathered import Gathered, RecordT
from segue.catalog.part import Part
from segue.catalog.track import TrackSummary
from segue.catalog.tracks import Tracks
from segue.catalog.words import WordIndex, index_texts, index_tracks

_LOOK_EVERY = 30.0


class TrackSearch:
    """Create one per process, since the index of words takes memory; several threads may use it."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._words = _KeptWords(lambda: index_tracks(tracks.searchable()), tracks.revision)

    def search(self, query: str, *, limit: int = 50) -> Part[TrackSummary]:
        """Tracks whose title, artist, album, genres or tags match the query's words, best first."""
        ids = self._words.current().search(query, limit=limit)
        known = self._tracks.summaries(ids)
        return Part((known[track_id] for track_id in ids if track_id in known), total=ids.total)


class GatheredSearch(Generic[RecordT]):
    """A search over albums or artists; as :class:`TrackSearch`, one per process."""

    def __init__(self, owner: Gathered[RecordT, Any], tracks: Tracks) -> None:
        self._owner = owner
        self._words = _KeptWords(
            lambda: index_texts(owner.searchable()), lambda: (owner.count(), tracks.revision()), twice=True
        )

    def search(self, query: str, *, limit: int) -> Part[RecordT]:
        """The documents whose texts match the query's words, best first."""
        ids = self._words.current().search(query, limit=limit)
        return Part(self._owner.several(ids), total=ids.total)


class _KeptWords:
    """An index of words, rebuilt when its collection has changed."""

    def __init__(
        self, build: Callable[[], WordIndex], revision: Callable[[], Hashable], *, twice: bool = False
    ) -> None:
        """With `twice`, it is rebuilt once more at the next look: albums are gathered after their tracks."""
        self._build, self._read_revision, self._twice = build, revision, twice
        self._lock = threading.Lock()
        self._words: WordIndex | None = None
        self._revision: Hashable = None
        self._again = False
        self._looked = float("-inf")

    def current(self) -> WordIndex:
        """The index; it looks for changes at most every 30 s."""
        with self._lock:
            if self._words is None or time.monotonic() - self._looked > _LOOK_EVERY:
                self._looked = time.monotonic()
                revision = self._read_revision()
                changed = self._words is None or revision != self._revision
                if changed or self._again:
                    self._again = changed and self._twice
                    self._words, self._revision = self._build(), revision
            assert self._words is not None
            return self._words
