"""The part of a file that is a track: the field `cue` of `tracks`.

Spark's workers, which read no sheets, import this.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from segue.storage.records import Between, Count

Seconds = Annotated[float, Between(0, 10_000_000)]


class CueDocument(TypedDict):
    """The part of a file that is the track."""

    number: Count
    """Number of the song in the sheet."""
    start: Seconds
    """Seconds from the beginning of the file."""
    end: Seconds | None
    """Seconds from the beginning of the file; none for its end."""
    digest: str
    """Digest of the song's entry in the sheet."""


def span_of(cue: CueDocument | None) -> tuple[float, float | None]:
    """Start and end of a track in seconds from the beginning of its file; None for the file's end."""
    return (cue["start"], cue["end"]) if cue else (0.0, None)
