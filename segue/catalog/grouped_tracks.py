"""The part of `tracks` that assigns tracks to albums and artists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from segue.audio.levels import Level
from segue.batches import batches
from segue.catalog.grouping import Member, album_key, place_of
from segue.catalog.letters import artist_key
from segue.catalog.levels import level_of
from segue.catalog.track import UNKNOWN_ARTIST, artist_keys
from segue.catalog.tracks import PLAYABLE, Tracks
from segue.storage.mongo import Document, set_together, upsert

GROUPING = 3
"""The version of the grouping. With a higher one, the next ingest assigns all tracks again."""
_FIELDS = (
    "library", "path", "title", "artist", "album", "genres", "duration_ms", "track", "year", "cover_id",
    "added_at", "details", "artist_keys", "album_id", "album_key", "counted",
    "loudness", "size", "modified_ns",
)  # fmt: skip
_NOTED = dict.fromkeys(("album", "artist_keys", "album_id", "album_key", "counted", "grouped"), 1)
_FOR_ARTISTS = (
    "library", "artist", "genres", "duration_ms", "cover_id",
    *(f"details.{name}" for name in ("artists", "featured", "artist_sort", "album_artists", "ids")),
)  # fmt: skip
"""The fields that count for an artist."""
_AT_ONCE = 1000
_T = TypeVar("_T")


class GroupedTrack(NamedTuple):
    """The facts of a track that count for its album and its artists."""

    track_id: str
    member: Member
    album_id: str | None
    counted: tuple[str, ...]
    names: tuple[str, ...]
    """Names of the main artists, in the order of `member.artists`."""
    featured: tuple[str, ...]
    featured_keys: tuple[str, ...]
    title: str
    album: str
    genres: tuple[str, ...]
    duration_ms: int
    cover_id: str | None
    added_at: datetime | None
    details: Mapping[str, Any]
    old_key: str | None
    level: Level | None
    """Its loudness; None until it is measured."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all its artists."""
        return (*self.member.artists, *self.featured_keys)


class NotedTrack(NamedTuple):
    """The stored fields about a track's album and artists."""

    track_id: str
    keys: tuple[str, ...]
    """The keys of all its artists."""
    album_key: str
    album_id: str | None


