"""The albums of the catalogue: the collection `albums`, computed from `tracks`.

Delivery: one document per album, written by its id; writing it again changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, NamedTuple, NotRequired, TypedDict

from segue.catalog.credits import VARIOUS_ARTISTS
from segue.catalog.gathered import GATHERED_AT, GatheredCollection
from segue.catalog.grouping import album_key
from segue.catalog.letters import artist_key
from segue.catalog.levels import Loudness, Peak
from segue.catalog.part import Part
from segue.storage.mongo import ASCENDING, DESCENDING, Document
from segue.storage.records import Between, Count, Readable
from segue.storage.store import Index

AlbumOrder = Literal["name", "artist", "year", "added"]
_ORDERS: dict[str, list[tuple[str, int]]] = {
    "name": [("sort", ASCENDING), ("_id", ASCENDING)],
    "artist": [("artist_sort", ASCENDING), ("year", ASCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
    "year": [("year", DESCENDING), ("sort", ASCENDING), ("_id", ASCENDING)],
    "added": [("added_at", DESCENDING), ("_id", ASCENDING)],
}


class Album(TypedDict):
    """A document of `albums`. Only playable tracks count."""

    _id: str
    """The album's id: 16 hexadecimal digits."""
    library: str
    """Name of the library."""
    name: Annotated[str, Readable()]
    """Name, in the spelling of most of its tracks."""
    key: str
    """Name for comparison: :func:`segue.catalog.grouping.album_key`."""
    keys: list[str]
    """The keys of all its tracks: a release with one id may have several names."""
    artist: str
    """Artists as one text; `Various Artists` for a compilation."""
    artist_keys: list[str]
    """Keys of the album's artists; empty for various artists."""
    appearing: list[str]
    """Keys of the artists on its tracks who are not the album's artists."""
    various: bool
    """Whether it is a compilation of various artists."""
    sort: str
    """Name in the form by which lists are sorted."""
    artist_sort: str
    """Artist in the form by which lists are sorted."""
    year: Annotated[int, Between(0, 9999)] | None
    """Year of this release."""
    original_year: Annotated[int, Between(0, 9999)] | None
    """Year of the first release."""
    edition: str | None
    """Edition, such as `Deluxe Edition`."""
    release: str | None
    """MusicBrainz id of the release."""
    release_group: str | None
    """MusicBrainz id of the release group."""
    tracks: Count
    """Number of tracks."""
    discs: Count
    """Number of discs, by the tags."""
    duration_ms: Count
    """Length of all tracks in milliseconds."""
    genres: list[str]
    """Its most frequent genres, at most four."""
    cover_id: str | None
    """Id of the cover in `covers`."""
    loudness: NotRequired[Loudness | None]
    """Integrated loudness of all tracks as one recording, in LUFS; none until all are measured."""
    peak: NotRequired[Peak | None]
    """Largest true peak of its tracks; none until all are measured."""
    added_at: datetime | None
    """When its newest track came into the library."""
    gathered_at: NotRequired[datetime]
    """When the document was written."""


class AlbumCounts(NamedTuple):
    """Numbers of albums of an artist."""

    own: int = 0
    others: int = 0
    """Albums of others on which the artist appears."""


