"""The tracks of the catalogue: the collection `tracks`.

Delivery: one document per track, written by its id, so that writing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from segue.catalog.part import Part
from segue.catalog.stored_paths import path_to_open, readable
from segue.catalog.track import Track, document_of, file_key, first_genre
from segue.catalog.track_document import TrackDocument
from segue.catalog.track_records import (
    MATCHABLE,
    SHOWN,
    MatchableTrack,
    Recording,
    Searchable,
    TrackSummary,
    file_of,
    matchable_of,
    path_of,
    searchable_of,
    summary_of,
)
from segue.storage.keyset import ALPHABETICAL, Order
from segue.storage.mongo import ASCENDING, DESCENDING, Document, upsert
from segue.storage.record_shapes import record_shape
from segue.storage.shapes import RecordShape
from segue.storage.store import Collection, Index, Job, Policy, Right

_FIELD_OF = {"artist": "counted", "album": "album_id", "genre": "genres"}
PLAYABLE = {"state": {"$nin": ["vanished", "no-audio"]}, "away_since": None}
"""The filter of tracks that listeners may be offered."""
PRESENT = {"state": "present", "away_since": None}
"""The filter of tracks whose file exists."""
HERE = {**PRESENT, "server": None}
"""The filter of those of them whose file is on a disk, not on a connected server."""
_SHAPE = record_shape(TrackDocument).all_optional()
ORDERS = {
    "title": Order([("title", ASCENDING), ("_id", ASCENDING)], ALPHABETICAL),
    "artist": Order(
        [(key, ASCENDING) for key in ("artist", "album", "details.disc", "track", "_id")], ALPHABETICAL
    ),
    "year": Order(
        [("year", DESCENDING), *((key, ASCENDING) for key in ("artist", "album", "track", "_id"))],
        ALPHABETICAL,
    ),
    "added": Order([("added_at", DESCENDING), ("_id", ASCENDING)]),
}
"""The orders of lists of all tracks; an index serves each."""
MOST_OF_ARTIST = 200
"""The number of an artist's tracks that a page shows at first."""


class IndexedTrack(NamedTuple):
    """The fields of a track from which columns of the index are computed."""

    artist: str | None
    title: str | None
    sketch: str | None = None
    """The digest of its sound: two tracks that share it are copies."""
    artists: Sequence[str] = ()
    """Main artists; empty for a track of a release that did not tell them apart."""
    sound: str | None = None
    """Tracks with the same value are copies of one recording, such as an mp3 and a flac file."""


