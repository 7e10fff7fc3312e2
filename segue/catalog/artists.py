"""The artists of the catalogue: the collection `artists`, computed from `tracks` and `albums`.

Delivery: one document per artist, written by the artist's key; writing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypedDict

from segue.catalog.part import Part
from segue.storage.mongo import ASCENDING, DESCENDING, upsert
from segue.storage.records import Count, Readable
from segue.storage.store import Collection, Index, Job, Policy, Right

ArtistOrder = Literal["name", "albums", "tracks"]
_ORDERS: dict[ArtistOrder, list[tuple[str, int]]] = {
    "name": [("sort", ASCENDING), ("_id", ASCENDING)],
    "albums": [("albums", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
    "tracks": [("tracks", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
}


class Artist(TypedDict):
    """A document of `artists`. Only playable tracks count."""

    _id: str
    """The artist's key, which all spellings of the name share."""
    name: Annotated[str, Readable()]
    """Name, in the spelling of most tracks."""
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


class Artists(Collection[Artist]):
    """The artists of all libraries."""

    name = "artists"
    policy = Policy(
        computed=True,
        access={
            Job.CATALOGUE: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.READ | Right.INDEX,
            Job.OPERATOR: Right.READ,
        },
    )
    indexes = tuple(Index(keys=keys) for keys in _ORDERS.values())

    def replace(self, wanted: Iterable[str], artists: Iterable[Artist]) -> None:
        """Store artists, and remove those of the wanted keys that are not among them."""
        found = list(artists)
        upsert(self.documents, found)
        gone = set(wanted) - {artist["_id"] for artist in found}
        self.documents.delete_many({"_id": {"$in": sorted(gone)}})

    def clear(self) -> None:
        """Remove all artists, to gather them again."""
        self.documents.delete_many({})

    def artist(self, key: str) -> Artist | None:
        """An artist; None if there is none with this key."""
        return self.documents.find_one({"_id": key})

    def page(self, *, by: ArtistOrder, limit: int, after: int = 0) -> Part[Artist]:
        """A page of all artists: at most `limit`, without the first `after` ones."""
        found = self.documents.find().sort(_ORDERS[by]).skip(after).limit(limit)
        return Part(found, total=self.documents.estimated_document_count())
