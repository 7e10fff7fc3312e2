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
    """Counts at most once a minute, since it reads every track; safe for use by several threads."""

    def __init__(self, store: Store) -> None:
        self._tracks = Tracks(store)
        self._lock = threading.Lock()
        self._counted_at = float("-inf")
        self._counted: tuple[list[str], list[str]] = ([], [])

    def genres_and_artists(self) -> tuple[list[str], list[str]]:
        """The most frequent genres, by frequency, and the most frequent artists, by name."""
        with self._lock:
            if time.monotonic() - self._counted_at > _GOOD_FOR:
                artists = sorted(self._tracks.frequent_artists(limit=ARTISTS), key=str.casefold)
                self._counted = (self._tracks.frequent_genres(limit=GENRES), artists)
                self._counted_at = time.monotonic()
            return self._counted
