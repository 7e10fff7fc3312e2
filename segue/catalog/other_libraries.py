"""Recognises a file that came from another library: the song keeps its track."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from segue.audio.describing import WHOLE
from segue.catalog.identity import Identity
from segue.catalog.stored_paths import path_to_open
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_records import StoredFile


class OtherLibraries:
    """The tracks of all libraries but one."""

    def __init__(self, tracks: TrackFiles, library: str) -> None:
        self._tracks, self._library = tracks, library
        self._taken: set[str] = set()

    def moved(self, found: Sequence[Identity]) -> dict[str, StoredFile]:
        """The tracks that files are, by the files' keys; each track is one file at most.

        A track is a file's if it has the same sound as it is stored, and if its own file is gone: it was
        found to be gone, or is missing on a disk that is not away. A copy is another track.
        """
        by_sketch: dict[str, list[StoredFile]] = defaultdict(list)
        sketches = {file.sketch for file in found if file.sketch}
        for track in self._tracks.with_sketches(sketches, besides=self._library) if sketches else ():
            if track.cue is None and track.track_id not in self._taken and _is_gone(track):
                by_sketch[track.sketch or ""].append(track)
        known: dict[str, StoredFile] = {}
        for file in found:
            if file.span == WHOLE and (those := by_sketch.get(file.sketch or "")):
                known[file.key] = those.pop(0)
                self._taken.add(known[file.key].track_id)
        return known


def _is_gone(track: StoredFile) -> bool:
    if track.state == "vanished":
        return True
    if track.path is None or track.away:
        return False
    path = Path(path_to_open(track.path))
    return not os.path.lexists(path) and _is_mounted(path, track.device)


def _is_mounted(path: Path, device: int | None) -> bool:
    """Whether the nearest existing folder above a missing file has files, and lies on the file's device."""
    for folder in path.parents:
        try:
            return folder.stat().st_dev == device and any(folder.iterdir())
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return False
