"""The genres and artists with the most tracks, for those who want to choose what to begin with."""

from __future__ import annotations

import threading
import time

from pymongo.database import Database

from segue.catalog.tracks import PLAYABLE
from segue.storage.mongo import Document

GENRES = 24
ARTISTS = 500
_GOOD_FOR = 60.0


class Often:
    """Counts once a minute at most, since it looks at every track; safe for use by several threads."""

    def __init__(self, database: Database[Document]) -> None:
        self._tracks = database.tracks
        self._lock = threading.Lock()
        self._counted_at = float("-inf")
        self._found: tuple[list[str], list[str]] = ([], [])

    def genres_and_artists(self) -> tuple[list[str], list[str]]:
        """The genres, the most frequent first; the most frequent artists, by name."""
        with self._lock:
            if time.monotonic() - self._counted_at > _GOOD_FOR:
                artists = sorted(self._most("artist", ARTISTS), key=str.casefold)
                self._found = (self._most("genres", GENRES), artists)
                self._counted_at = time.monotonic()
            return self._found

    def _most(self, field: str, limit: int) -> list[str]:
        steps: list[Document] = [
            {"$match": {"state": PLAYABLE}},
            {"$unwind": f"${field}"},
            {"$match": {field: {"$nin": [None, ""]}}},
            {"$sortByCount": f"${field}"},
            {"$limit": limit},
        ]
        return [group["_id"] for group in self._tracks.aggregate(steps)]
