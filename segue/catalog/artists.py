"""The artists of the catalogue: the collection `artists`, computed from `tracks` and `albums`.

Delivery: one document per artist, written by the artist's key; writing it again changes nothing.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypedDict

from segue.catalog.gathered import Gathered
from segue.storage.mongo import ASCENDING, DESCENDING
from segue.storage.records import Count, Readable
from segue.storage.store import Index

ArtistOrder = Literal["name", "albums", "tracks"]
_ORDERS: dict[str, list[tuple[str, int]]] = {
    "name": [("sort", ASCENDING), ("_id", ASCENDING)],
    "albums": [("albums", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
    "tracks": [("tracks", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
}


class Artist(TypedDict):
    """A document of `artists`. Only playable tracks count."""

    _id: str
    """The artist's key, which all spellings of the name share."""
    name: Annotated[str, Readable()]
    """Name, as most tracks spell it."""
    sort: str
    """Name in the form by which lists are sorted."""
    artist_id: str | None
    """MusicBrainz id of the artist."""
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


class Artists(Gathered[Artist, ArtistOrder]):
    """The artists of all libraries."""

    name = "artists"
    orders = _ORDERS
    texts: ClassVar = {"name": 1.0, "sort": 0.8}
    found_first = "tracks"
    indexes = tuple(Index(keys=keys) for keys in _ORDERS.values())
