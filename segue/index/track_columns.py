"""Columns of the index that are computed from the catalogue's tracks, one value for each row."""

from __future__ import annotations

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
    """(n,) int32: a code for each song, shared by its versions; -1 if artist and title do not identify it."""
    return _codes([song_key(_known(track.artist), track.title) for track in tracks])


def _known(artist: str | None) -> str | None:
    return None if _artist_key(artist) is None else artist


def _artist_key(artist: str | None) -> str | None:
    key = artist_key(artist or "")
    return None if key in ("", artist_key(UNKNOWN_ARTIST)) else key


def _codes(keys: Sequence[str | None]) -> np.ndarray:
    known = sorted({key for key in keys if key is not None})
    code: dict[str | None, int] = {key: number for number, key in enumerate(known)}
    return np.array([code.get(key, -1) for key in keys], dtype=np.int32)
