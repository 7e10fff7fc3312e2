"""A track of the catalogue, and the id that it keeps across runs and machines."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

NO_AUDIO = "no-audio"
"""The state of a track that a data set's tables have and whose file is not there."""
THERE = {"state": {"$nin": ["vanished", NO_AUDIO]}}
"""The condition in MongoDB for tracks that can be heard."""


def track_id(library: str, relative: PurePosixPath) -> str:
    """The id of the track at a path within a library: 16 hexadecimal digits.

    The path is brought to Unicode's composed form first, since macOS stores the same name decomposed.
    """
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
    more: Mapping[str, Any] = field(default_factory=dict)
    """What only its data set knows."""

    def document(self) -> dict[str, Any]:
        """As it is kept in MongoDB's `tracks`."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields = {name: value for name, value in own.items() if name not in ("track_id", "more")}
        return {
            "_id": self.track_id,
            **fields,
            "genres": list(self.genres),
            **self.more,
            "state": "present",
        }


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
