"""The artist and the first genre of tracks, remembered for a while."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from segue.catalog.tracks import Tracks

_REMEMBERED_SECONDS = 600.0


class TrackLabels:
    """Remembers labels for ten minutes, so that new tags are seen."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._known: dict[str, tuple[str, str]] = {}
        self._began = time.monotonic()

    def __call__(self, track_ids: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """(artist, first genre) of at least those of the tracks that the catalogue has, by id."""
        if time.monotonic() - self._began > _REMEMBERED_SECONDS:
            self._known, self._began = {}, time.monotonic()
        missing = [track_id for track_id in track_ids if track_id not in self._known]
        if missing:
            self._known |= self._tracks.artist_and_genre(missing)
        return self._known
