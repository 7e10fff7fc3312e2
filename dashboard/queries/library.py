"""The lists of the page Library: all albums, artists, songs, playlists, liked songs and genres, by page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar, cast, get_args

from segue.catalog.albums import AlbumOrder
from segue.catalog.artists import ArtistOrder
from segue.catalog.browsed_tracks import BrowsedTracks, SongOrder
from segue.catalog.search import matching
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.dashboard.queries.items import Item, item_of, list_items
from segue.phrases import marked
from segue.playlists.playlists import Playlists
from segue.storage.keyset import Page, Place
from segue.taste.opinions import Opinions

_T = TypeVar("_T")
View = Literal["albums", "artists", "songs", "playlists", "liked", "genres", "added"]
VIEWS: dict[View, str] = {
    "albums": marked("Albums"),
    "artists": marked("Artists"),
    "songs": marked("Songs"),
    "playlists": marked("Playlists"),
    "liked": marked("Liked"),
    "genres": marked("Genres"),
    "added": marked("Recently added"),
}
"""The lists with their labels."""
ORDERS: dict[View, dict[str, str]] = {
    "albums": {
        "name": marked("Name"),
        "artist": marked("Artist"),
        "year": marked("Newest release"),
        "added": marked("Newly added"),
    },
    "artists": {"name": marked("Name"), "albums": marked("Most albums"), "tracks": marked("Most songs")},
    "songs": {
        "title": marked("Title"),
        "artist": marked("Artist"),
        "year": marked("Newest release"),
        "added": marked("Newly added"),
    },
    "playlists": {"changed": marked("Last changed"), "name": marked("Name"), "folder": marked("Folder")},
    "liked": {"latest": marked("Last liked"), "title": marked("Title"), "artist": marked("Artist")},
    "genres": {"tracks": marked("Most songs"), "name": marked("Name")},
    "added": {"added": marked("Newly added")},
}
"""The orders of each list with their labels, the first by default."""
MOST = 200
"""The most entries of a page."""
SONGS = 500
"""The most songs of an album, an artist, a playlist or a genre that are played or queued at once."""
_MATCHES = 1000
"""Entries with the words of a filter."""
_LIKES = 20_000


class Genre(NamedTuple):
    """A genre, and its number of songs."""

    name: str
    tracks: int


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A list that a visitor wants to see."""

    view: View = "albums"
    by: str = ""
    """An order of the list; the first if there is none of this name."""
    backwards: bool = False
    words: str = ""
    """Only entries with these words; typos are tolerated."""
    genre: str = ""
    """Only songs of this genre."""

    @classmethod
    def read(cls, named: Mapping[str, str]) -> Asked:
        """The list that the parameters of an address name, with defaults for values that do not fit."""
        view = named.get("show", "")
        known: View = cast(View, view) if view in get_args(View) else "albums"
        by = named.get("by", "")
        return cls(
            view=known,
            by=by if by in ORDERS[known] else next(iter(ORDERS[known])),
            backwards=named.get("backwards") == "1",
            words=named.get("filter", "").strip()[:100],
            genre=named.get("genre", "")[:300] if known == "songs" else "",
        )


