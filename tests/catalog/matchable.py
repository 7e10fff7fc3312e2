"""Tracks as the matcher sees them."""

from __future__ import annotations

from segue.catalog.track_records import MatchableTrack


def track(
    own: str, title: str, *, artist: str = "Lumen", seconds: float = 200.0, **more: str
) -> MatchableTrack:
    return MatchableTrack(
        track_id=own,
        title=title,
        artist=artist,
        artists=(artist,),
        album=more.get("album"),
        duration_ms=round(seconds * 1000),
        recording=more.get("recording"),
        release_track=more.get("release_track"),
    )