class GroupedTracks(Tracks):
    """The tracks, for the assignment of albums."""

    def to_group(self) -> list[str]:
        """The tracks that are new, changed or gone since the last assignment."""
        changed = {**PLAYABLE, "grouped": {"$ne": GROUPING}}
        # A track may have been written and have gone since: `grouped` is 0, yet its album counts it.
        still = [{"album_id": {"$type": "string"}}, {"counted.0": {"$exists": True}}]
        gone = {"$nor": [PLAYABLE], "$or": still}
        return [track["_id"] for track in self.documents.find({"$or": [changed, gone]}, {"_id": 1})]

    def forget_groups(self) -> None:
        """Assign all tracks again at the next ingest."""
        self.documents.update_many({}, {"$set": {"grouped": 0, "counted": []}, "$unset": {"album_key": ""}})

    def in_any_state(self, track_ids: Iterable[str]) -> Iterator[GroupedTrack]:
        """The known ones of the tracks, also those that are gone."""
        for ids in parts(track_ids):
            yield from self._grouped({"_id": {"$in": ids}})

    def noted(self, track_ids: Sequence[str]) -> tuple[list[NotedTrack], list[str]]:
        """Those of the tracks on an album whose stored keys are as they should be, and the ids of the others.

        New tracks are stored with these keys (:meth:`segue.catalog.tracks.Tracks.add`).
        """
        found = []
        for track in self.documents.find({"_id": {"$in": list(track_ids)}}, _NOTED, batch_size=10_000):
            key, keys = album_key(track.get("album")), track.get("artist_keys")
            stored = track.get("album_key"), track.get("counted"), track.get("grouped")
            if key and keys is not None and (key, keys, 0) == stored:
                found.append(NotedTrack(track["_id"], tuple(keys), key, track.get("album_id")))
        known = {track.track_id for track in found}
        return found, [own for own in track_ids if own not in known]

    def numbers(self, album_ids: Iterable[str]) -> dict[str, int]:
        """The numbers of playable tracks of albums that have any, by the album's id."""
        wanted = {"album_id": {"$in": sorted(album_ids)}, **PLAYABLE}
        steps: list[Document] = [
            {"$match": wanted},
            {"$group": {"_id": "$album_id", "tracks": {"$sum": 1}}},
        ]
        return {group["_id"]: int(group["tracks"]) for group in self.aggregate(steps)}

    def with_keys(self, keys: Iterable[str]) -> Iterator[GroupedTrack]:
        """The playable tracks with these keys of albums."""
        for some in parts(keys):
            yield from self._grouped({"album_key": {"$in": some}, **PLAYABLE})

    def of_albums(self, album_ids: Iterable[str]) -> Iterator[GroupedTrack]:
        """The playable tracks of albums."""
        for ids in parts(album_ids):
            yield from self._grouped({"album_id": {"$in": ids}, **PLAYABLE})

    def of_artists(self, keys: Iterable[str]) -> Iterator[GroupedTrack]:
        """The playable tracks of artists, with the facts that count for these.

        A track of several of them may come more than once.
        """
        for some in parts(keys):
            yield from self._grouped({"counted": {"$in": some}, **PLAYABLE}, _FOR_ARTISTS)

    def note(self, tracks: Iterable[GroupedTrack]) -> None:
        """Store the keys of the tracks' albums and artists, by which the next steps find them."""
        upsert(
            self.documents,
            (
                {
                    "_id": track.track_id,
                    "album_key": track.member.key,
                    "artist_keys": list(track.keys),
                    "counted": list(track.keys),
                }
                for track in tracks
                if (track.old_key, track.counted) != (track.member.key, track.keys)
            ),
        )

    def assign(self, albums: Mapping[str, str | None]) -> None:
        """Store the albums of tracks."""
        by_album: dict[str | None, list[str]] = defaultdict(list)
        for own, album_id in albums.items():
            by_album[album_id].append(own)
        set_together(self.documents, ((ids, {"album_id": album_id}) for album_id, ids in by_album.items()))

    def settle(self, track_ids: Iterable[str]) -> None:
        """Note that the assignment of tracks is complete."""
        for ids in parts(track_ids):
            self.documents.update_many({"_id": {"$in": ids}, **PLAYABLE}, {"$set": {"grouped": GROUPING}})
            gone = {"_id": {"$in": ids}, "$nor": [PLAYABLE]}
            self.documents.update_many(gone, {"$set": {"album_id": None, "counted": [], "grouped": 0}})

    def _grouped(self, wanted: Document, fields: Sequence[str] = _FIELDS) -> Iterator[GroupedTrack]:
        for document in self.documents.find(wanted, dict.fromkeys(fields, 1), batch_size=10_000):
            yield _grouped_track(document)


def parts(values: Iterable[_T]) -> Iterator[list[_T]]:
    """The different values in lists of a size that fits in a query."""
    return batches(dict.fromkeys(values), _AT_ONCE)


def _by_key(names: Iterable[str]) -> dict[str, str]:
    """Names of artists by their keys."""
    pairs = ((artist_key(name), name) for name in names if name != UNKNOWN_ARTIST)
    return {key: name for key, name in pairs if key}


def _grouped_track(track: Mapping[str, Any]) -> GroupedTrack:
    details: Mapping[str, Any] = track.get("details") or {}
    main = _by_key(details.get("artists") or [track.get("artist") or UNKNOWN_ARTIST])
    guests = {key: name for key, name in _by_key(details.get("featured") or ()).items() if key not in main}
    disc, side, number = details.get("disc") or 0, details.get("side") or "", track.get("track")
    album_artists = artist_keys(details.get("album_artists") or ())
    path = track.get("path") or ""
    member = Member(
        track_id=track["_id"],
        library=track.get("library") or "",
        folder=place_of(path) if path else "",
        key=album_key(track.get("album")),
        artists=tuple(main),
        album_artists=tuple(album_artists),
        various=bool(details.get("compilation")) and not album_artists,
        number=(disc, side, number) if number else None,
        year=track.get("year"),
        edition=details.get("edition"),
        release=(details.get("ids") or {}).get("release"),
    )
    return GroupedTrack(
        track_id=track["_id"],
        member=member,
        album_id=track.get("album_id"),
        counted=tuple(track.get("counted") or ()),
        names=tuple(main.values()),
        featured=tuple(guests.values()),
        featured_keys=tuple(guests),
        title=track.get("title") or "",
        album=track.get("album") or "",
        genres=tuple(track.get("genres") or ()),
        duration_ms=track.get("duration_ms") or 0,
        cover_id=track.get("cover_id"),
        added_at=track.get("added_at"),
        details=details,
        old_key=track.get("album_key"),
        level=level_of(track),
    )
