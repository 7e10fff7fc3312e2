"""Libraries for the tests of imports."""

from __future__ import annotations

from segue.catalog.track_records import MatchableTrack
from segue.imports.matched import Library
from tests.catalog.matchable import track as matchable


def track(own: str, title: str, *, seconds: float = 200.0, **more: str) -> MatchableTrack:
    """A track of Vela."""
    return matchable(own, title, artist="Vela", seconds=seconds, **more)


def library(*tracks: MatchableTrack) -> Library:
    return Library(tracks)


LIBRARY = library(*(track(f"t{i}", f"Song {i}") for i in range(5)))
