"""The lyrics of tracks: the collection `lyrics`. They are apart from `tracks`, whose documents stay small.

Delivery: one document per track with lyrics, written by the track's id, so that writing it again changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, NotRequired, TypedDict

from segue.catalog.lyrics import LATEST_MS, LyricLine, Lyrics
from segue.catalog.tracks import Tracks
from segue.storage.mongo import upsert
from segue.storage.records import Aligned, Between
from segue.storage.store import Collection, Job, Policy, Right, Store

_PER_WRITE = 64


class LyricsVersion(TypedDict):
    """The lyrics in one language."""

    language: str
    """Code of the language by ISO 639; `und` if it is not known."""
    texts: list[str]
    """Lines; an empty one is a pause."""
    starts_ms: NotRequired[list[Annotated[int, Between(0, LATEST_MS)]]]
    """Time at which each line begins, in ascending order; none for lyrics without times."""


class TrackLyricsDocument(TypedDict):
    """A document of `lyrics`."""

    _id: str
    """The track's id."""
    versions: list[Annotated[LyricsVersion, Aligned()]]
    """The lyrics, those with times first."""


class TrackLyrics(Collection[TrackLyricsDocument]):
    """The lyrics of all tracks that have some."""

    name = "lyrics"
    policy = Policy(computed=True, access={Job.CATALOGUE: Right.WRITE, Job.DASHBOARD: Right.READ})

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._tracks = Tracks(store)

    def replace(self, lyrics: Mapping[str, Sequence[Lyrics]]) -> None:
        """Store the lyrics of tracks by id, and remove those of tracks that have none any more."""
        found = [
            {"_id": track_id, "versions": [_version(one) for one in versions]}
            for track_id, versions in lyrics.items()
            if versions
        ]
        upsert(self.documents, found, batch=_PER_WRITE)
        self.remove(track_id for track_id, versions in lyrics.items() if not versions)

    def remove(self, track_ids: Iterable[str]) -> None:
        """Remove the lyrics of tracks."""
        if ids := list(track_ids):
            self.documents.delete_many({"_id": {"$in": ids}})

    def of(self, track_id: str) -> tuple[Lyrics, ...] | None:
        """The lyrics of a track, those with times first; None if there is no such track for the visitor."""
        if self._tracks.summary(track_id) is None:
            return None
        document = self.documents.find_one({"_id": track_id})
        return tuple(map(_lyrics, document["versions"])) if document else ()


def _version(lyrics: Lyrics) -> LyricsVersion:
    version: LyricsVersion = {
        "language": lyrics.language,
        "texts": [line.text for line in lyrics.lines],
    }
    if lyrics.synced:
        version["starts_ms"] = [line.start_ms or 0 for line in lyrics.lines]
    return version


def _lyrics(version: LyricsVersion) -> Lyrics:
    texts = version["texts"]
    starts: Sequence[int | None] = version.get("starts_ms") or [None] * len(texts)
    lines = (LyricLine(text=text, start_ms=at) for text, at in zip(texts, starts, strict=False))
    return Lyrics(language=version["language"], lines=tuple(lines))
