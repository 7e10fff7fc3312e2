"""The registry of candidate sources: every subclass of `CandidateSource` in a module of this package."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from segue.index.track_index import TrackIndex
from segue.ranking.sources.base import CandidateSource
from segue.ranking.sources.taste import TasteNeighbours
from segue.ranking.sources.varied import VariedSelection
from segue.settings import RankingSettings

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

TASTE = TasteNeighbours()
"""All candidates are compared with the taste, whichever source proposes them."""
SOURCES: Sequence[CandidateSource] = tuple(
    source()
    for source in sorted(CandidateSource.__subclasses__(), key=lambda one: one.precedence)
    if source.__module__.startswith(__name__) and source is not TasteNeighbours
)
"""They add to the similarity, by precedence: of equal proposals the reason of the first is given."""
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