class Albums(GatheredCollection[Album, AlbumOrder]):
    """The albums of all libraries."""

    name = "albums"
    orders = _ORDERS
    library_field = "library"
    searched: ClassVar = {
        "name": 1.0,
        "sort": 0.8,
        "artist": 0.6,
        "artist_sort": 0.5,
        "edition": 0.4,
        "year": 0.3,
    }
    found_first = "artist"
    indexes = (
        *(Index(keys=keys) for keys in _ORDERS.values()),
        GATHERED_AT,
        Index.on("library"),
        Index.on("keys"),
        Index.on("artist_keys", "year", "sort"),
        Index.on("appearing", "year", "sort"),
        Index.on("genres", "sort"),
    )

    def outside(self, libraries: Sequence[str]) -> Document:
        """A filter of the albums that are not in these libraries."""
        return {"library": {"$nin": libraries}}

    def named(self, name: str, artist: str) -> Album | None:
        """The oldest album with a name that an artist made or appears on; None if there is none."""
        key = artist_key(artist)
        wanted: Document = {"keys": album_key(name)}
        if key not in VARIOUS_ARTISTS:
            wanted["$or"] = [{"artist_keys": key}, {"appearing": key}]
        found = self.documents.find(self.visible(wanted))
        found = found.sort([("year", ASCENDING), ("_id", ASCENDING)]).limit(1)
        return next(iter(found), None)

    def listed(
        self, *, by: AlbumOrder, limit: int, after: int = 0, library: str | None = None
    ) -> list[Album]:
        """A page of all albums, or of a library's, without their number."""
        found = self.documents.find(self._of_library({}, library)).sort(_ORDERS[by])
        return list(found.skip(after).limit(limit))

    def of_years(
        self, first: int, last: int, *, limit: int, after: int = 0, library: str | None = None
    ) -> list[Album]:
        """The albums of the years from `first` to `last`, both included; newest first if `first` is later."""
        order = ASCENDING if first <= last else DESCENDING
        wanted = {"year": {"$gte": min(first, last), "$lte": max(first, last)}}
        found = self.documents.find(self._of_library(wanted, library))
        return list(
            found.sort([("year", order), ("sort", ASCENDING), ("_id", ASCENDING)]).skip(after).limit(limit)
        )

    def of_genre(self, genre: str, *, limit: int, after: int = 0, library: str | None = None) -> list[Album]:
        """The albums of a genre, by name."""
        found = self.documents.find(self._of_library({"genres": genre}, library))
        return list(found.sort([("sort", ASCENDING), ("_id", ASCENDING)]).skip(after).limit(limit))

    def genre_counts(self) -> dict[str, int]:
        """The number of albums of each genre."""
        steps: list[Document] = [
            {"$match": self.visible({})},
            {"$unwind": "$genres"},
            {"$group": {"_id": "$genres", "albums": {"$sum": 1}}},
        ]
        return {str(group["_id"]): int(group["albums"]) for group in self.aggregate(steps)}

    def random(self, *, limit: int, library: str | None = None) -> list[Album]:
        """Random albums."""
        steps: list[Document] = [{"$match": self._of_library({}, library)}, {"$sample": {"size": limit}}]
        steps.append({"$project": {"_id": 1}})
        return self.several(album["_id"] for album in self.aggregate(steps))

    def by_artist(self, key: str, *, limit: int) -> Part[Album]:
        """The albums of an artist, oldest first."""
        return self._of({"artist_keys": key}, limit)

    def with_artist(self, key: str, *, limit: int) -> Part[Album]:
        """The albums of others on which an artist appears, oldest first."""
        return self._of({"appearing": key}, limit)

    def counts(self, keys: Iterable[str]) -> dict[str, dict[str, AlbumCounts]]:
        """The numbers of artists' own albums, and of others' albums with them, by key and library."""
        wanted = {"$in": sorted(set(keys))}
        fields = {"library": 1, "artist_keys": 1, "appearing": 1}
        found: dict[str, dict[str, AlbumCounts]] = defaultdict(dict)
        asked = set(wanted["$in"])
        for album in self.documents.find({"$or": [{"artist_keys": wanted}, {"appearing": wanted}]}, fields):
            for field, own in (("artist_keys", 1), ("appearing", 0)):
                for key in asked.intersection(album[field]):  # type: ignore[literal-required]
                    before = found[key].get(album["library"], AlbumCounts())
                    found[key][album["library"]] = AlbumCounts(before.own + own, before.others + 1 - own)
        return found

    def names(self, keys: Iterable[str]) -> dict[str, str]:
        """The names of artists as albums of theirs alone give them, by key."""
        wanted = {"artist_keys": {"$in": sorted(set(keys)), "$size": 1}}
        found = self.documents.find(wanted, {"artist": 1, "artist_keys": 1}).sort("_id")
        return {album["artist_keys"][0]: album["artist"] for album in found}

    def _of_library(self, wanted: Document, library: str | None) -> Document:
        """A filter of the albums that the present visitor sees; with a `library`, of its albums alone."""
        hidden = self.hidden_libraries()
        if library is None:
            return self.visible(wanted)
        return {**wanted, "library": library if library not in hidden else {"$in": []}}

    def _of(self, wanted: Document, limit: int) -> Part[Album]:
        wanted = self.visible(wanted)
        found = list(
            self.documents.find(wanted).sort([("year", ASCENDING), ("sort", ASCENDING)]).limit(limit)
        )
        whole = len(found) < limit
        return Part(found, total=None if whole else self.documents.count_documents(wanted))
