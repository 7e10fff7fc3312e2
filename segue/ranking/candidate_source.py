"""What a candidate source is. Pure.

A source proposes tracks to a batch of listeners. A candidate's score is its similarity to the taste plus the
scores with which sources propose it. A new source is a class and an entry in the registry
(:mod:`segue.ranking.sources`): stream, pages and evaluation take it from there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.index.track_index import TrackIndex
from segue.settings import RankingSettings
from segue.taste.profile import Profiles

NO_EVIDENCE = -1
"""No single signal speaks for a candidate."""


@dataclass(frozen=True)
class Reason:
    """Why a track is recommended."""

    kind: str
    """As it is stored."""
    words: str
    """As it is shown; "{}" stands for the title of the track that the reason names."""
    names_track: bool = True
    """The reason is not given where the track that it names is not known."""
    exploring: bool = False
    """The track was drawn from further off; outcomes of its plays are counted apart."""

    def text(self, title: str | None) -> str | None:
        """In words; None where the track to be named is not known."""
        if not self.names_track:
            return self.words
        return None if title is None else self.words.format(title)


@dataclass(frozen=True)
class Proposals:
    """Proposals of one source, flat; it may propose a row to a listener several times: the scores add up."""

    listeners: np.ndarray
    """(m,) int64 places in the batch of profiles."""
    rows: np.ndarray
    """(m,) int64 rows of the bundle."""
    scores: np.ndarray
    """(m,) float64 above 0, in units of the similarity: the source's weight is in them."""
    evidence: np.ndarray
    """(m,) int64 places among the signals of the batch: the track that the reason names, or NO_EVIDENCE."""

    @classmethod
    def none(cls) -> Proposals:
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, empty, np.empty(0), empty)

    @classmethod
    def together(cls, several: Sequence[Proposals]) -> Proposals:
        """All of several sources, in their order."""
        if not several:
            return cls.none()
        if len(several) == 1:
            return several[0]
        return cls(
            np.concatenate([proposals.listeners for proposals in several]),
            np.concatenate([proposals.rows for proposals in several]),
            np.concatenate([proposals.scores for proposals in several]),
            np.concatenate([proposals.evidence for proposals in several]),
        )


class CandidateSource(ABC):
    """A source of candidates. It has no state."""

    name: ClassVar[str]
    reason: ClassVar[Reason]
    """Given where the source says more for a candidate than all others and than its similarity."""
    learned_from_plays: ClassVar[bool] = False
    """The variant "audio" leaves it out."""

    @abstractmethod
    def weight(self, ranking: RankingSettings) -> float:
        """What a proposal of score 1 counts beside the similarity, by the settings; 0: it is left out."""

    def available(self, bundle: TrackIndex) -> bool:
        """Whether the bundle has what the source needs."""
        return True

    @abstractmethod
    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        """Propose tracks to the listeners of a batch; called only where the source is available."""
