"""The genres and artists with the most tracks, offered to new listeners."""

from __future__ import annotations

import threading
import time

from segue.catalog.tracks import Tracks
from segue.storage.store import Store

GENRES = 24
ARTISTS = 500
_GOOD_FOR = 60.0


class StartingOptions:
    """Counts at most once a minute for those who see the same libraries, since it reads every track.

    It is safe for use by several threads.
    """

    def __init__(self, store: Store) -> None:
        self._tracks = Tracks(store)
        self._lock = threading.Lock()
        self._counted: dict[frozenset[str], tuple[float, list[str], list[str]]] = {}

    def genres_and_artists(self) -> tuple[list[str], list[str]]:
        """The most frequent genres, by frequency, and the most frequent artists, by name."""
        hidden = self._tracks.hidden_libraries()
        with self._lock:
            at, genres, artists = self._counted.get(hidden, (float("-inf"), [], []))
            if time.monotonic() - at > _GOOD_FOR:
                artists = sorted(self._tracks.frequent_artists(limit=ARTISTS), key=str.casefold)
                genres = self._tracks.frequent_genres(limit=GENRES)
                self._counted[hidden] = time.monotonic(), genres, artists
            return genres, artists
