"""The part of `tracks` that gives all facts about a track, for other apps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from segue.catalog.letters import artist_key
from segue.catalog.stored_paths import readable
from segue.catalog.track import LONGEST, MusicBrainzIds, ReplayGain
from segue.catalog.track_records import SHOWN, TrackSummary, average_kilobits, path_of, summary_of
from segue.catalog.tracks import PLAYABLE, Tracks
from segue.storage.mongo import ASCENDING, Document

_FURTHER = ("track", "details", "album_id", "library", "path", "server", "size", "cue", "added_at")
_ALL = {**SHOWN, **dict.fromkeys(_FURTHER, 1)}
_GAINS = frozenset(one.name for one in fields(ReplayGain))
_ON_ALBUM = ("details.disc", "details.side", "track", "title", "_id")


@dataclass(frozen=True, kw_only=True)
class Credit:
    """An artist as a track names them."""

    key: str
    name: str


@dataclass(frozen=True, kw_only=True)
class FullTrack:
    """A playable track with all facts that apps show."""

    summary: TrackSummary
    library: str
    file_name: str
    """Without folders."""
    size: int | None
    """Bytes; not known for a part of a file."""
    number: int | None = None
    disc: int | None = None
    disc_title: str | None = None
    album_id: str | None = None
    artists: tuple[Credit, ...] = ()
    """Main artists."""
    featured: tuple[Credit, ...] = ()
    album_artists: tuple[Credit, ...] = ()
    added_at: datetime | None = None
    title_sort: str | None = None
    ids: MusicBrainzIds = field(default_factory=MusicBrainzIds)
    replay_gain: ReplayGain = field(default_factory=ReplayGain)

    @property
    def track_id(self) -> str:
        return self.summary.track_id

    @property
    def suffix(self) -> str:
        """The suffix of the file in lower case, without the dot."""
        return PurePosixPath(self.file_name).suffix.lower().lstrip(".")

    @property
    def kilobits(self) -> int | None:
        """As :func:`segue.catalog.track_records.average_kilobits`."""
        return average_kilobits(self.size, self.summary.duration_ms)


class FullTracks(Tracks):
    """The tracks, with all facts."""

    def full(self, track_ids: Iterable[str]) -> dict[str, FullTrack]:
        """The playable ones among the tracks, by id."""
        ids = list(dict.fromkeys(track_ids))
        found = self._find({"_id": {"$in": ids}})
        return {track["_id"]: _full(track) for track in found}

    def in_order(self, track_ids: Sequence[str]) -> list[FullTrack]:
        """The playable ones among the tracks, in their order; a track that is named twice comes twice."""
        known = self.full(track_ids)
        return [known[track_id] for track_id in track_ids if track_id in known]

    def all_on_album(self, album_id: str) -> list[FullTrack]:
        """The tracks of an album by disc, side and number."""
        return [_full(track) for track in self._find({"album_id": album_id}, order=_ON_ALBUM)]

    def of_artist(self, key: str, *, limit: int) -> list[FullTrack]:
        """Tracks with an artist, main or featured, by year and album."""
        found = self._find({"counted": key}, order=("year", "album", *_ON_ALBUM), limit=limit)
        return [_full(track) for track in found]

    def page(self, *, limit: int, after: int, library: str | None = None) -> list[FullTrack]:
        """A page of all tracks, in an order that does not change."""
        wanted = {"library": library} if library else {}
        return [_full(track) for track in self._find(wanted, order=("_id",), limit=limit, after=after)]

    def full_of_genre(
        self, genre: str, *, limit: int, after: int = 0, library: str | None = None
    ) -> list[FullTrack]:
        """Tracks of a genre, by artist and album."""
        wanted: Document = {"genres": genre, **({"library": library} if library else {})}
        found = self._find(wanted, order=("artist", "album", "track", "_id"), limit=limit, after=after)
        return [_full(track) for track in found]

    def random(
        self,
        *,
        limit: int,
        genre: str | None = None,
        years: tuple[int | None, int | None] = (None, None),
        library: str | None = None,
    ) -> list[str]:
        """The ids of random playable tracks of a genre, of a range of years, of a library."""
        first, last = years
        year: Document = {}
        if first is not None:
            year["$gte"] = first
        if last is not None:
            year["$lte"] = last
        wanted: Document = {
            **({"genres": genre} if genre else {}),
            **({"year": year} if year else {}),
            **({"library": library} if library else {}),
            **PLAYABLE,
        }
        steps: list[Document] = [
            {"$match": self.visible(wanted)},
            {"$project": {"_id": 1}},
            {"$sample": {"size": limit}},
        ]
        # $sample may return a document twice.
        return list(dict.fromkeys(track["_id"] for track in self.documents.aggregate(steps)))

    def albums_of(self, track_ids: Iterable[str]) -> dict[str, str]:
        """The albums of those of the tracks that are on one, by track id."""
        wanted = self.visible({"_id": {"$in": list(track_ids)}, **PLAYABLE})
        found = self.documents.find(wanted, {"album_id": 1}, batch_size=10_000)
        return {track["_id"]: album for track in found if (album := track.get("album_id"))}

    def library_names(self) -> list[str]:
        """The names of the libraries that the present visitor sees, in alphabetical order."""
        names = self.documents.distinct("library", self.visible({}))
        return sorted(name for name in names if isinstance(name, str))

    def _find(
        self, wanted: Document, *, order: Sequence[str] = (), limit: int = 0, after: int = 0
    ) -> Iterable[Mapping[str, Any]]:
        found = self.documents.find(self.visible({**wanted, **PLAYABLE}), _ALL)
        if order:
            found = found.sort([(name, ASCENDING) for name in order])
        return found.skip(after).limit(limit) if limit or after else found


def _full(track: Mapping[str, Any]) -> FullTrack:
    details: Mapping[str, Any] = track.get("details") or {}
    gains: Mapping[str, Any] = details.get("replay_gain") or {}
    return FullTrack(
        summary=summary_of(track),
        library=track.get("library") or "",
        file_name=readable(PurePosixPath(path_of(track)).name),
        size=None if track.get("cue") else track.get("size"),
        number=track.get("track"),
        disc=details.get("disc"),
        disc_title=details.get("disc_title"),
        album_id=track.get("album_id"),
        artists=_credits(details.get("artists") or ([track["artist"]] if track.get("artist") else ())),
        featured=_credits(details.get("featured") or ()),
        album_artists=_credits(details.get("album_artists") or ()),
        added_at=track.get("added_at"),
        title_sort=details.get("title_sort"),
        ids=_ids(details.get("ids") or {}),
        replay_gain=ReplayGain(**{name: value for name, value in gains.items() if name in _GAINS}),
    )


def _ids(stored: Mapping[str, Any]) -> MusicBrainzIds:
    return MusicBrainzIds(
        recording=stored.get("recording"),
        release_track=stored.get("release_track"),
        release=stored.get("release"),
        release_group=stored.get("release_group"),
        artists=tuple(stored.get("artists") or ()),
        album_artists=tuple(stored.get("album_artists") or ()),
    )


def _credits(names: Iterable[str]) -> tuple[Credit, ...]:
    found = (Credit(key=artist_key(name), name=name[:LONGEST]) for name in names)
    return tuple(credit for credit in found if credit.key)
