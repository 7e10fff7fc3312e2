"""How often listeners have played tracks and albums, and when they last did, kept in memory for a moment.

A song that was skipped early was not played: apps and their protocol count songs that were heard.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from segue.catalog.full_tracks import FullTracks
from segue.engagement.summed_listening import SummedListening, TrackPlays
from segue.storage.store import Store
from segue.taste.history import last_played
from segue.taste.tastes import Tastes

_SHORTEST_SECONDS = 1.0
_SHARE = 20
"""Counts are kept for this multiple of the time that it took to count."""
_LONGEST_SECONDS = 60.0
_MOST = 200
"""Listeners whose counts are kept."""


@dataclass(frozen=True, kw_only=True)
class PlayCounts:
    """The plays of a listener."""

    tracks: Mapping[str, TrackPlays] = field(default_factory=dict)
    albums: Mapping[str, TrackPlays] = field(default_factory=dict)
    """By the album's id; a play of a track is one of its album."""

    def frequent_albums(self) -> list[str]:
        """The albums, the most played first."""
        return sorted(self.albums, key=lambda own: (-self.albums[own].plays, own))

    def recent_albums(self) -> list[str]:
        """The albums, the last played first."""
        return sorted(self.albums, key=lambda own: (self.albums[own].last, own), reverse=True)


class Listened:
    """Reads the plays of listeners. Thread-safe."""

    def __init__(self, store: Store, tracks: FullTracks, *, window: timedelta) -> None:
        """`window` is the length of the windows of facts, `engagement.window`."""
        self._listening, self._tastes, self._tracks = SummedListening(store), Tastes(store), tracks
        self._window = window
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, PlayCounts]] = {}

    def by(self, user_id: str) -> PlayCounts:
        """The plays of a listener."""
        began = time.monotonic()
        with self._lock:
            until, known = self._known.get(user_id, (0.0, None))
        if known is not None and began < until:
            return known
        counts = self._count(user_id)
        took = time.monotonic() - began
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            kept = min(max(_SHORTEST_SECONDS, _SHARE * took), _LONGEST_SECONDS)
            self._known[user_id] = time.monotonic() + kept, counts
        return counts

    def _count(self, user_id: str) -> PlayCounts:
        tracks = self._timed(user_id, self._listening.totals(user_id, without_early_skips=True))
        albums: dict[str, TrackPlays] = {}
        for track_id, album_id in self._tracks.albums_of(tracks).items():
            plays, last = tracks[track_id]
            before = albums.get(album_id, TrackPlays(0, datetime.min.replace(tzinfo=last.tzinfo)))
            albums[album_id] = TrackPlays(before.plays + plays, max(before.last, last))
        return PlayCounts(tracks=tracks, albums=albums)

    def _timed(self, user_id: str, plays: Mapping[str, TrackPlays]) -> dict[str, TrackPlays]:
        """The plays with the times of the last ones: the history has those of the latest."""
        timed = dict(plays)
        for played in last_played(self._tastes.history(user_id)):
            known, at = plays.get(played.track_id), datetime.fromtimestamp(played.at / 1000, UTC)
            if known is not None and known.last <= at < known.last + self._window:
                timed[played.track_id] = known._replace(last=at)
        return timed
