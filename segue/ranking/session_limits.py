"""How many tracks just heard a list may have, and how long it stays with an artist. Pure.

Both follow from the listener's behaviour: someone on an album or on repeat gets more of the same, someone who
explores gets new tracks. `ranking.repeat_share` and `ranking.staying_per_artist` are the bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from segue.index.track_index import TrackIndex
from segue.settings import RankingSettings
from segue.taste.heard import LATELY
from segue.taste.profile import ListenerProfile

_SURE_OF_REPEATS = 0.4
"""With this share of repeats in the last signals, or more, a list may have as many as the setting allows."""
_ONE_OF_FIVE, _SURE_OF_ARTIST = 0.2, 0.6
"""The limit of an artist rises between these shares of the last signals."""


@dataclass(frozen=True)
class SessionLimits:
    """The limits of a list that follow from the session of its listener."""

    again: frozenset[int] = frozenset()
    """Rows that were heard recently and may come again."""
    repeats: int = 0
    """The number of them that a list may have."""
    more_of_artist: Mapping[int, int] = field(default_factory=dict)
    """By the code of an artist: the tracks beyond `ranking.max_per_artist` in a stretch of the list."""

    @classmethod
    def of(cls, profile: ListenerProfile, bundle: TrackIndex, ranking: RankingSettings) -> SessionLimits:
        """The limits for a listener's list; with the sum of scores, nothing depends on the session."""
        if ranking.model == "sum":
            return NO_SESSION
        heard = profile.heard
        strength = min(1.0, heard.repeating / _SURE_OF_REPEATS)
        return cls(
            again=frozenset(heard.rows.tolist()),
            repeats=int(ranking.repeat_share * ranking.list_length * strength),
            more_of_artist=_more_of_artist(profile, bundle, ranking),
        )


NO_SESSION = SessionLimits()
"""No track comes again, and `ranking.max_per_artist` holds for every artist."""


def _more_of_artist(profile: ListenerProfile, bundle: TrackIndex, ranking: RankingSettings) -> dict[int, int]:
    most = ranking.staying_per_artist - ranking.max_per_artist
    liked = profile.words.liked
    liked = liked[profile.rows[liked] >= 0]
    if most <= 0 or not len(liked):
        return {}
    signal, code = bundle.artists_of(profile.rows[liked])
    codes, place = np.unique(code, return_inverse=True)
    share = (1 - LATELY) * np.bincount(place, LATELY ** profile.since[liked][signal])
    strength = np.clip((share - _ONE_OF_FIVE) / (_SURE_OF_ARTIST - _ONE_OF_FIVE), 0.0, 1.0)
    more = (most * strength).astype(np.int64)
    return {artist: count for artist, count in zip(codes.tolist(), more.tolist(), strict=True) if count}


def candidates_again(profile: ListenerProfile, ranking: RankingSettings) -> np.ndarray | None:
    """(k,) int64: rows heard recently that are candidates nevertheless; None if nothing may come again."""
    return profile.heard.candidates if ranking.model == "learned" and ranking.repeat_share else None
