"""The stored loudness of a track: the field `loudness` of `tracks`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict

from segue.audio.levels import VERSION, Level
from segue.catalog.stamp import Stamp
from segue.storage.records import Between

Loudness = Annotated[float, Between(-70, 20)]
"""LUFS."""
Peak = Annotated[float, Between(0, 1000)]
"""A share of full scale."""


class LevelDocument(TypedDict):
    """The measured loudness of a track's file."""

    version: str
    """Version of the measurement."""
    size: int | None
    """Size of the file that was measured."""
    modified_ns: int | None
    """Time of the file's last change, nanoseconds since 1970."""
    integrated: Loudness | None
    """Integrated loudness in LUFS (EBU R 128); none for silence."""
    peak: Peak | None
    """True peak as a share of full scale; none for silence."""
    blocks: bytes
    """Numbers of blocks by their loudness, for the loudness of the album."""
    reason: NotRequired[str]
    """Why the file cannot be measured."""


def level_document(level: Level, stamp: Stamp, *, reason: str | None = None) -> LevelDocument:
    """The document of a measured file."""
    document: LevelDocument = {
        "version": version(),
        "size": stamp.size,
        "modified_ns": stamp.modified_ns,
        "integrated": level.integrated,
        "peak": level.peak,
        "blocks": level.blocks,
    }
    if reason:
        document["reason"] = reason
    return document


def level_of(track: Mapping[str, Any]) -> Level | None:
    """The loudness of a track, from a document with it and the file's stamp; None until it is measured."""
    stored = track.get("loudness")
    if not stored or not is_current(track):
        return None
    return Level(
        integrated=stored.get("integrated"), peak=stored.get("peak"), blocks=stored.get("blocks") or b""
    )


def is_current(track: Mapping[str, Any]) -> bool:
    """Whether the stored loudness is that of the track's present file."""
    stored = track.get("loudness") or {}
    return Stamp.of(stored) == Stamp(version(), track.get("size"), track.get("modified_ns"))


def version() -> str:
    """The version of the measurement, as it is stored."""
    return str(VERSION)
