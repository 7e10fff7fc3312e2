"""The registry of candidate sources."""

from __future__ import annotations

from collections.abc import Sequence

from segue.index.track_index import TrackIndex
from segue.ranking.sources.base import CandidateSource
from segue.ranking.sources.session import SameArtistSource, TransitionRuleSource
from segue.ranking.sources.taste import TasteNeighbours
from segue.ranking.sources.varied import VariedSelection
from segue.settings import RankingSettings

TASTE = TasteNeighbours()
"""All candidates are compared with the taste, whichever source proposes them."""
SOURCES: Sequence[CandidateSource] = (TransitionRuleSource(), SameArtistSource())
"""They add to the similarity. Of equal proposals that of the earlier source is named as the reason."""
VARIED = VariedSelection()


def learned_from_plays(bundle: TrackIndex) -> bool:
    """Whether a bundle can serve a source that is learned from plays."""
    return any(source.learned_from_plays and source.available(bundle) for source in SOURCES)


def in_use(
    bundle: TrackIndex, ranking: RankingSettings, *, without: frozenset[str] = frozenset()
) -> list[CandidateSource]:
    """The sources beside the taste that a bundle can serve and the settings give a weight.

    Parameters
    ----------
    without
        Names of sources that are left out.
    """
    return [
        source
        for source in SOURCES
        if source.name not in without and source.weight(ranking) and source.available(bundle)
    ]
