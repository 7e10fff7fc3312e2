"""The registries of candidate sources, and of the reasons why a track is recommended."""

from __future__ import annotations

from collections.abc import Sequence

from segue.index.track_index import TrackIndex
from segue.ranking.sources.base import CandidateSource, Reason
from segue.ranking.sources.content import TasteNeighbours, VariedSelection
from segue.ranking.sources.session import SameArtist, TransitionRules
from segue.settings import Ranking

TASTE = TasteNeighbours()
"""All candidates are compared with the taste, whichever source proposes them."""
SOURCES: Sequence[CandidateSource] = (TransitionRules(), SameArtist())
"""They add to the similarity. Of equal proposals that of the earlier source is named as the reason."""
VARIED = VariedSelection()
AGAIN = Reason("again", "You played this some time ago")
"""The listener liked it long ago, so it may come again; it names the track itself."""
EXPLORE = Reason("explore", "A little further from {}", exploring=True)
"""It was drawn from further neighbours."""


def learned_from_plays(bundle: TrackIndex) -> bool:
    """Whether a bundle can serve a source that is learned from plays."""
    return any(source.learned_from_plays and source.available(bundle) for source in SOURCES)


def in_use(
    bundle: TrackIndex, ranking: Ranking, *, without: frozenset[str] = frozenset()
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


REASONS = {
    reason.kind: reason
    for reason in (AGAIN, EXPLORE, TASTE.reason, *(source.reason for source in SOURCES), VARIED.reason)
}
"""By kind, as it is stored."""


def describe(kind: str, title: str | None) -> str:
    """A reason in words, with the title of the track that it names; None where that track is not known.

    A reason that cannot be given reads like that of the varied selection.
    """
    return REASONS.get(kind, VARIED.reason).text(title) or VARIED.reason.words


def is_exploring(kind: str) -> bool:
    """Whether a track with such a reason was drawn from further off."""
    return kind in REASONS and REASONS[kind].exploring
