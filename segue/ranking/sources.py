"""The candidate sources with their registry, and the reasons why a track is recommended. Pure.

The neighbours of the taste, and the varied selection for a cold start, need only the index. The other sources
start from seeds: the tracks with a positive signal among the last `ranking.recent_tracks` tracks of a
listener. The candidates of a seed have the weight ``ranking.recent_decay ** tracks played since``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.index.track_index import TrackIndex
from segue.index.transition_rules import RuleTable
from segue.phrases import marked
from segue.ranking.candidates import NO_EVIDENCE, CandidateSource, Proposals, Reason
from segue.settings import RankingSettings
from segue.taste.profile import Profiles


class TasteNeighbours(CandidateSource):
    """The tracks nearest to the taste; the score is the similarity."""

    name: ClassVar = "taste"
    reason: ClassVar = Reason("because", marked("Because you played {}"))

    def weight(self, ranking: RankingSettings) -> float:
        return 1.0

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        rows, similarity = bundle.neighbours.query(profiles.tastes, ranking.candidates)
        has_taste: np.ndarray = np.any(profiles.tastes, axis=1)
        known = (rows >= 0) & has_taste[:, np.newaxis]
        listeners = np.repeat(np.arange(len(rows)), known.sum(axis=1))
        # The nearest track with a positive signal is looked up once the list is made.
        evidence = np.full(len(listeners), NO_EVIDENCE, dtype=np.int64)
        return Proposals(listeners, rows[known].astype(np.int64), similarity[known].astype(float), evidence)

    @staticmethod
    def nearest(taste: np.ndarray, bundle: TrackIndex, *, count: int) -> list[int]:
        """The rows nearest to one taste, (d,), best first."""
        rows, _ = bundle.neighbours.query(taste[np.newaxis], min(count, len(bundle.vectors)))
        return [row for row in rows[0].tolist() if row >= 0]


class VariedSelection:
    """The bundle's selection for listeners without history; it also fills lists that lack candidates."""

    name: ClassVar = "varied"
    reason: ClassVar = Reason("varied", marked("Something different"), names_track=False)

    def rows(self, bundle: TrackIndex) -> list[int]:
        """The selection in its order."""
        return [int(row) for row in bundle.cold_start.tolist()]


@dataclass(frozen=True)
class _Seeds:
    """The seeds of listeners, flat."""

    signals: np.ndarray
    """(s,) int64 indices into the signals."""
    nearness: np.ndarray
    """(s,) float64 in (0, 1]."""


class TransitionRuleSource(CandidateSource):
    """Tracks that listeners play after a seed, by transition rules."""

    name: ClassVar = "transitions"
    reason: ClassVar = Reason("after", marked("Played along with {}"))
    learned_from_plays: ClassVar = True

    def weight(self, ranking: RankingSettings) -> float:
        return ranking.transition_weight

    def available(self, bundle: TrackIndex) -> bool:
        return bundle.transition_rules is not None

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        assert bundle.transition_rules is not None
        seeds = _seeds(profiles, ranking)
        keys = profiles.rows[seeds.signals]
        return _lead(seeds, keys, self.weight(ranking), table=bundle.transition_rules, profiles=profiles)


class SameArtistSource(CandidateSource):
    """Tracks of a seed's artist, those with positive signals of most listeners first."""

    name: ClassVar = "artist"
    reason: ClassVar = Reason("artist", marked("By the artist of {}"))
    learned_from_plays: ClassVar = True

    def weight(self, ranking: RankingSettings) -> float:
        return ranking.artist_weight

    def available(self, bundle: TrackIndex) -> bool:
        return bundle.transition_rules is not None and bundle.artist_tracks is not None

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        assert bundle.artist_tracks is not None
        seeds = _seeds(profiles, ranking)
        places, artists = bundle.artists_of(profiles.rows[seeds.signals])
        seeds, artists = _once_by_artist(
            _Seeds(seeds.signals[places], seeds.nearness[places]), artists, profiles
        )
        return _lead(seeds, artists, self.weight(ranking), table=bundle.artist_tracks, profiles=profiles)


def _seeds(profiles: Profiles, ranking: RankingSettings) -> _Seeds:
    signals = profiles.signals
    positive = (signals.since < ranking.recent_tracks) & signals.positive & (profiles.rows >= 0)
    places = np.flatnonzero(positive)
    return _Seeds(places, ranking.recent_decay ** signals.since[places])


def _lead(
    seeds: _Seeds, keys: np.ndarray, weight: float, *, table: RuleTable, profiles: Profiles
) -> Proposals:
    """The proposals that a table has for the keys of the seeds."""
    place, rows, scores = table.leads(keys)
    signals = seeds.signals[place]
    return Proposals(profiles.owner[signals], rows, scores * (weight * seeds.nearness)[place], signals)


def _once_by_artist(seeds: _Seeds, artists: np.ndarray, profiles: Profiles) -> tuple[_Seeds, np.ndarray]:
    """Keep one seed for each artist of a listener: the one played last, with the sum of all nearness.

    Otherwise several seeds of one artist would propose the same candidates repeatedly.
    """
    places, nearness, owner = seeds.signals, seeds.nearness, profiles.owner
    order = np.lexsort((profiles.signals.since[places], artists, owner[places]))
    places, artists, nearness = places[order], artists[order], nearness[order]
    changes = (np.diff(owner[places]) != 0) | (np.diff(artists) != 0)
    first = np.flatnonzero(np.r_[True, changes][: len(places)])
    if not len(first):
        return _Seeds(places, nearness), artists
    return _Seeds(places[first], np.add.reduceat(nearness, first)), artists[first]


TASTE = TasteNeighbours()
"""Scores all candidates by their similarity to the taste, whichever source proposes them."""
SOURCES: Sequence[CandidateSource] = (TransitionRuleSource(), SameArtistSource())
"""Their scores add to the similarity. Of equal proposals, that of the earlier source gives the reason."""
VARIED = VariedSelection()
AGAIN = Reason("again", marked("You played this some time ago"))
"""The signals of long ago were positive, so the track may be repeated; the reason names the track itself."""
EXPLORE = Reason("explore", marked("A little further from {}"), exploring=True)
"""Drawn from more distant neighbours."""


def learned_from_plays(bundle: TrackIndex) -> bool:
    """Whether a bundle has the tables of a source that is learned from plays."""
    return any(source.learned_from_plays and source.available(bundle) for source in SOURCES)


def in_use(
    bundle: TrackIndex, ranking: RankingSettings, *, without: frozenset[str] = frozenset()
) -> list[CandidateSource]:
    """The sources besides the taste that have a weight in the settings and their tables in the bundle.

    Parameters
    ----------
    without
        Names of sources to leave out.
    """
    return [
        source
        for source in SOURCES
        if source.name not in without and source.weight(ranking) and source.available(bundle)
    ]


REASONS = {
    reason.kind: reason
    for reason in (AGAIN, EXPLORE, TASTE.reason, *(source.reason for source in SOURCES), VARIED.reason)
}
"""By stored kind."""


def describe(kind: str, title: str | None) -> str:
    """A reason in words, with the title of the track that it names.

    An unknown reason, and one that names an unknown track (None), reads like that of the varied selection.
    """
    return REASONS.get(kind, VARIED.reason).text(title) or VARIED.reason.words


def is_exploring(kind: str) -> bool:
    """Whether the reason marks exploration."""
    return kind in REASONS and REASONS[kind].exploring
