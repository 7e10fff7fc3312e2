"""A track of the catalogue, and the id that it keeps across runs and machines."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

NO_AUDIO = "no-audio"
"""The state of a track that a data set's tables have, and of which there is no usable file."""
PLAYABLE = {"$nin": ["vanished", NO_AUDIO]}
"""MongoDB's condition on `state` for tracks that a listener may be offered."""
LOSSLESS = frozenset({".flac", ".wav"})
"""A compressed song keeps the lossless one's whole name before its own ending: Song.flac.mp3."""


def track_id(library: str, relative: PurePosixPath) -> str:
    """The id of the track at a path within a library: 16 hexadecimal digits.

    The path is brought to Unicode's composed form first, since macOS stores the same name decomposed. A
    lossless song that was compressed (Song.flac to Song.flac.mp3) has the id that it had before.
    """
    if relative.suffix.lower() == ".mp3" and PurePosixPath(relative.stem).suffix.lower() in LOSSLESS:
        relative = relative.with_suffix("")
    name = unicodedata.normalize("NFC", f"{library}/{relative}")
    return hashlib.sha256(name.encode("utf-8")).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Track:
    """What the catalogue knows of an audio file that is there."""

    track_id: str
    library: str
    path: str
    """Absolute, on the machine that has read it."""
    title: str
    artist: str
    album: str | None
    genres: tuple[str, ...]
    duration_ms: int | None
    track: int | None
    """Its number on the album."""
    year: int | None
    cover_id: str | None
    size: int
    """Bytes."""
    modified_ns: int
    """Time of the last change, in nanoseconds since 1970."""
    known: str | None = None
    """A digest of what a data set's tables say of it."""
    fma: dict[str, Any] | None = None
    """Facts from FMA's tables: see :meth:`segue.catalog.fma.FmaTrack.facts`."""

    def document(self) -> dict[str, Any]:
        """As it is kept in MongoDB's `tracks`."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "track_id"}
        if self.known is None:
            del fields["known"], fields["fma"]
        return {"_id": self.track_id, **fields, "genres": list(self.genres), "state": "present"}


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A file that looked like a track and cannot be one."""

    path: str
    reason: str
    """The same word for all files with this fault."""
    detail: str
    track_id: str | None = None

    def document(self, *, stage: str) -> dict[str, Any]:
        """As it is kept in MongoDB's `rejected_tracks`, but for the time."""
        return {
            "_id": f"{stage}:{self.path}",
            "path": self.path,
            "track_id": self.track_id,
            "stage": stage,
            "reason": self.reason,
            "detail": self.detail,
        }
