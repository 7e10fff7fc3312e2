"""Search over tracks, albums and artists that tolerates typos; the indexes of words are in memory.

An index is built in one pass over its collection. A search then reads only the matching documents, by id.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic

from segue.catalog.gathered import GatheredCollection, RecordT
from segue.catalog.part import Part
from segue.catalog.track_records import TrackSummary
from segue.catalog.tracks import Tracks
from segue.catalog.words import WordIndex, index_texts, index_tracks

LONGEST_QUERY = 200
"""Characters."""
_LOOK_EVERY = 30.0


class TrackSearch:
    """Create one per process, since the index of words takes memory; several threads may use it."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._words = CurrentWords(
            lambda: index_tracks(tracks.searchable()), revision=tracks.revision, ids_in=tracks.ids_in
        )

    def search(self, query: str, *, limit: int = 50) -> Part[TrackSummary]:
        """Tracks whose title, artist, album, genres or tags match the query's words, best first."""
        ids = self.ids(query, limit=limit)
        known = self._tracks.summaries(ids)
        return Part((known[track_id] for track_id in ids if track_id in known), total=ids.total)

    def ids(self, query: str, *, limit: int) -> Part[str]:
        """The ids of the tracks that :meth:`search` finds; some may have left since the index was built."""
        return self._words.search(query, limit=limit, hidden=self._tracks.hidden_libraries())


class GatheredSearch(Generic[RecordT]):
    """A search over albums or artists; as :class:`TrackSearch`, one per process."""

    def __init__(self, owner: GatheredCollection[RecordT, Any]) -> None:
        self._owner = owner
        self._words = CurrentWords(
            lambda: index_texts(owner.searchable()), revision=owner.revision, ids_in=owner.ids_in
        )

    def search(self, query: str, *, limit: int) -> Part[RecordT]:
        """The documents whose texts match the query's words, best first."""
        ids = self._words.search(query, limit=limit, hidden=self._owner.hidden_libraries())
        return Part(self._owner.several(ids), total=ids.total)


def matching(query: str, names: Sequence[str]) -> list[int]:
    """The places of the names that match the query's words, best first."""
    index = index_texts((str(place), [(name, 1.0)]) for place, name in enumerate(names))
    return [int(place) for place in index.search(query, limit=len(names))]


class CurrentWords:
    """An index of words that is rebuilt when its collection has changed."""

    def __init__(
        self,
        build: Callable[[], WordIndex],
        *,
        revision: Callable[[], Hashable],
        ids_in: Callable[[list[str]], Iterable[str]],
    ) -> None:
        """`revision` changes with the collection; `ids_in` returns the documents of libraries."""
        self._build, self._read_revision, self._ids_in = build, revision, ids_in
        self._lock = threading.Lock()
        self._words: WordIndex | None = None
        self._revision: Hashable = None
        self._looked = float("-inf")
        self._hidden: dict[frozenset[str], frozenset[str]] = {}

    def search(self, query: str, *, limit: int, hidden: frozenset[str]) -> Part[str]:
        """Ids of the documents that match a query, without those of hidden libraries."""
        words = self._current()
        if not hidden:
            return words.search(query, limit=limit)
        out = self._hidden_ids(hidden)
        every = words.search(query, limit=len(words.ids))
        visible = [own for own in every if own not in out]
        return Part(visible[:limit], total=len(visible))

    def _current(self) -> WordIndex:
        """The index; it looks for changes at most every :data:`_LOOK_EVERY` seconds."""
        with self._lock:
            if self._words is None or time.monotonic() - self._looked > _LOOK_EVERY:
                self._looked = time.monotonic()
                revision = self._read_revision()
                if self._words is None or revision != self._revision:
                    self._words, self._revision = self._build(), revision
                    self._hidden.clear()
            return self._words

    def _hidden_ids(self, libraries: frozenset[str]) -> frozenset[str]:
        """The documents of hidden libraries, read once for each index of words."""
        with self._lock:
            found = self._hidden.get(libraries)
        if found is None:
            found = frozenset(self._ids_in(sorted(libraries)))
            with self._lock:
                self._hidden[libraries] = found
        return found
