"""The catalogue as pages look into it: search, a track, its neighbours, the newest, the genres."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from pymongo.database import Database

from segue.catalog.tracks import PLAYABLE
from segue.dashboard.queries.items import Item, item_of, list_items, read_items
from segue.dashboard.queries.words import FIELDS, WordIndex, index_tracks
from segue.errors import SegueError
from segue.index.active import ActiveBundle
from segue.index.bundle import Bundle
from segue.index.neighbours import NO_ROW
from segue.models.versions import Models
from segue.moods.measures import Percentiles
from segue.moods.stored import KIND as MOODS
from segue.moods.stored import Moods
from segue.storage.mongo import Document
from segue.storage.store import Store

_LOOK_EVERY = 30.0
_ALIKE = 0.3
"""What has a lower cosine sounds different, however near it is among few tracks."""
_THERE = {"state": PLAYABLE}


@dataclass(frozen=True)
class Near:
    """A track near another one, with the cosine of their vectors."""

    item: Item
    score: float


class Catalogue:
    """Made once a process; safe for use by several threads."""

    def __init__(self, database: Database[Document], *, index_folder: str) -> None:
        self._database = database
        self._active = ActiveBundle(Store(database), folder=index_folder, every=2.0)
        self._moods = Moods(database)
        self._lock = threading.Lock()
        self._words: WordIndex | None = None
        self._state: tuple[object, ...] = ()
        self._looked = float("-inf")
        database.tracks.create_index([("artist", 1), ("album", 1), ("track", 1)])
        database.tracks.create_index("genres")
        database.tracks.create_index([("modified_ns", -1)])

    def search(self, query: str, *, limit: int = 50) -> list[Item]:
        """Tracks whose title, artist, album or genres have the query's words, or nearly, best first."""
        found = self._index().search(query, limit=limit)
        return list_items(self._database, found, source="search")

    def _index(self) -> WordIndex:
        """The words of the catalogue, read again when it has changed."""
        with self._lock:
            if self._words is None or time.monotonic() - self._looked > _LOOK_EVERY:
                self._looked = time.monotonic()
                state = self._now()
                if self._words is None or state != self._state:
                    shown = {field: 1 for field, _ in FIELDS}
                    self._words = index_tracks(list(self._database.tracks.find(_THERE, shown)))
                    self._state = state
            return self._words

    def _now(self) -> tuple[object, ...]:
        newest = self._database.tracks.find_one({}, {"modified_ns": 1}, sort=[("modified_ns", -1)])
        return self._database.tracks.estimated_document_count(), (newest or {}).get("modified_ns")

    def track(self, track_id: str) -> Document | None:
        """A track's document, or None if there is none or its file has gone."""
        return self._database.tracks.find_one({"_id": track_id, **_THERE})

    def neighbours(self, track_id: str, *, limit: int = 12) -> list[Near]:
        """The tracks that sound most alike, as far as they do; none for one that is newer than the index.

        Raises
        ------
        SegueError
            There is no index yet.
        """
        bundle = self._active.current()
        row = int(bundle.rows([track_id])[0])
        if row < 0:
            return []
        rows, scores = bundle.neighbours.query(bundle.vectors[row : row + 1], limit + 1)
        pairs = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        found = [(near, score) for near, score in pairs if near not in (row, NO_ROW) and score >= _ALIKE]
        ids = bundle.ids([near for near, _ in found])
        known = read_items(self._database, ids, source="similar")
        return [Near(known[i], score) for i, (_, score) in zip(ids, found, strict=True) if i in known][:limit]

    @property
    def database(self) -> Database[Document]:
        return self._database

    def bundle(self) -> Bundle:
        """The index in use.

        Raises
        ------
        SegueError
            There is none yet.
        """
        return self._active.current()

    def moods(self, bundle: Bundle) -> Percentiles:
        """(n, 4) by :data:`segue.moods.measures.DIMENSIONS`, for each row of an index."""
        return self._moods.aligned(bundle.track_ids, index=bundle.version)

    def has_moods(self) -> bool:
        """Whether moods have been measured."""
        return Models(Store(self._database)).active_version(MOODS) is not None

    def indexed(self) -> bool:
        """Whether there is an index that neighbours can be had from."""
        try:
            self._active.current()
        except SegueError:
            return False
        return True

    def of_album(self, artist: str, album: str | None) -> list[Item]:
        """An artist's album, in its order; all of the artist's tracks when no album is named."""
        wanted = {"artist": artist, **_THERE, **({"album": album} if album else {})}
        found = self._database.tracks.find(wanted).sort([("album", 1), ("track", 1), ("title", 1)]).limit(200)
        return [item_of(track, source="search") for track in found]

    def newest(self, *, limit: int = 12) -> list[Item]:
        """The tracks whose files are the newest."""
        found = self._database.tracks.find(_THERE).sort("modified_ns", -1).limit(limit)
        return [item_of(track, source="home") for track in found]

    def genres(self, *, limit: int = 40) -> list[str]:
        """The genres with the most tracks."""
        steps: list[Document] = [
            {"$match": _THERE},
            {"$unwind": "$genres"},
            {"$sortByCount": "$genres"},
            {"$limit": limit},
        ]
        return [group["_id"] for group in self._database.tracks.aggregate(steps)]

    def of_genre(self, genre: str, *, limit: int = 60) -> list[Item]:
        """Tracks of a genre, by artist and album."""
        found = self._database.tracks.find({"genres": genre, **_THERE})
        ordered = found.sort([("artist", 1), ("album", 1), ("track", 1)]).limit(limit)
        return [item_of(track, source="search") for track in ordered]
