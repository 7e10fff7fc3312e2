"""The artists of the catalogue: the collection `artists`, computed from `tracks` and `albums`.

Delivery: one document per artist, written by the artist's key; writing it again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, NotRequired, TypedDict

from segue.catalog.part import Part
from segue.catalog.track import Searchable
from segue.storage.mongo import ASCENDING, DESCENDING, Document, upsert
from segue.storage.records import Count, Readable
from segue.storage.store import Collection, Index, Job, Policy, Right

ArtistOrder = Literal["name", "albums", "tracks"]
_ORDERS: dict[ArtistOrder, list[tuple[str, int]]] = {
    "name": [("sort", ASCENDING), ("_id", ASCENDING)],
    "albums": [("albums", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
    "tracks": [("tracks", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
}
MOST_GENRES = 4
"""Genres of an artist or an album that are kept."""


class ArtistShare(TypedDict):
    """An artist's part of one library: the counts of :class:`Artist`, for that library alone."""

    library: str
    """Name of the library."""
    tracks: Count
    """Number of tracks of which this is a main artist."""
    featured: Count
    """Number of tracks on which the artist is featured."""
    albums: Count
    """Number of albums of the artist."""
    appears_on: Count
    """Number of others' albums with the artist."""
    duration_ms: Count
    """Length of the artist's tracks in milliseconds."""
    genres: list[str]
    """The most frequent genres."""
    cover_id: str | None
    """A cover of the artist's tracks."""


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
    libraries: NotRequired[list[ArtistShare]]
    """The parts of the libraries that have the artist; releases before 0.2 stored none."""


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
        found = self.documents.find_one(self._visible({"_id": key}))
        return self._shown(found) if found else None

    def several(self, keys: Iterable[str]) -> dict[str, Artist]:
        """The known ones among the artists, by key."""
        found = self.documents.find(self._visible({"_id": {"$in": sorted(set(keys))}}))
        return {artist["_id"]: self._shown(artist) for artist in found}

    def count(self) -> int:
        """About how many artists all libraries have."""
        return self.documents.estimated_document_count()

    def searchable(self) -> list[Searchable]:
        """The names of the artists of all libraries, those with most tracks first."""
        found = self.documents.find({}, {"name": 1}).sort(_ORDERS["tracks"])
        return [Searchable(track_id=artist["_id"], title=artist["name"]) for artist in found]

    def page(self, *, by: ArtistOrder, limit: int, after: int = 0) -> Part[Artist]:
        """A page of all artists: at most `limit`, without the first `after` ones."""
        wanted, documents = self._visible({}), self.documents
        found = documents.find(wanted).sort(_ORDERS[by]).skip(after).limit(limit)
        number = documents.count_documents(wanted) if wanted else documents.estimated_document_count()
        return Part(map(self._shown, found), total=number)

    def _visible(self, wanted: Document) -> Document:
        """A filter of artists without those who are in hidden libraries only."""
        hidden = self._hidden_libraries()
        return (
            {**wanted, "libraries": {"$elemMatch": {"library": {"$nin": sorted(hidden)}}}}
            if hidden
            else wanted
        )

    def _shown(self, artist: Artist) -> Artist:
        """The artist with the counts of the libraries that the present visitor sees."""
        hidden = self._hidden_libraries()
        every = artist.get("libraries", [])
        shares = [share for share in every if share["library"] not in hidden]
        if len(shares) == len(every):
            return artist
        genres = Counter(genre for share in shares for genre in share["genres"])
        return {
            **artist,
            "tracks": sum(share["tracks"] for share in shares),
            "featured": sum(share["featured"] for share in shares),
            "albums": sum(share["albums"] for share in shares),
            "appears_on": sum(share["appears_on"] for share in shares),
            "duration_ms": sum(share["duration_ms"] for share in shares),
            "genres": [genre for genre, _ in genres.most_common(MOST_GENRES)],
            "cover_id": next((share["cover_id"] for share in shares if share["cover_id"]), None),
            "libraries": shares,
        }
