"""The files of tracks: where they are, when they went missing, which disks are away, and the identities.

Delivery: every change is by track id and may be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict

from segue.catalog.identity import IDENTITY, Identity, identity_of
from segue.catalog.scan import AudioFile
from segue.catalog.stored_paths import readable
from segue.catalog.track import file_key, file_name
from segue.catalog.tracks import PLAYABLE, Tracks
from segue.storage.mongo import ASCENDING, Document, upsert


class Duplicate(TypedDict):
    """A track among those with the same sound."""

    track_id: str
    artist: str
    title: str
    path: str | None


_SAME_SOUND: list[Document] = [
    {"$match": {"sketch": {"$type": "string"}, **PLAYABLE}},
    {"$group": {"_id": "$sketch", "count": {"$sum": 1}}},
    {"$match": {"count": {"$gt": 1}}},
]


class TrackFiles(Tracks):
    """The tracks, for the commands that bring them in line with a folder."""

    def move(self, files: Mapping[str, tuple[str, AudioFile]]) -> None:
        """Change the places and files of tracks whose contents are the same: (place, file) by track id."""
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
                }
                for track_id, (place, file) in files.items()
            ),
        )

    def bring_back(self, track_ids: Iterable[str]) -> None:
        """Mark tracks as present whose files were missing, or on a disk that was away."""
        wanted = {"_id": {"$in": list(track_ids)}}
        gone = {"$unset": {"missing_since": "", "away_since": ""}, "$set": {"state": "present"}}
        self.documents.update_many(wanted, gone)

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

    # Duplicates: playable tracks with the same sound.

    def count_duplicates(self) -> tuple[int, int]:
        """The number of songs with several files, and the number of these files."""
        sums: Document = {"_id": None, "songs": {"$sum": 1}, "files": {"$sum": "$count"}}
        groups: list[Any] = list(self.documents.aggregate([*_SAME_SOUND, {"$group": sums}]))
        found: Document = groups[0] if groups else {}
        return int(found.get("songs", 0)), int(found.get("files", 0))

    def duplicates(self, *, limit: int) -> list[list[Duplicate]]:
        """The files of songs that have several, the first added first."""
        steps = [*_SAME_SOUND, {"$sort": {"count": -1, "_id": 1}}, {"$limit": limit}]
        sketches = [str(group["_id"]) for group in self.documents.aggregate(steps)]
        groups: dict[str, list[Duplicate]] = {sketch: [] for sketch in sketches}
        fields = {"sketch": 1, "title": 1, "artist": 1, "path": 1}
        wanted = {"sketch": {"$in": sketches}, **PLAYABLE}
        for track in self.documents.find(wanted, fields).sort([("added_at", ASCENDING), ("_id", ASCENDING)]):
            groups[str(track.get("sketch"))].append(
                {
                    "track_id": track["_id"],
                    "artist": track.get("artist") or "",
                    "title": track.get("title") or "",
                    "path": track.get("path"),
                }
            )
        return [group for group in groups.values() if len(group) > 1]

    def missing_before(self, date: datetime) -> dict[str, str]:
        """The titles of tracks whose files have been missing since before a date, by id."""
        wanted = {"state": "vanished", "missing_since": {"$lt": date}}
        return {track["_id"]: track.get("title") or "" for track in self.documents.find(wanted, {"title": 1})}

    def remove(self, track_ids: Iterable[str], *, before: datetime) -> int:
        """Remove tracks that have been missing since before a date; returns their number."""
        wanted = {"_id": {"$in": list(track_ids)}, "state": "vanished", "missing_since": {"$lt": before}}
        return self.documents.delete_many(wanted).deleted_count
