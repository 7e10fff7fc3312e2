"""The files of tracks: where they are, when they went missing, which disks are away, and the identities.

Delivery: every change is by track id and may be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from segue.catalog.grouping import album_key
from segue.catalog.identity import IDENTITY, Identity, identity_of
from segue.catalog.scan import AudioFile
from segue.catalog.spoken import is_spoken
from segue.catalog.stored_paths import readable
from segue.catalog.track import Track, document_of, file_key, file_name
from segue.catalog.track_document import ServerSong
from segue.catalog.track_records import MATCHABLE, OF_FILE, MatchableTrack, StoredFile, file_of, matchable_of
from segue.catalog.tracks import HERE, PRESENT, Tracks
from segue.storage.mongo import Document, upsert, upsert_new


class TrackFiles(Tracks):
    """The tracks, for the commands that bring them in line with a folder."""

    def add(self, tracks: Iterable[Track]) -> None:
        """Store tracks that are probably new, which takes half the time of :meth:`write`.

        They also get the keys of :meth:`segue.catalog.grouped_tracks.GroupedTracks.note`. A track that was
        stored before keeps its keys: they name the album and the artists that counted it.
        """
        now = datetime.now(UTC)
        documents = []
        for track in tracks:
            document = document_of(track)
            keys = {"album_key": album_key(track.album), "counted": document.get("artist_keys", [])}
            documents.append({**document, **keys, "added_at": now})
        upsert_new(self.documents, documents, once=("added_at", "album_key", "counted"))

    def date_old_tracks(self, library: str) -> None:
        """Give tracks of releases before 0.2 the time of their file as the time at which they were added."""
        dated: list[Document] = [
            {"$set": {"added_at": {"$toDate": {"$toLong": {"$divide": ["$modified_ns", 1_000_000]}}}}}
        ]
        undated = {"library": library, "added_at": None, "modified_ns": {"$type": "long"}}
        self.documents.update_many(undated, dated)

    def mark_vanished(self, track_ids: Iterable[str]) -> None:
        """Mark tracks whose files have vanished: they stay stored but are not offered any more."""
        self.documents.update_many(
            {"_id": {"$in": list(track_ids)}, "state": {"$ne": "vanished"}},
            {"$set": {"state": "vanished", "missing_since": datetime.now(UTC)}, "$unset": {"away_since": ""}},
        )

    def checked_files(self, library: str) -> dict[str, StoredFile]:
        """All tracks of a library with their files, by track id, after a check of every field.

        Fields that do not fit are removed, with the stamp of the file: a file without one is read again.
        """
        files: dict[str, StoredFile] = {}
        for track in self._plain.find({"library": library}, batch_size=5000):
            fits: Mapping[str, Any] = self.documents.checked(track) or {}
            files[track["_id"]] = file_of(track if fits is track else self._without_damage(track, fits))
        return files

    def _without_damage(self, track: Document, fits: Mapping[str, Any]) -> Document:
        """Remove the fields that do not fit, and the stamp; returns the rest of the document."""
        wrong = [name for name, value in track.items() if name not in fits or fits[name] is not value]
        removed = [*wrong, "size", "modified_ns"] if wrong else []
        if removed:
            self._plain.update_one({"_id": track["_id"]}, {"$unset": dict.fromkeys(removed, "")})
        return {name: value for name, value in track.items() if name not in removed}

    def files_of(self, library: str) -> dict[str, StoredFile]:
        """All tracks of a library with their files, by track id."""
        documents = self.documents.find({"library": library}, OF_FILE)
        return {track["_id"]: file_of(track) for track in documents}

    def has_files(self, library: str) -> bool:
        """Whether a library has tracks, in any state, that are not on a connected server."""
        return self.documents.find_one({"library": library, "server": None}, {"_id": 1}) is not None

    def count_present(self, library: str) -> int:
        """The number of a library's tracks whose file exists."""
        return self.documents.count_documents({"library": library, **PRESENT})

    def present_files(self) -> Iterator[StoredFile]:
        """The files of all tracks that have one on a disk, ordered by track id."""
        for track in self.documents.find(HERE, OF_FILE).sort("_id"):
            yield file_of(track)

    def move(self, files: Mapping[str, tuple[str, AudioFile]]) -> None:
        """Change the places and files of tracks whose contents are the same: (place, file) by track id."""
        fields = {"library": 1, "genres": 1, "duration_ms": 1}
        known = {track["_id"]: track for track in self.documents.find({"_id": {"$in": list(files)}}, fields)}
        upsert(
            self.documents,
            (
                {
                    "_id": track_id,
                    "place": place,
                    "path": file.path,
                    "file_key": None if file.cue else file_key(file_name(readable(file.path))),
                    "inode": file.inode,
                    "device": file.device,
                    "changed_ns": file.changed_ns,
                    "spoken": is_spoken(
                        file.within,
                        library=known[track_id]["library"],
                        genres=known[track_id].get("genres") or (),
                        duration_ms=known[track_id].get("duration_ms"),
                    ),
                }
                for track_id, (place, file) in files.items()
                if track_id in known
            ),
        )

    def bring_back(self, track_ids: Iterable[str]) -> None:
        """Mark tracks as present whose files were missing, or on a disk that was away."""
        wanted = {"_id": {"$in": list(track_ids)}}
        gone = {"$unset": {"missing_since": "", "away_since": ""}, "$set": {"state": "present"}}
        self.documents.update_many(wanted, gone)

    def bring_back_missing(self, track_ids: Iterable[str]) -> None:
        """As :meth:`bring_back`, for those of the tracks that are not present."""
        wanted = {"_id": {"$in": list(track_ids)}}
        absent = {"$or": [{"state": "vanished"}, {"away_since": {"$ne": None}}]}
        found = self.documents.find({"$and": [wanted, absent]}, {"_id": 1})
        self.bring_back([track["_id"] for track in found])

    def present_or_away(self, track_ids: Collection[str]) -> set[str]:
        """Those of the tracks that have a file, even if its disk is away."""
        wanted = {"_id": {"$in": list(track_ids)}, "state": "present"}
        return {track["_id"] for track in self.documents.find(wanted, {"_id": 1}, batch_size=10_000)}

    def stored_files(self, track_ids: Iterable[str]) -> dict[str, StoredFile]:
        """The files of the known ones among the tracks, by id."""
        found = self.documents.find({"_id": {"$in": list(track_ids)}}, OF_FILE)
        return {track["_id"]: file_of(track) for track in found}

    def former(self, library: str) -> list[MatchableTrack]:
        """The tracks of a connected server, in any state."""
        found = self.documents.find({"library": library, "server": {"$ne": None}}, MATCHABLE)
        return [matchable_of(track) for track in found]

    def besides(self, library: str) -> list[MatchableTrack]:
        """The present tracks on disks, without those of a library."""
        found = self.documents.find({"library": {"$ne": library}, **HERE}, MATCHABLE)
        return [matchable_of(track) for track in found]

    def on_any_server(self) -> list[MatchableTrack]:
        """The tracks on connected servers, even if these are away."""
        found = self.documents.find({"state": "present", "server": {"$ne": None}}, MATCHABLE)
        return [matchable_of(track) for track in found]

    def ids_on_server(self, library: str) -> set[str]:
        """The tracks of a connected server, in any state."""
        wanted = {"library": library, "server": {"$ne": None}}
        return {track["_id"] for track in self.documents.find(wanted, {"_id": 1}, batch_size=10_000)}

    def leave_servers(self, track_ids: Iterable[str]) -> None:
        """Note that tracks have files on a disk now, and are no longer played from connected servers."""
        if ids := list(track_ids):
            self.documents.update_many({"_id": {"$in": ids}}, {"$unset": {"server": ""}})

    def on_servers(self) -> list[tuple[StoredFile, ServerSong]]:
        """The present tracks on connected servers, ordered by track id, with their songs there."""
        wanted = {**PRESENT, "server": {"$ne": None}}
        found = self.documents.find(wanted, {**OF_FILE, "server": 1}).sort("_id")
        return [(file_of(track), track["server"]) for track in found if "server" in track]

    def set_length(self, track_id: str, duration_ms: int) -> None:
        """Store the measured length of a track on a connected server; its album follows."""
        changed = {"_id": track_id, "duration_ms": {"$ne": duration_ms}}
        self.documents.update_one(changed, {"$set": {"duration_ms": duration_ms, "grouped": 0}})

    def mark_away(self, track_ids: Iterable[str]) -> None:
        """Mark tracks whose disks are away: not offered and not playable, but not missing either."""
        wanted = {"_id": {"$in": list(track_ids)}, "state": "present", "away_since": None}
        self.documents.update_many(wanted, {"$set": {"away_since": datetime.now(UTC)}})

    def date_missing(self, library: str) -> None:
        """Date the vanished tracks of releases that stored no date: from now on."""
        undated = {"library": library, "state": "vanished", "missing_since": None}
        self.documents.update_many(undated, {"$set": {"missing_since": datetime.now(UTC)}})

    def identities(self, track_ids: Collection[str]) -> list[Identity]:
        """The facts by which the tracks are recognised."""
        documents = self.documents.find({"_id": {"$in": list(track_ids)}}, IDENTITY)
        return [identity_of(track) for track in documents]

    def with_sketches(self, sketches: Iterable[str], *, besides: str) -> list[StoredFile]:
        """The tracks of all libraries but one whose sound has these digests, in any state."""
        wanted = {"sketch": {"$in": sorted(sketches)}, "library": {"$ne": besides}}
        return [file_of(track) for track in self.documents.find(wanted, OF_FILE).sort("_id")]

    def keeping_features(self, *, missing_after: datetime) -> set[str]:
        """The tracks whose features are kept: with a file, on a disk that is away, or missing since a date.

        Those that vanished before there was a date are kept until the next ingest dates them.
        """
        wanted = {
            "$or": [
                {"state": "present"},
                {"state": "vanished", "missing_since": None},
                {"state": "vanished", "missing_since": {"$gte": missing_after}},
            ]
        }
        return {track["_id"] for track in self.documents.find(wanted, {"_id": 1}, batch_size=10_000)}

    def missing_before(self, date: datetime) -> dict[str, str]:
        """The titles of tracks whose files have been missing since before a date, by id."""
        wanted = {"state": "vanished", "missing_since": {"$lt": date}}
        return {track["_id"]: track.get("title") or "" for track in self.documents.find(wanted, {"title": 1})}

    def remove(self, track_ids: Iterable[str], *, before: datetime) -> int:
        """Remove tracks that have been missing since before a date; returns their number."""
        wanted = {"_id": {"$in": list(track_ids)}, "state": "vanished", "missing_since": {"$lt": before}}
        return self.documents.delete_many(wanted).deleted_count
