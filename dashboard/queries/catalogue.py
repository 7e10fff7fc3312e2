"""Reads of the catalogue for pages: search, tracks, neighbours, newest tracks, genres."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from segue.catalog.albums import Album, Albums
from segue.catalog.artists import Artist, Artists
from segue.catalog.browsed_tracks import BrowsedTracks, TrackOnAlbum
from segue.catalog.letters import artist_key
from segue.catalog.part import Part
from segue.catalog.search import GatheredSearch, TrackSearch
from segue.catalog.track_records import MatchableTrack, TrackSummary
from segue.catalog.tracks import MOST_OF_ARTIST, Tracks
from segue.dashboard.queries.items import Item, item_of, read_items
from segue.errors import SegueError
from segue.index.active import ActiveBundle
from segue.index.bundle import Bundle
from segue.index.neighbours import NO_ROW
from segue.index.visible import VisibleIndexes
from segue.moods.aligned import AlignedMoods
from segue.moods.measures import Percentiles
from segue.moods.stored import Moods
from segue.storage.store import Store
from segue.taste.corrections import ListenerCorrections, Unwanted, UnwantedRows

_SIMILAR = 0.3
"""Tracks with a lower cosine are not shown as similar, even if the library has no closer ones."""


@dataclass(frozen=True)
class SimilarTrack:
    """A track similar to another, and the cosine of their vectors."""

    item: Item
    score: float


class CatalogueReader:
    """Keeps the index and the search words in memory; safe for use by several threads.

    Created once per process and shared by pages and routes.
    """

    def __init__(self, store: Store, *, index_folder: str) -> None:
        self.store = store
        self._tracks = Tracks(store)
        self.albums = Albums(store)
        self.artists = Artists(store)
        self._browsed = BrowsedTracks(store)
        self._search = TrackSearch(self._tracks)
        self._album_search = GatheredSearch(self.albums)
        self._artist_search = GatheredSearch(self.artists)
        self._active = ActiveBundle(store, folder=index_folder, every=2.0)
        self._visible = VisibleIndexes[Bundle](self._tracks.ids_in)
        self._unwanted = Unwanted(self._tracks.ids_under)
        self._moods = Moods(store)
        self._aligned = AlignedMoods(self._moods)

    def prepare(self) -> None:
        """Read the index and build the indexes of words, so that no visitor has to wait for them."""
        for search in (self._search, self._album_search, self._artist_search):
            search.prepare()
        self.indexed()

    def unwanted(self, corrections: ListenerCorrections, bundle: Bundle) -> UnwantedRows:
        """The rows of an index of which a listener wants less or nothing."""
        return self._unwanted.of(corrections, bundle)

    def on_albums(self, track_ids: Iterable[str]) -> dict[str, TrackOnAlbum]:
        """The playable ones among some tracks by id, with albums and artists."""
        return self._browsed.several(track_ids)

    def search(self, query: str, *, limit: int = 50) -> Part[Item]:
        """Tracks whose title, artist, album or genres match the query's words, typos allowed, best first."""
        return self._search.search(query, limit=limit).each(_found)

    def search_ids(self, query: str, *, limit: int) -> Part[str]:
        """The ids of the tracks that :meth:`search` finds, without reading the tracks."""
        return self._search.ids(query, limit=limit)

    def search_albums(self, query: str, *, limit: int) -> Part[Album]:
        """Albums whose name, artist, edition or year match the query's words, typos allowed, best first."""
        return self._album_search.search(query, limit=limit)

    def search_artists(self, query: str, *, limit: int) -> Part[Artist]:
        """Artists whose name or sort name matches the query's words, typos allowed, best first."""
        return self._artist_search.search(query, limit=limit)

    def matchable(self, query: str, *, limit: int) -> list[MatchableTrack]:
        """The tracks that :meth:`search` finds, with the facts for matching."""
        return self._tracks.matchable(track.track_id for track in self._search.search(query, limit=limit))

    def with_file_names(self, names: Iterable[str]) -> dict[str, list[MatchableTrack]]:
        """As :meth:`segue.catalog.tracks.Tracks.with_file_names`."""
        return self._tracks.with_file_names(names)

    def track(self, track_id: str) -> TrackSummary | None:
        """A track; None if it does not exist or its file is missing."""
        return self._tracks.summary(track_id)

    def neighbours(self, track_id: str, *, limit: int = 12) -> list[SimilarTrack]:
        """The tracks most similar to a track, most similar first; none if it is newer than the index.

        Raises
        ------
        SegueError
            There is no index yet.
        """
        bundle = self.bundle()
        row = int(bundle.rows([track_id])[0])
        if row < 0:
            return []
        rows, scores = bundle.neighbours.query(bundle.vectors[row : row + 1], limit + 1)
        pairs = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        similar = [(near, score) for near, score in pairs if near not in (row, NO_ROW) and score >= _SIMILAR]
        ids = bundle.ids([near for near, _ in similar])
        known = read_items(self.store, ids, source="similar")
        return [
            SimilarTrack(known[i], score) for i, (_, score) in zip(ids, similar, strict=True) if i in known
        ][:limit]

    def bundle(self) -> Bundle:
        """The index in use, without the tracks that the present visitor does not see.

        Raises
        ------
        SegueError
            There is no index yet.
        """
        return self._visible.of(self._active.current(), self._tracks.hidden_libraries())

    def moods(self, bundle: Bundle) -> Percentiles:
        """(n, 4) percentiles of the index's rows by :data:`segue.moods.measures.DIMENSIONS`."""
        return self._aligned.of(bundle.track_ids, index=bundle.version)

    def has_moods(self) -> bool:
        """Whether moods have been measured."""
        return self._moods.edition() is not None

    def indexed(self) -> bool:
        """Whether there is an index."""
        try:
            self._active.current()
        except SegueError:
            return False
        return True

    def of_album(self, artist: str, album: str | None, *, limit: int = MOST_OF_ARTIST) -> Part[Item]:
        """An artist's album in album order; all of the artist's tracks if `album` is None."""
        return self._tracks.of_album(artist, album, limit=limit).each(_found)

    def album(self, album_id: str, *, artist: str = "", name: str = "") -> Album | None:
        """An album by its id, or by its name and any of its artists, as links of earlier releases name it."""
        found = self.albums.get(album_id) if album_id else None
        return found or (self.albums.named(name, artist) if name and artist else None)

    def artist(self, name: str) -> Artist | None:
        """An artist by any spelling of the name, or the first artist of a text such as "A, B"."""
        found = self.artists.get(artist_key(name)) if name else None
        if found is None and name and (key := self._browsed.key_of_credit(name)):
            found = self.artists.get(key)
        return found

    def on_album(self, album_id: str, *, limit: int) -> Part[TrackOnAlbum]:
        """The tracks of an album by disc, side and number."""
        return self._browsed.on_album(album_id, limit=limit)

    def with_artist(self, key: str, *, limit: int) -> Part[TrackOnAlbum]:
        """The tracks with an artist, by year and album."""
        return self._browsed.with_artist(key, limit=limit)

    def ids_with_artist(self, key: str) -> list[str]:
        """The ids of the tracks with an artist, main or featured."""
        return self._browsed.ids_with_artist(key)

    def placed(self, track_id: str) -> TrackOnAlbum | None:
        """A track with its artists and its place on the album; None if it does not exist."""
        return self._browsed.placed(track_id)

    def newest(self, *, limit: int = 12) -> list[Item]:
        """The tracks with the newest files."""
        return [item_of(track, source="home") for track in self._tracks.newest(limit=limit)]

    def genres(self, *, limit: int = 40) -> list[str]:
        """The genres with the most tracks."""
        return self._tracks.frequent_genres(limit=limit)

    def of_genre(self, genre: str, *, limit: int = 60) -> Part[Item]:
        """Tracks of a genre, by artist and album."""
        return self._tracks.of_genre(genre, limit=limit).each(_found)


def _found(track: TrackSummary) -> Item:
    return item_of(track, source="search")
