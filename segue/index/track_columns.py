"""Columns of the index that are computed from the catalogue's tracks, one value for each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from segue.catalog.letters import artist_key
from segue.catalog.songs import song_key
from segue.catalog.track import UNKNOWN_ARTIST
from segue.catalog.tracks import IndexedTrack


def artist_codes(tracks: Sequence[IndexedTrack]) -> np.ndarray:
    """(n,) int32: a code for each artist, the same for all spellings; -1 for an unknown artist."""
    return _codes([_artist_key(track.artist) for track in tracks])


def song_codes(tracks: Sequence[IndexedTrack]) -> np.ndarray:
    """(n,) int32: a code for each song, shared by its versions and by copies of the same sound.

    -1 for a track that artist and title do not identify, and that has no copy.
    """
    keys = [song_key(_known(track.artist), track.title) for track in tracks]
    copies = Counter(track.sketch for track in tracks if track.sketch)
    song_of: dict[str, str] = {}
    joined = _Joined()
    for number, (key, track) in enumerate(zip(keys, tracks, strict=True)):
        if track.sketch and copies[track.sketch] > 1:
            own = keys[number] = key or f"\n{track.sketch}"
            joined.join(song_of.setdefault(track.sketch, own), own)
    return _codes([key and joined.first(key) for key in keys])


class _Joined:
    """Keys of songs of which a copy is known to be another's (a union-find structure)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def first(self, key: str) -> str:
        while (parent := self._parent.get(key, key)) != key:
            key = parent
        return key

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.first(one), self.first(other)))
        if first != second:
            self._parent[second] = first


def _known(artist: str | None) -> str | None:
    return None if _artist_key(artist) is None else artist


def _artist_key(artist: str | None) -> str | None:
    key = artist_key(artist or "")
    return None if key in ("", artist_key(UNKNOWN_ARTIST)) else key


def _codes(keys: Sequence[str | None]) -> np.ndarray:
    known = sorted({key for key in keys if key is not None})
    code: dict[str | None, int] = {key: number for number, key in enumerate(known)}
    return np.array([code.get(key, -1) for key in keys], dtype=np.int32)
