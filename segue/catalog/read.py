"""From an audio file to a track of the catalogue."""

from __future__ import annotations

from pathlib import Path

from segue.audio.errors import AudioError
from segue.catalog.covers import Cover, find_cover
from segue.catalog.fma import FmaTrack
from segue.catalog.scan import AudioFile
from segue.catalog.tags import read_tags
from segue.catalog.tracks import Rejected, Track, track_id


def read_track(
    file: AudioFile, *, library: str, known: FmaTrack | None = None
) -> tuple[Track, Cover | None] | Rejected:
    """Read a file's tags and cover; what is `known` from a data set's own tables goes before the tags."""
    path = Path(file.path)
    own_id = track_id(library, file.relative)
    try:
        tags, audio = read_tags(path, relative=file.relative)
    except AudioError as error:
        return Rejected(path=file.path, track_id=own_id, reason=error.reason, detail=error.detail)
    cover = find_cover(path, audio)
    track = Track(
        track_id=own_id,
        library=library,
        path=file.path,
        title=known and known.title or tags.title,
        artist=known and known.artist or tags.artist,
        album=known and known.album or tags.album,
        genres=known and known.genres or tags.genres,
        duration_ms=tags.duration_ms,
        track=tags.track,
        year=tags.year,
        cover_id=cover and cover.cover_id,
        size=file.size,
        modified_ns=file.modified_ns,
    )
    return track, cover
