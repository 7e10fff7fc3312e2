"""Columns of the index that are computed from the catalogue's tracks, one value for each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np

from segue.catalog.joined import Joined
from segue.catalog.letters import artist_key
from segue.catalog.songs import song_key
from segue.catalog.track import UNKNOWN_ARTIST
from segue.catalog.tracks import IndexedTrack


def artist_codes(tracks: Sequence[IndexedTrack]) -> np.ndarray:
    """(n,) int32: the code of each track's first main artist; -1 for an unknown artist.

    Each artist has a code, the same for all spellings, whether they are the first or another of a track.
    """
    codes = _code_of_artists(tracks)
    return np.array([codes[keys[0]] if (keys := _artist_keys(track)) else -1 for track in tracks], np.int32)


def other_artist_codes(tracks: Sequence[IndexedTrack]) -> np.ndarray | None:
    """(p, 2) int32: (row, code) of each further main artist of a track, by row; None if there are none."""
    codes = _code_of_artists(tracks)
    pairs = [(row, codes[key]) for row, track in enumerate(tracks) for key in _artist_keys(track)[1:]]
    return np.array(pairs, dtype=np.int32) if pairs else None


def song_codes(tracks: Sequence[IndexedTrack]) -> np.ndarray:
    """(n,) int32: a code for each song, shared by its versions and by copies of the same sound.

    -1 for a track that artist and title do not identify, and that has no copy.
    """
    keys = [song_key(_known(track.artist), track.title) for track in tracks]
    copies = Counter(chain.from_iterable(map(_sounds, tracks)))
    song_of: dict[str, str] = {}
    joined = Joined()
    for number, track in enumerate(tracks):
        for sound in _sounds(track):
            if copies[sound] > 1:
                own = keys[number] = keys[number] or f"\n{sound}"
                joined.join(song_of.setdefault(sound, own), own)
    return _codes([key and joined.first(key) for key in keys])


def _sounds(track: IndexedTrack) -> list[str]:
    """The sound of a track as it is stored and as it is heard, where they are known."""
    return [f"{kind} {value}" for kind, value in (("stored", track.sketch), ("heard", track.sound)) if value]


def _known(artist: str | None) -> str | None:
    return None if _artist_key(artist) is None else artist


def _artist_key(artist: str | None) -> str | None:
    key = artist_key(artist or "")
    return None if key in ("", artist_key(UNKNOWN_ARTIST)) else key


def _artist_keys(track: IndexedTrack) -> list[str]:
    """The keys of a track's main artists, each once; of an older release's track, that of the whole text."""
    keys = (_artist_key(name) for name in track.artists or (track.artist,))
    return list(dict.fromkeys(key for key in keys if key))


def _code_of_artists(tracks: Sequence[IndexedTrack]) -> dict[str, int]:
    keys = sorted({key for track in tracks for key in _artist_keys(track)})
    return {key: number for number, key in enumerate(keys)}


def _codes(keys: Sequence[str | None]) -> np.ndarray:
    known = sorted({key for key in keys if key is not None})
    code: dict[str | None, int] = {key: number for number, key in enumerate(known)}
    return np.array([code.get(key, -1) for key in keys], dtype=np.int32)
