"""Files that are songs of connected servers: such a file takes over the song's track, with all that it has.

So a folder that is read after a server was connected shows no song twice. The next pass over the server's
catalogue notes that the track has a file here.
"""

from __future__ import annotations

from collections.abc import Iterable

from segue.catalog.track import Track
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_records import StoredFile
from segue.connected.matching import Candidates, Facts, facts_of_track


class SongsOnDisk:
    """The songs of all connected servers that have no file here. The catalogue is read at the first use."""

    def __init__(self, tracks: TrackFiles) -> None:
        self._tracks = tracks
        self._candidates: Candidates | None = None

    def of(self, found: Iterable[Track]) -> dict[str, StoredFile]:
        """The tracks of songs that new files are, by the files' keys; each track is one file at most."""
        if self._candidates is None:
            self._candidates = Candidates(facts_of_track(one) for one in self._tracks.on_any_server())
        # A part of a file is no song of a server.
        known = self._candidates.recognised([_facts(track) for track in found if track.cue is None])
        files = self._tracks.stored_files(known.values()) if known else {}
        return {key: files[own] for key, own in known.items() if own in files}


def _facts(track: Track) -> Facts:
    return Facts(
        key=track.track_id,
        title=track.title,
        artist=track.artist,
        album=track.album or "",
        seconds=track.duration_ms / 1000 if track.duration_ms else None,
        path=track.path or "",
        recording=track.details.ids.recording,
    )
