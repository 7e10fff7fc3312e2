"""The part of `tracks` that shows the tracks of an album or an artist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from segue.catalog.part import Part
from segue.catalog.track_records import SHOWN, TrackSummary, summary_of
from segue.catalog.tracks import ORDERS, PLAYABLE, Tracks
from segue.storage.keyset import Page, Place, in_order, page_of
from segue.storage.mongo import ASCENDING, Document

_ON_ALBUM = dict.fromkeys(("track", "details", "album_id", "artist_keys"), 1)


@dataclass(frozen=True, kw_only=True)
class TrackOnAlbum:
    """A track with its place on the album, and its artists."""

    summary: TrackSummary
    number: int | None = None
    disc: int | None = None
    disc_title: str | None = None
    side: str | None = None
    artists: tuple[str, ...] = ()
    """Main artists; then `featured`."""
    featured: tuple[str, ...] = ()
    album_id: str | None = None
    artist_keys: tuple[str, ...] = ()


SongOrder = Literal["title", "artist", "year", "added"]


class BrowsedTracks(Tracks):
    """The tracks, for the pages of albums and artists."""

    def page(
        self, *, by: SongOrder, limit: int, after: Place | None = None, backwards: bool = False
    ) -> Page[TrackSummary]:
        """A page of all playable tracks, as :func:`segue.storage.keyset.page_of`."""
        found = page_of(
            self.documents,
            self.visible(PLAYABLE),
            order=ORDERS[by],
            limit=limit,
            after=after,
            backwards=backwards,
            fields=SHOWN,
        )
        return Page(map(summary_of, found), more=found.more)

    def among(self, ids: Iterable[str], *, by: SongOrder, backwards: bool = False) -> list[TrackSummary]:
        """The playable ones among some tracks, in an order."""
        fields = SHOWN | {key: 1 for key, _ in ORDERS[by].keys}
        wanted = {"_id": {"$in": list(dict.fromkeys(ids))}, **PLAYABLE}
        found = in_order(self.documents.find(self.visible(wanted), fields), ORDERS[by], backwards=backwards)
        return [summary_of(track) for track in found]

    def page_of_genre(
        self, genre: str, *, by: SongOrder, limit: int, skip: int = 0, backwards: bool = False
    ) -> Page[TrackSummary]:
        """The playable tracks of a genre in an order, without the first ones."""
        wanted = self.visible({"genres": genre, **PLAYABLE})
        keys = [(key, -way if backwards else way) for key, way in ORDERS[by].keys]
        documents = self.documents.find(wanted, SHOWN).sort(keys).skip(skip).limit(limit + 1)
        tracks = [summary_of(track) for track in documents]
        return Page(tracks[:limit], more=len(tracks) > limit)

    def on_album(self, album_id: str, *, limit: int) -> Part[TrackOnAlbum]:
        """The playable tracks of an album by disc, side and number."""
        order = ("details.disc", "details.side", "track", "title", "_id")
        return self._placed({"album_id": album_id}, order=order, limit=limit)

    def with_artist(self, key: str, *, limit: int) -> Part[TrackOnAlbum]:
        """The playable tracks with an artist, main or featured, by year and album."""
        order = ("year", "album", "details.disc", "details.side", "track", "_id")
        return self._placed({"counted": key}, order=order, limit=limit)

    def ids_with_artist(self, key: str) -> list[str]:
        """The ids of the playable tracks with an artist, main or featured."""
        wanted = self.visible({"counted": key, **PLAYABLE})
        return [track["_id"] for track in self.documents.find(wanted, {"_id": 1})]

    def placed(self, track_id: str) -> TrackOnAlbum | None:
        """A playable track; None if there is none with this id."""
        return next(iter(self._placed({"_id": track_id}, order=("_id",), limit=1)), None)

    def several(self, track_ids: Iterable[str]) -> dict[str, TrackOnAlbum]:
        """The playable ones among some tracks, by id."""
        wanted = self.visible({"_id": {"$in": list(dict.fromkeys(track_ids))}, **PLAYABLE})
        found = self.documents.find(wanted, {**SHOWN, **_ON_ALBUM})
        return {track["_id"]: _on_album(track) for track in found}

    def key_of_credit(self, artist: str) -> str | None:
        """The key of the first artist in a text that names the artists of a track, as in "A, B"."""
        found = self.documents.find_one(self.visible({"artist": artist, **PLAYABLE}), {"artist_keys": 1})
        return next(iter(found.get("artist_keys") or ()), None) if found else None

    def _placed(self, wanted: Document, *, order: tuple[str, ...], limit: int) -> Part[TrackOnAlbum]:
        wanted = self.visible({**wanted, **PLAYABLE})
        documents = self.documents.find(wanted, {**SHOWN, **_ON_ALBUM})
        sorted_documents = documents.sort([(name, ASCENDING) for name in order]).limit(limit)
        tracks = [_on_album(track) for track in sorted_documents]
        whole = len(tracks) < limit
        return Part(tracks, total=None if whole else self.documents.count_documents(wanted))


def _on_album(track: Mapping[str, Any]) -> TrackOnAlbum:
    details: Mapping[str, Any] = track.get("details") or {}
    return TrackOnAlbum(
        summary=summary_of(track),
        number=track.get("track"),
        disc=details.get("disc"),
        disc_title=details.get("disc_title"),
        side=details.get("side"),
        artists=tuple(details.get("artists") or ([track["artist"]] if track.get("artist") else ())),
        featured=tuple(details.get("featured") or ()),
        album_id=track.get("album_id"),
        artist_keys=tuple(track.get("artist_keys") or ()),
    )
