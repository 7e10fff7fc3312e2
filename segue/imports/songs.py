"""The songs of imported plays, each with the track that it means, if the library has it.

Delivery: one document for each listener and song. Plays name a song by its key, so a track that comes into
the library later changes one document, not the plays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, NamedTuple, NotRequired, TypedDict

from segue.batches import batches
from segue.imports.play import Song
from segue.storage.mongo import UpdateOne
from segue.storage.records import Between
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

_AT_ONCE = 1000


class Match(NamedTuple):
    """The track that a song means."""

    track_id: str | None
    ambiguous: bool = False
    """Whether several tracks fit equally well."""


class HeardSong(NamedTuple):
    """A song with its track, as an import found it."""

    song: Song
    match: Match
    first_at: int
    """Epoch seconds of its first play in the import."""


class StoredSong(TypedDict):
    """A document of `imported_songs`."""

    _id: str
    """"<user id>:<key>"; the key is that of :meth:`segue.imports.play.Song.key`."""
    user_id: str
    """The listener's id."""
    title: str
    """The title that the service gave."""
    artist: str
    """The artists that the service gave, as one text."""
    album: str
    """The album that the service gave; may be empty."""
    seconds: NotRequired[Annotated[float, Between(0, 1e6)] | None]
    """The length that the service gave."""
    recordings: NotRequired[list[str]]
    """Ids of the recording at MusicBrainz, the best first."""
    release_track: NotRequired[str]
    """MusicBrainz's id of the track on a release."""
    uri: NotRequired[str]
    """The service's own address of the song."""
    source_id: NotRequired[str]
    """The id of the track in the Segue from which the play came."""
    track_id: str | None
    """The track of the library; none if no track fits, or several do."""
    ambiguous: bool
    """Whether several tracks fit equally well."""
    first_at: Annotated[int, Between(0, 253_402_300_799)]
    """When the listener first played it, epoch seconds."""


class ImportedSongs(Collection[StoredSong]):
    """All listeners' imported songs."""

    name = "imported_songs"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={
            Job.DASHBOARD: Right.WRITE | Right.INDEX,
            Job.CATALOGUE: Right.WRITE,
            Job.STREAM: Right.WRITE,
            Job.OPERATOR: Right.WRITE,
        },
    )
    indexes = (Index.on("user_id", "track_id"), Index.on("track_id"))

    def keep(self, user_id: str, songs: Mapping[str, HeardSong]) -> None:
        """Store songs by key. A song that is there keeps its description and its match."""
        for part in batches(songs.items(), _AT_ONCE):
            self.documents.bulk_write(
                [
                    UpdateOne(
                        {"_id": _id(user_id, key)},
                        {
                            "$setOnInsert": {
                                "user_id": user_id,
                                **_described(heard.song),
                                "track_id": heard.match.track_id,
                                "ambiguous": heard.match.ambiguous,
                            },
                            "$min": {"first_at": heard.first_at},
                        },
                        upsert=True,
                    )
                    for key, heard in part
                ],
                ordered=False,
            )

    def number(self, user_id: str) -> int:
        """The number of a listener's songs."""
        return self.documents.count_documents({"user_id": user_id})

    def heard(self, user_id: str) -> dict[str, StoredSong]:
        """Artist, track and time of the first play of each of a listener's songs, by key."""
        fields = {"artist": 1, "track_id": 1, "first_at": 1}
        return {_key(song["_id"]): song for song in self.documents.find({"user_id": user_id}, fields)}

    def date(self, user_id: str, first: Mapping[str, int]) -> None:
        """Store the epoch seconds of the first plays of songs, after plays were removed."""
        for part in batches(first.items(), _AT_ONCE):
            self.documents.bulk_write(
                [UpdateOne({"_id": _id(user_id, key)}, {"$set": {"first_at": at}}) for key, at in part],
                ordered=False,
            )

    def matches(self, user_id: str) -> dict[str, Match]:
        """The match of each of a listener's songs, by key."""
        found = self.documents.find({"user_id": user_id}, {"track_id": 1, "ambiguous": 1})
        return {_key(song["_id"]): Match(song["track_id"], song["ambiguous"]) for song in found}

    def described(self, user_id: str, keys: Iterable[str]) -> dict[str, StoredSong]:
        """Songs of a listener by key."""
        ids = [_id(user_id, key) for key in keys]
        return {_key(song["_id"]): song for song in self.documents.find({"_id": {"$in": ids}})}

    def unmatched(self) -> Iterator[tuple[str, Song]]:
        """The documents' ids and the songs, of all listeners, that have no track."""
        for song in self.documents.find({"track_id": None}):
            yield song["_id"], song_of(song)

    def settle_of(self, user_id: str, matches: Mapping[str, Match]) -> None:
        """Store the matches of a listener's songs, by key."""
        self.settle({_id(user_id, key): match for key, match in matches.items()})

    def settle(self, matches: Mapping[str, Match]) -> None:
        """Store the matches of songs, by the documents' ids."""
        for part in batches(matches.items(), _AT_ONCE):
            self.documents.bulk_write(
                [
                    UpdateOne(
                        {"_id": own}, {"$set": {"track_id": match.track_id, "ambiguous": match.ambiguous}}
                    )
                    for own, match in part
                ],
                ordered=False,
            )

    def remove(self, user_id: str, keys: Iterable[str]) -> None:
        """Remove songs of a listener."""
        for part in batches([_id(user_id, key) for key in keys], _AT_ONCE):
            self.documents.delete_many({"_id": {"$in": part}})


def song_of(stored: StoredSong) -> Song:
    """The description in a document."""
    return Song(
        title=stored["title"],
        artist=stored["artist"],
        album=stored["album"],
        seconds=stored.get("seconds"),
        recordings=tuple(stored.get("recordings") or ()),
        release_track=stored.get("release_track") or "",
        track_id=stored.get("source_id") or "",
        uri=stored.get("uri") or "",
    )


def _described(song: Song) -> dict[str, object]:
    more = {
        "seconds": song.seconds,
        "recordings": list(song.recordings),
        "release_track": song.release_track,
        "uri": song.uri,
        "source_id": song.track_id,
    }
    return {
        "title": song.title,
        "artist": song.artist,
        "album": song.album,
        **{name: value for name, value in more.items() if value},
    }


def _id(user_id: str, key: str) -> str:
    return f"{user_id}:{key}"


def _key(document_id: str) -> str:
    return document_id.rpartition(":")[2]