class Tracks(Collection[TrackDocument]):
    """The tracks of all libraries."""

    name = "tracks"
    policy = Policy(
        computed=True,
        access={
            Job.CATALOGUE: Right.WRITE,
            Job.DASHBOARD: Right.READ | Right.INDEX,
            Job.STREAM: Right.READ,
            Job.OPERATOR: Right.READ,
        },
    )
    indexes = (
        Index.on("artist", "album", "track"),
        Index.on("genres"),
        Index.on("album_id"),
        Index.on("album_key"),
        Index.on("counted"),
        Index.on("cover_id"),
        Index.on("file_key"),
        Index.on("sketch"),
        Index.on("details.ids.recording"),
        Index(keys=[("modified_ns", DESCENDING)]),
        Index.on("library", "state"),
        Index.on("state"),
        *(Index(keys=order.keys, alphabet=order.alphabet) for order in ORDERS.values()),
    )

    def shape_of(self, document: Mapping[str, Any]) -> RecordShape:
        # A page shows a track without a usable album: a field that does not fit counts as missing.
        return _SHAPE

    def write(self, tracks: Iterable[Track]) -> None:
        """Store tracks, or replace their documents; the time at which a track was added stays."""
        now = datetime.now(UTC)
        documents = ({**document_of(track), "added_at": now} for track in tracks)
        upsert(self.documents, documents, once=("added_at",))

    # The jobs after ingest read tracks whose files exist.

    def present_ids(self, among: Iterable[str] | None = None) -> set[str]:
        """The tracks whose file exists: of the whole catalogue, or of some tracks."""
        wanted: Document = PRESENT if among is None else {"_id": {"$in": list(among)}, **PRESENT}
        return {track["_id"] for track in self.documents.find(wanted, {"_id": 1}, batch_size=10_000)}

    def artists(self) -> dict[str, str]:
        """The artist of each track that has one, by track id, in any state."""
        documents = self.documents.find({"artist": {"$nin": [None, ""]}}, {"artist": 1}, batch_size=10_000)
        return {track["_id"]: artist for track in documents if (artist := track.get("artist"))}

    def lengths(self, track_ids: Iterable[str]) -> dict[str, int]:
        """The lengths of those tracks that have one, in milliseconds, by id; in any state."""
        documents = self.documents.find({"_id": {"$in": list(track_ids)}}, {"duration_ms": 1})
        return {track["_id"]: length for track in documents if (length := track.get("duration_ms"))}

    def to_index(self, *, shortest: timedelta = timedelta(0)) -> dict[str, IndexedTrack]:
        """All tracks whose file exists, without spoken content and shorter tracks, by track id.

        A track of unknown length counts as long enough.
        """
        fields = {"artist": 1, "title": 1, "sketch": 1, "details.artists": 1}
        too_short = {"duration_ms": {"$gt": 0, "$lt": shortest / timedelta(milliseconds=1)}}
        music = {**PRESENT, "spoken": {"$ne": True}, "$nor": [too_short]}
        return {
            track["_id"]: IndexedTrack(
                track.get("artist"),
                track.get("title"),
                track.get("sketch"),
                (track.get("details") or {}).get("artists") or (),
            )
            for track in self.documents.find(music, fields, batch_size=10_000)
        }

    def durations_and_genres(self) -> dict[str, tuple[int, str | None]]:
        """(milliseconds, first genre) of all tracks whose file exists, by track id in ascending order."""
        documents = self.documents.find(PRESENT, {"duration_ms": 1, "genres": 1}).sort("_id")
        return {
            track["_id"]: (int(track.get("duration_ms") or 0), first_genre(track.get("genres")))
            for track in documents
        }

    def recording(self, track_id: str) -> Recording | None:
        """The recording of a track; None if it has none."""
        fields = {"path": 1, "size": 1, "duration_ms": 1, "cue": 1, "server": 1}
        document = self.documents.find_one(self.visible({"_id": track_id, **PRESENT}), fields)
        path = path_of(document) if document else None
        if document is None or not path or "\0" in path:
            return None
        start, end = file_of(document).span
        server = document.get("server")
        return Recording(
            # Another server names the path of its song: only the suffix is used.
            path=path_to_open(path) if server is None else Path(f"song{PurePosixPath(path).suffix}"),
            size=document.get("size"),
            duration_ms=document.get("duration_ms"),
            start=start,
            end=end,
            server=server,
        )

    # Listeners see playable tracks, without those of libraries that are hidden from them.

    def visible(self, wanted: Document) -> Document:
        """A filter of tracks without those that the present visitor does not see."""
        hidden = self._hidden_libraries()
        return {"$and": [wanted, {"library": {"$nin": sorted(hidden)}}]} if hidden else wanted

    def hidden_libraries(self) -> frozenset[str]:
        """The libraries that the present visitor does not see."""
        return self._hidden_libraries()

    def ids_in(self, libraries: Iterable[str]) -> list[str]:
        """The tracks of libraries, whatever their state."""
        wanted = {"library": {"$in": sorted(libraries)}}
        return [track["_id"] for track in self.documents.find(wanted, {"_id": 1}, batch_size=10_000)]

    def ids_under(self, kind: Literal["artist", "album", "genre"], key: str) -> list[str]:
        """The tracks of an artist (by key), of an album (by id) or of a genre, whatever their state."""
        wanted = {_FIELD_OF[kind]: key}
        return [track["_id"] for track in self.documents.find(wanted, {"_id": 1}, batch_size=10_000)]

    def shows_cover(self, cover_id: str) -> bool:
        """Whether a track that the present visitor sees has a cover; true if no library is hidden."""
        if not self._hidden_libraries():
            return True
        return self.documents.find_one(self.visible({"cover_id": cover_id}), {"_id": 1}) is not None

    def summary(self, track_id: str) -> TrackSummary | None:
        """A track, or None if it is unknown or its file has vanished."""
        return self.summaries([track_id]).get(track_id)

    def summaries(self, track_ids: Iterable[str]) -> dict[str, TrackSummary]:
        """The playable ones among the tracks, by id."""
        return self._summaries({"_id": {"$in": list(dict.fromkeys(track_ids))}, **PLAYABLE})

    def even_gone(self, track_ids: Iterable[str]) -> dict[str, TrackSummary]:
        """The known tracks among these by id, including those whose files have vanished."""
        return self._summaries({"_id": {"$in": list(dict.fromkeys(track_ids))}})

    def named(self, track_ids: Iterable[str]) -> dict[str, TrackSummary]:
        """All of the tracks by id; the title of an unknown track is its id."""
        ids = list(dict.fromkeys(track_ids))
        known = self.even_gone(ids)
        return {own: known.get(own) or TrackSummary(track_id=own, title=own) for own in ids}

    def file_names(self, track_ids: Iterable[str]) -> dict[str, str]:
        """The file names of the tracks without folders, by id; tracks that never had a file are left out."""
        fields = {"path": 1, "server": 1}
        documents = self.documents.find(self.visible({"_id": {"$in": list(set(track_ids))}}), fields)
        return {
            track["_id"]: readable(PurePosixPath(path).name)
            for track in documents
            if (path := path_of(track))
        }

    def matchable(self, track_ids: Iterable[str]) -> list[MatchableTrack]:
        """The facts for matching of the playable ones among the tracks, in the order of their ids."""
        ids = list(dict.fromkeys(track_ids))
        documents = self.documents.find(self.visible({"_id": {"$in": ids}, **PLAYABLE}), MATCHABLE)
        known = {track["_id"]: matchable_of(track) for track in documents}
        return [known[track_id] for track_id in ids if track_id in known]

    def all_matchable(self) -> Iterator[MatchableTrack]:
        """The facts for matching of all playable tracks."""
        for track in self.documents.find(self.visible({**PLAYABLE}), MATCHABLE):
            yield matchable_of(track)

    def with_recordings(self, recordings: Iterable[str]) -> list[MatchableTrack]:
        """The playable tracks with one of these ids of recordings at MusicBrainz."""
        wanted = {"details.ids.recording": {"$in": list(recordings)}}
        found = self.documents.find(self.visible({**wanted, **PLAYABLE}), MATCHABLE)
        return [matchable_of(track) for track in found]

    def with_file_names(self, names: Iterable[str]) -> dict[str, list[MatchableTrack]]:
        """The playable tracks whose files have one of these names, by :func:`file_key`."""
        keys = list({file_key(name) for name in names})
        found: dict[str, list[MatchableTrack]] = {}
        wanted = self.visible({"file_key": {"$in": keys}, **PLAYABLE})
        for track in self.documents.find(wanted, {**MATCHABLE, "file_key": 1}):
            found.setdefault(track["file_key"] or "", []).append(matchable_of(track))
        return found

    def known_ids(self, track_ids: Iterable[str]) -> set[str]:
        """The known tracks among these, in any state."""
        documents = self.documents.find(self.visible({"_id": {"$in": list(track_ids)}}), {"_id": 1})
        return {track["_id"] for track in documents}

    def count_playable(self) -> int:
        """The number of playable tracks."""
        return self.documents.count_documents(self.visible(PLAYABLE))

    def of_album(self, artist: str, album: str | None, *, limit: int = MOST_OF_ARTIST) -> Part[TrackSummary]:
        """The tracks of an artist's album in album order; all of the artist's tracks without an album."""
        wanted = {"artist": artist, **PLAYABLE, **({"album": album} if album else {})}
        order = ("album", "details.disc", "details.side", "track", "title")
        return self._part(wanted, order=order, limit=limit)

    def of_genre(self, genre: str, *, limit: int) -> Part[TrackSummary]:
        """Tracks of a genre, ordered by artist and album."""
        return self._part({"genres": genre, **PLAYABLE}, order=("artist", "album", "track"), limit=limit)

    def _part(self, wanted: Document, *, order: Sequence[str], limit: int) -> Part[TrackSummary]:
        wanted = self.visible(wanted)
        documents = self.documents.find(wanted, SHOWN).sort([(name, ASCENDING) for name in order])
        tracks = [summary_of(track) for track in documents.limit(limit)]
        whole = len(tracks) < limit
        return Part(tracks, total=None if whole else self.documents.count_documents(wanted))

    def newest(self, *, limit: int) -> list[TrackSummary]:
        """The tracks with the newest files, newest first."""
        documents = self.documents.find(self.visible(PLAYABLE), SHOWN)
        documents = documents.sort("modified_ns", DESCENDING).limit(limit)
        return [summary_of(track) for track in documents]

    def oldest_first(self) -> Iterator[TrackSummary]:
        """All tracks, oldest file first."""
        for track in self.documents.find(self.visible(PLAYABLE), SHOWN).sort("modified_ns", ASCENDING):
            yield summary_of(track)

    def frequent_genres(self, *, limit: int) -> list[str]:
        """The genres with the most tracks."""
        return self._most_frequent("genres", limit)

    def genre_counts(self) -> list[tuple[str, int]]:
        """(genre, number of tracks), the most frequent first."""
        steps: list[Document] = [
            {"$match": self.visible(PLAYABLE)},
            {"$unwind": "$genres"},
            {"$match": {"genres": {"$type": "string", "$ne": ""}}},
            {"$group": {"_id": "$genres", "tracks": {"$sum": 1}}},
            {"$sort": {"tracks": -1, "_id": 1}},
        ]
        return [(str(group["_id"]), int(group["tracks"])) for group in self.aggregate(steps)]

    def frequent_artists(self, *, limit: int) -> list[str]:
        """The artists with the most tracks."""
        return self._most_frequent("artist", limit)

    def first_genres(self) -> dict[str, str]:
        """The first genre of each track by id; empty for a track without a genre."""
        documents = self.documents.find(self.visible(PLAYABLE), {"genres": 1}, batch_size=10_000)
        return {track["_id"]: first_genre(track.get("genres")) or "" for track in documents}

    def some_of_genre(self, genre: str, *, limit: int) -> dict[str, str]:
        """The artists of some tracks of a genre, by track id in ascending order."""
        return self._some({"genres": genre}, limit)

    def some_of_artist(self, artist: str, *, limit: int) -> dict[str, str]:
        """The artists of some tracks of an artist, by track id in ascending order."""
        return self._some({"artist": artist}, limit)

    def artist_and_genre(self, track_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
        """(artist, first genre) of the known tracks among these, by id; empty strings for missing fields."""
        documents = self.documents.find({"_id": {"$in": list(track_ids)}}, {"artist": 1, "genres": 1})
        return {t["_id"]: (t.get("artist") or "", first_genre(t.get("genres")) or "") for t in documents}

    # The search.

    def searchable(self) -> list[Searchable]:
        """The texts of all playable tracks."""
        fields = {"title": 1, "artist": 1, "album": 1, "genres": 1, "tags": 1, "fma.tags": 1}
        return [searchable_of(track) for track in self.documents.find(PLAYABLE, fields)]

    def revision(self) -> tuple[int, int | None]:
        """A value that changes with the catalogue: the number of tracks, and the time of the newest file."""
        dated = {"modified_ns": {"$type": "number"}}
        newest = self.documents.find_one(dated, {"modified_ns": 1}, sort=[("modified_ns", DESCENDING)])
        return self.documents.estimated_document_count(), newest.get("modified_ns") if newest else None

    def _summaries(self, wanted: Document) -> dict[str, TrackSummary]:
        return {track["_id"]: summary_of(track) for track in self.documents.find(self.visible(wanted), SHOWN)}

    def _most_frequent(self, field: str, limit: int) -> list[str]:
        steps: list[Document] = [
            {"$match": self.visible(PLAYABLE)},
            {"$unwind": f"${field}"},
            {"$match": {field: {"$type": "string", "$ne": ""}}},
            {"$group": {"_id": f"${field}", "count": {"$sum": 1}}},
            {"$sort": {"count": DESCENDING, "_id": ASCENDING}},  # the same order every time
            {"$limit": limit},
        ]
        return [str(group["_id"]) for group in self.documents.aggregate(steps)]

    def _some(self, wanted: Document, limit: int) -> dict[str, str]:
        documents = self.documents.find(self.visible({**wanted, **PLAYABLE}), {"artist": 1}).limit(limit)
        return {
            track["_id"]: track.get("artist") or ""
            for track in sorted(documents, key=lambda document: document["_id"])
        }
