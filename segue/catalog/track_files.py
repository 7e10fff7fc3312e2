"""The files of tracks: where they are, when they went missing, which disks are away, and the identities.

Delivery: every change is by track id and may be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from segue.catalog.identity import IDENTITY, Identity, identity_of
from segue.catalog.scan import AudioFile
from segue.catalog.spoken import is_spoken
from segue.catalog.stored_paths import readable
from segue.catalog.track import file_key, file_name
from segue.catalog.track_document import ServerSong
from segue.catalog.track_records import MATCHABLE, MatchableTrack, StoredFile, file_of, matchable_of
from segue.catalog.tracks import HERE, OF_FILE, PRESENT, Tracks
from segue.storage.mongo import upsert


class TrackFiles(Tracks):
    """The tracks, for the commands that bring them in line with a folder."""

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
