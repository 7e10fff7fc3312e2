"""The part of `tracks` with the loudness: measured in the files, and the corrections that their tags state.

Delivery: a measurement is written by track id, and marks the track for another assignment to its album, whose
loudness follows from that of its tracks. An interrupted run leaves the mark for the next gathering.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from segue.catalog.albums import Album, Albums
from segue.catalog.levels import LevelDocument, is_current, version
from segue.catalog.stamp import Stamp
from segue.catalog.track import ReplayGain
from segue.catalog.track_records import OF_FILE, StoredFile, file_of
from segue.catalog.tracks import HERE, PLAYABLE, Tracks
from segue.storage.mongo import upsert
from segue.storage.store import Store

REFERENCE = -18.0
"""LUFS; the loudness to which ReplayGain 2 corrects."""
_STAMP = dict.fromkeys(("loudness.version", "loudness.size", "loudness.modified_ns"), 1)
_STATED = dict.fromkeys(
    ("size", "modified_ns", "album_id", "details.replay_gain", "loudness.integrated", "loudness.peak"), 1
)


class MeasuredTracks(Tracks):
    """The tracks, for the measurement and the playback at even loudness."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._albums = Albums(store)

    def to_measure(self) -> list[StoredFile]:
        """The files on a disk whose loudness is not stored, or is that of an earlier version of the file."""
        changed = [
            {"loudness.version": {"$ne": version()}},
            {"$expr": {"$ne": ["$loudness.size", "$size"]}},
            {"$expr": {"$ne": ["$loudness.modified_ns", "$modified_ns"]}},
        ]
        found = self.documents.find({**HERE, "$or": changed}, OF_FILE, batch_size=10_000).sort("_id")
        return [file_of(track) for track in found]

    def write_levels(self, levels: Iterable[tuple[str, LevelDocument]]) -> int:
        """Store measurements by track id; returns their number."""
        return upsert(
            self.documents,
            ({"_id": track_id, "loudness": level, "grouped": 0} for track_id, level in levels),
        )

    def forget_levels(self, track_ids: Iterable[str]) -> None:
        """Remove the measurements of tracks that are now another part of their file."""
        self.documents.update_many({"_id": {"$in": list(track_ids)}}, {"$unset": {"loudness": ""}})

    def restamp(self, files: Mapping[str, tuple[Stamp, Stamp]]) -> None:
        """Keep the loudness of retagged files, whose sound is the same: (old, new) stamps by track id."""
        for track_id, (old, new) in files.items():
            if old.size is None:  # the stored stamp was damaged; it would match a track without loudness
                continue
            self.documents.update_one(
                {"_id": track_id, "loudness.size": old.size, "loudness.modified_ns": old.modified_ns},
                {"$set": {"loudness.size": new.size, "loudness.modified_ns": new.modified_ns}},
            )

    def gains(self, track_ids: Iterable[str]) -> dict[str, ReplayGain]:
        """The corrections to :data:`REFERENCE` of the visible ones among the tracks, and peaks, by id."""
        wanted = self.visible({"_id": {"$in": list(dict.fromkeys(track_ids))}, **PLAYABLE})
        found = list(self.documents.find(wanted, {**_STATED, **_STAMP}))
        album_ids = {own for track in found if (own := track.get("album_id"))}
        of_albums = {album["_id"]: album for album in self._albums.several(album_ids)}
        return {
            track["_id"]: corrections(track, of_albums.get(track.get("album_id") or "")) for track in found
        }


def corrections(track: Mapping[str, Any], album: Album | None) -> ReplayGain:
    """The corrections of a track: those in its tags, otherwise those that follow from the measured loudness.

    A member is None where neither is known: a player then takes the track's gain in place of the album's.
    """
    stated: Mapping[str, float] = (track.get("details") or {}).get("replay_gain") or {}
    measured = (track.get("loudness") or {}) if is_current(track) else {}
    of_album: Mapping[str, Any] = album or {}

    def gain(kind: str, loudness: float | None) -> float | None:
        if (own := stated.get(f"{kind}_gain")) is not None:
            return own
        return None if loudness is None else round(REFERENCE - loudness, 2)

    def peak(kind: str, value: float | None) -> float | None:
        return own if (own := stated.get(f"{kind}_peak")) is not None else value

    return ReplayGain(
        track_gain=gain("track", measured.get("integrated")),
        track_peak=peak("track", measured.get("peak")),
        album_gain=gain("album", of_album.get("loudness")),
        album_peak=peak("album", of_album.get("peak")),
        base_gain=stated.get("base_gain"),
    )
