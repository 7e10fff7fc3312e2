"""The artist and the first genre of tracks, in a cache."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from segue.catalog.tracks import Tracks

_REMEMBERED_SECONDS = 600.0


class TrackLabels:
    """Caches labels for ten minutes, after which new tags appear."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._known: dict[str, tuple[str, str]] = {}
        self._began = time.monotonic()

    def __call__(self, track_ids: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """(artist, first genre) by track id, for at least those tracks that the catalogue has."""
        if time.monotonic() - self._began > _REMEMBERED_SECONDS:
            self._known, self._began = {}, time.monotonic()
        missing = [track_id for track_id in track_ids if track_id not in self._known]
        if missing:
            self._known |= self._tracks.artist_and_genre(missing)
        return self._known
