"""Sources by session knowledge: what the tracks that a listener has just kept lead to. Pure.

Seeds are the kept ones among a listener's last `ranking.session_tracks` tracks. What a seed leads to counts
``ranking.session_decay ** tracks heard since``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.index.track_index import TrackIndex
from segue.index.transition_rules import RuleTable
from segue.ranking.sources.base import CandidateSource, Proposals, Reason
from segue.settings import RankingSettings
from segue.taste.profile import Profiles


@dataclass(frozen=True)
class _Seeds:
    """Tracks that listeners have just kept, flat."""

    signals: np.ndarray
    """(s,) int64 places among the signals."""
    nearness: np.ndarray
    """(s,) float64 in (0, 1]."""


class TransitionRuleSource(CandidateSource):
    """Tracks that listeners play after one that was just kept."""

    name: ClassVar = "transitions"
    reason: ClassVar = Reason("after", "Played along with {}")
    precedence: ClassVar = 1
    learned_from_plays: ClassVar = True

    def weight(self, ranking: RankingSettings) -> float:
        return ranking.session_weight

    def available(self, bundle: TrackIndex) -> bool:
        return bundle.transition_rules is not None

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        assert bundle.transition_rules is not None
        seeds = _seeds(profiles, ranking)
        keys = profiles.rows[seeds.signals]
        return _lead(seeds, keys, self.weight(ranking), table=bundle.transition_rules, profiles=profiles)


class SameArtistSource(CandidateSource):
    """Tracks of an artist just kept, those that most listeners keep first."""

    name: ClassVar = "artist"
    reason: ClassVar = Reason("artist", "By the artist of {}")
    precedence: ClassVar = 2
    learned_from_plays: ClassVar = True

    def weight(self, ranking: RankingSettings) -> float:
        # Session knowledge as a whole is switched off by its own weight.
        return ranking.artist_weight if ranking.session_weight else 0.0

    def available(self, bundle: TrackIndex) -> bool:
        return bundle.transition_rules is not None and bundle.artist_tracks is not None

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        assert bundle.artist_tracks is not None
        seeds = _seeds(profiles, ranking)
        artists = bundle.artists[profiles.rows[seeds.signals]]
        known = artists >= 0
        seeds, artists = _once_by_artist(
            _Seeds(seeds.signals[known], seeds.nearness[known]), artists[known], profiles
        )
        return _lead(seeds, artists, self.weight(ranking), table=bundle.artist_tracks, profiles=profiles)


def _seeds(profiles: Profiles, ranking: RankingSettings) -> _Seeds:
    signals = profiles.signals
    kept = (signals.since < ranking.session_tracks) & signals.liked & (profiles.rows >= 0)
    places = np.flatnonzero(kept)
    return _Seeds(places, ranking.session_decay ** signals.since[places])


def _lead(
    seeds: _Seeds, keys: np.ndarray, weight: float, *, table: RuleTable, profiles: Profiles
) -> Proposals:
    """Where the seeds lead by their keys of a table."""
    place, rows, scores = table.leads(keys)
    signals = seeds.signals[place]
    return Proposals(profiles.owner[signals], rows, scores * (weight * seeds.nearness)[place], signals)


def _once_by_artist(seeds: _Seeds, artists: np.ndarray, profiles: Profiles) -> tuple[_Seeds, np.ndarray]:
    """Each listener's artists: the seed heard last with the sum of the nearness of all, and the artist.

    One artist's tracks in a row would otherwise lead to the same candidates again and again.
    """
    places, nearness, owner = seeds.signals, seeds.nearness, profiles.owner
    order = np.lexsort((profiles.signals.since[places], artists, owner[places]))
    places, artists, nearness = places[order], artists[order], nearness[order]
    changes = (np.diff(owner[places]) != 0) | (np.diff(artists) != 0)
    first = np.flatnonzero(np.r_[True, changes][: len(places)])
    if not len(first):
        return _Seeds(places, nearness), artists
    return _Seeds(places[first], np.add.reduceat(nearness, first)), artists[first]
