"""The artists of the catalogue: the collection `artists`, computed from `tracks` and `albums`.

Delivery: one document per artist, written by the artist's key; writing it again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, NotRequired, TypedDict

from segue.catalog.gathered import GATHERED_AT, GatheredCollection
from segue.storage.mongo import ASCENDING, DESCENDING, Document
from segue.storage.records import Count, Readable
from segue.storage.store import Index

ArtistOrder = Literal["name", "albums", "tracks"]
_ORDERS: dict[str, list[tuple[str, int]]] = {
    "name": [("sort", ASCENDING), ("_id", ASCENDING)],
    "albums": [("albums", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
    "tracks": [("tracks", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
}
MOST_GENRES = 4
"""Genres of an artist or an album that are kept."""


class ArtistNames(TypedDict):
    """Names and ids of an artist."""

    _id: str
    """The artist's key, which all spellings of the name share."""
    name: Annotated[str, Readable()]
    """Name, in the spelling of most tracks."""
    sort: str
    """Name in the form by which lists are sorted."""
    artist_id: str | None
    """MusicBrainz id of the artist."""


class ArtistCounts(TypedDict):
    """Facts of an artist's tracks: of all of them, or of those of one library. Only playable tracks count."""

    tracks: Count
    """Number of tracks of which this is a main artist."""
    featured: Count
    """Number of tracks on which the artist is featured."""
    albums: Count
    """Number of albums of the artist."""
    appears_on: Count
    """Number of others' albums with the artist."""
    duration_ms: Count
    """Length of the artist's tracks in milliseconds, without those that feature the artist."""
    genres: list[str]
    """The most frequent genres, at most four."""
    cover_id: str | None
    """A cover of the artist's tracks."""


class ArtistShare(ArtistCounts):
    """An artist's part of one library."""

    library: str
    """Name of the library."""


class Artist(ArtistNames, ArtistCounts):
    """A document of `artists`."""

    libraries: NotRequired[list[ArtistShare]]
    """The parts of the libraries that have the artist; releases before 0.2 stored none."""
    gathered_at: NotRequired[datetime]
    """When the document was written."""


class Artists(GatheredCollection[Artist, ArtistOrder]):
    """The artists of all libraries."""

    name = "artists"
    orders = _ORDERS
    library_field = "libraries.library"
    searched: ClassVar = {"name": 1.0, "sort": 0.8}
    found_first = "tracks"
    indexes = (*(Index(keys=keys) for keys in _ORDERS.values()), GATHERED_AT, Index.on("libraries.library"))

    def outside(self, libraries: Sequence[str]) -> Document:
        """A filter of the artists who are not in these libraries only."""
        return {"libraries": {"$elemMatch": {"library": {"$nin": libraries}}}}

    def with_albums(self, *, library: str | None = None) -> list[Artist]:
        """The artists of albums, by name; with a `library`, those of its albums."""
        wanted = self.visible({"albums": {"$gt": 0}})
        found = self.documents.find(wanted, batch_size=10_000).sort(_ORDERS["name"])
        shown = (self.shown(artist) for artist in found)
        if library is None:
            return [artist for artist in shown if artist["albums"]]
        return [
            artist
            for artist in shown
            if any(share["library"] == library and share["albums"] for share in artist.get("libraries", ()))
        ]

    def shown(self, artist: Artist) -> Artist:
        """The artist with the counts of the libraries that the present visitor sees."""
        hidden = self.hidden_libraries()
        every = artist.get("libraries", [])
        shares = [share for share in every if share["library"] not in hidden]
        return artist if len(shares) == len(every) else {**artist, **_sum(shares), "libraries": shares}


def _sum(shares: Sequence[ArtistShare]) -> ArtistCounts:
    genres = Counter(genre for share in shares for genre in share["genres"])
    return {
        "tracks": sum(share["tracks"] for share in shares),
        "featured": sum(share["featured"] for share in shares),
        "albums": sum(share["albums"] for share in shares),
        "appears_on": sum(share["appears_on"] for share in shares),
        "duration_ms": sum(share["duration_ms"] for share in shares),
        "genres": [genre for genre, _ in genres.most_common(MOST_GENRES)],
        "cover_id": next((share["cover_id"] for share in shares if share["cover_id"]), None),
    }
