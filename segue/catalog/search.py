"""Search over tracks, albums and artists that tolerates typos; the indexes of words are in memory.

An index is built in one pass over its collection. A search then reads only the matching documents, by id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from segue.catalog.gathered import GatheredCollection, RecordT
from segue.catalog.part import Part
from segue.catalog.track_records import TrackSummary
from segue.catalog.tracks import Tracks
from segue.catalog.words import WordIndex, index_texts, index_tracks
from segue.errors import SegueError, line_of
from segue.storage.mongo import PyMongoError

log = logging.getLogger(__name__)

LONGEST_QUERY = 200
"""Characters."""
_LOOK_EVERY = 30.0
_MOMENT = 1.0
"""How long searches wait for a new index before they use the former one, in seconds."""


class TrackSearch:
    """Create one per process, since the index of words takes memory; several threads may use it."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._words = CurrentWords(
            lambda: index_tracks(tracks.searchable()), revision=tracks.revision, ids_in=tracks.ids_in
        )

    def prepare(self) -> None:
        """Build the index of words, if that has not been done yet."""
        self._words.prepare()

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

    def prepare(self) -> None:
        """As :meth:`TrackSearch.prepare`."""
        self._words.prepare()

    def search(self, query: str, *, limit: int) -> Part[RecordT]:
        """The documents whose texts match the query's words, best first."""
        ids = self._words.search(query, limit=limit, hidden=self._owner.hidden_libraries())
        return Part(self._owner.several(ids), total=ids.total)


def matching(query: str, names: Sequence[str]) -> list[int]:
    """The places of the names that match the query's words, best first."""
    index = index_texts((str(place), [(name, 1.0)]) for place, name in enumerate(names))
    return [int(place) for place in index.search(query, limit=len(names))]


@dataclass(frozen=True)
class _Built:
    """An index of words, and the documents of hidden libraries among its own."""

    words: WordIndex
    revision: Hashable
    hidden: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)


class CurrentWords:
    """An index of words that is rebuilt when its collection has changed.

    Building takes seconds for a hundred thousand documents. Only the first searches wait for it. Later ones
    wait for a moment, which is enough for a small collection, and then get the former index.
    """

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
        self._built: _Built | None = None
        self._rebuilding: _Rebuilding | None = None
        self._looked = float("-inf")

    def search(self, query: str, *, limit: int, hidden: frozenset[str]) -> Part[str]:
        """Ids of the documents that match a query, without those of hidden libraries."""
        built = self._current()
        if not hidden:
            return built.words.search(query, limit=limit)
        # Read after the index was built, and kept with it: by then its documents are in their libraries.
        if (out := built.hidden.get(hidden)) is None:
            out = built.hidden[hidden] = frozenset(self._ids_in(sorted(hidden)))
        every = built.words.search(query, limit=len(built.words.ids))
        visible = [own for own in every if own not in out]
        return Part(visible[:limit], total=len(visible))

    def prepare(self) -> None:
        """Build the index, if that has not been done yet. The first search looks for changes since then."""
        with self._lock:
            self._first()

    def _first(self) -> _Built:
        if self._built is None:
            revision = self._read_revision()  # first, so that a change during the build is seen afterwards
            self._built = _Built(self._build(), revision)
        return self._built

    def _current(self) -> _Built:
        """The index; it looks for changes at most every :data:`_LOOK_EVERY` seconds."""
        with self._lock:
            built = self._first()
            if not self._is_rebuilding() and time.monotonic() - self._looked > _LOOK_EVERY:
                self._looked = time.monotonic()
                if (revision := self._read_revision()) != built.revision:
                    self._rebuilding = _Rebuilding(lambda: self._rebuild(revision))
            rebuilding = self._rebuilding
        if rebuilding is not None:
            rebuilding.wait()
        return self._built or built

    def _rebuild(self, revision: Hashable) -> None:
        try:
            self._built = _Built(self._build(), revision)
        except (PyMongoError, SegueError) as error:
            log.warning("the search keeps its former words: %s", line_of(error))

    def _is_rebuilding(self) -> bool:
        return self._rebuilding is not None and self._rebuilding.thread.is_alive()


class _Rebuilding:
    """A thread that builds an index; those who want it wait until the end of its first moment."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._until = time.monotonic() + _MOMENT
        self.thread = threading.Thread(target=work, name="words", daemon=True)
        self.thread.start()

    def wait(self) -> None:
        """Wait for the new index, until the moment is over."""
        self.thread.join(max(0.0, self._until - time.monotonic()))