class LibraryReader:
    """Reads the lists; safe for use by several threads."""

    def __init__(self, catalogue: CatalogueReader, playlists: Playlists) -> None:
        self._catalogue, self._playlists = catalogue, playlists
        self._tracks = BrowsedTracks(catalogue.store)
        self._opinions = Opinions(catalogue.store)
        self._lock = threading.Lock()
        self._genres: dict[frozenset[str], tuple[Hashable, list[Genre]]] = {}

    def page(self, user_id: str, asked: Asked, *, limit: int, after: Place | None = None) -> Page[Any]:
        """A page of a list.

        Returns
        -------
        Albums, artists, :class:`Item`, :class:`Playlist` or :class:`Genre`, as the list has them.
        """
        read: dict[View, Callable[[], Page[Any]]] = {
            "albums": lambda: self._albums(asked, limit, after),
            "added": lambda: self._albums(asked, limit, after),
            "artists": lambda: self._artists(asked, limit, after),
            "songs": lambda: self._songs(asked, limit, after),
            "liked": lambda: self._liked(user_id, asked, limit, after),
            "playlists": lambda: _cut(self._own_playlists(user_id, asked), limit, after),
            "genres": lambda: _cut(self._genres_of(asked), limit, after),
        }
        return read[asked.view]()

    def songs(self, user_id: str, view: View, own_id: str) -> list[Item]:
        """The songs of an album, an artist, a playlist or a genre by the id in its list, or those that the
        listener likes; at most 500."""
        if view in ("albums", "added"):
            return [
                item_of(one.summary, source="search") for one in self._tracks.on_album(own_id, limit=SONGS)
            ]
        if view == "artists":
            return [
                item_of(one.summary, source="search") for one in self._tracks.with_artist(own_id, limit=SONGS)
            ]
        if view == "genres":
            found = self._tracks.page_of_genre(own_id, by="artist", limit=SONGS)
            return [item_of(track, source="search") for track in found]
        if view == "liked":
            liked = self._opinions.of_kind(user_id, "like", limit=SONGS)
            return list_items(self._catalogue.store, liked, source="playlist")
        playlist = self._playlists.read(user_id, own_id) if view == "playlists" else None
        tracks = playlist.tracks[:SONGS] if playlist else ()
        return list_items(self._catalogue.store, tracks, source="playlist")

    def count(self, user_id: str, asked: Asked) -> int | None:
        """The number of a list's entries; None where counting would take longer than reading a page."""
        if asked.words or asked.genre:
            return None
        counted: dict[View, Callable[[], int]] = {
            "albums": self._catalogue.albums.count,
            "artists": self._catalogue.artists.count,
            "liked": lambda: self._opinions.count(user_id, "like"),
            "playlists": lambda: len(self._playlists.of(user_id)),
            "genres": lambda: len(self._counted_genres()),
        }
        return counted[asked.view]() if asked.view in counted else None

    def _albums(self, asked: Asked, limit: int, after: Place | None) -> Page[Any]:
        by, owner = cast(AlbumOrder, asked.by), self._catalogue.albums
        if asked.words:
            ids = [album["_id"] for album in self._catalogue.search_albums(asked.words, limit=_MATCHES)]
            return _cut(owner.among(ids, by=by, backwards=asked.backwards), limit, after)
        return owner.page(by=by, limit=limit, after=after, backwards=asked.backwards)

    def _artists(self, asked: Asked, limit: int, after: Place | None) -> Page[Any]:
        by, owner = cast(ArtistOrder, asked.by), self._catalogue.artists
        if asked.words:
            ids = [artist["_id"] for artist in self._catalogue.search_artists(asked.words, limit=_MATCHES)]
            return _cut(owner.among(ids, by=by, backwards=asked.backwards), limit, after)
        return owner.page(by=by, limit=limit, after=after, backwards=asked.backwards)

    def _songs(self, asked: Asked, limit: int, after: Place | None) -> Page[Any]:
        by = cast(SongOrder, asked.by)
        if asked.words:
            ids = self._catalogue.search_ids(asked.words, limit=_MATCHES)
            known = self._tracks.among(ids, by=by, backwards=asked.backwards)
            found = _cut([one for one in known if not asked.genre or asked.genre in one.genres], limit, after)
        elif asked.genre:
            found = self._tracks.page_of_genre(
                asked.genre, by=by, limit=limit, skip=after.shown if after else 0, backwards=asked.backwards
            )
        else:
            found = self._tracks.page(by=by, limit=limit, after=after, backwards=asked.backwards)
        return Page([item_of(track, source="search") for track in found], more=found.more)

    def _liked(self, user_id: str, asked: Asked, limit: int, after: Place | None) -> Page[Any]:
        ids = self._opinions.of_kind(user_id, "like", limit=_LIKES)
        if asked.words:
            matches = set(self._catalogue.search_ids(asked.words, limit=_LIKES))
            ids = [own for own in ids if own in matches]
        if asked.by == "latest":
            cut = _cut(ids[::-1] if asked.backwards else ids, limit, after)
            return Page(list_items(self._catalogue.store, cut, source="playlist"), more=cut.more)
        known = self._tracks.among(ids, by=cast(SongOrder, asked.by), backwards=asked.backwards)
        found = _cut(known, limit, after)
        return Page([item_of(track, source="playlist") for track in found], more=found.more)

    def _own_playlists(self, user_id: str, asked: Asked) -> list[Any]:
        own = self._playlists.of(user_id)
        if asked.words:
            own = [own[place] for place in matching(asked.words, [f"{one.name} {one.folder}" for one in own])]
        if asked.by == "name":
            own.sort(key=lambda one: one.name.casefold())
        elif asked.by == "folder":  # those in no folder last
            own.sort(key=lambda one: (not one.folder, one.folder.casefold(), one.name.casefold()))
        else:
            own.sort(key=lambda one: one.changed_at, reverse=True)
        return own[::-1] if asked.backwards else own

    def _genres_of(self, asked: Asked) -> list[Genre]:
        known = self._counted_genres()
        if asked.words:
            known = [known[place] for place in matching(asked.words, [one.name for one in known])]
        if asked.by == "name":
            known = sorted(known, key=lambda one: one.name.casefold())
        else:
            known = sorted(known, key=lambda one: (-one.tracks, one.name.casefold()))
        return known[::-1] if asked.backwards else known

    def _counted_genres(self) -> list[Genre]:
        """All genres; counting 106,574 tracks takes half a second, so that the result is kept."""
        hidden, revision = self._tracks.hidden_libraries(), self._tracks.revision()
        with self._lock:
            counted = self._genres.get(hidden)
        if counted is None or counted[0] != revision:
            counted = revision, [Genre(*one) for one in self._tracks.genre_counts()]
            with self._lock:
                self._genres[hidden] = counted
        return counted[1]


def _cut(entries: Sequence[_T], limit: int, after: Place | None) -> Page[_T]:
    first = after.shown if after else 0
    return Page(entries[first : first + limit], more=len(entries) > first + limit)
