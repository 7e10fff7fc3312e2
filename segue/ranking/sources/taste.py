"""Neighbours of the taste, by which all candidates are compared. Pure."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.sources.base import NO_EVIDENCE, CandidateSource, Proposals, Reason
from segue.settings import RankingSettings
from segue.taste.profile import Profiles


class TasteNeighbours(CandidateSource):
    """The tracks nearest to the taste; the score is their similarity itself."""

    name: ClassVar = "taste"
    reason: ClassVar = Reason("because", "Because you played {}")

    def weight(self, ranking: RankingSettings) -> float:
        return 1.0

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        rows, similarity = bundle.neighbours.query(profiles.tastes, ranking.candidates)
        has_taste: np.ndarray = np.any(profiles.tastes, axis=1)
        known = (rows >= 0) & has_taste[:, np.newaxis]
        listeners = np.repeat(np.arange(len(rows)), known.sum(axis=1))
        # The liked track that is nearest to a candidate is looked for once the list is made.
        evidence = np.full(len(listeners), NO_EVIDENCE, dtype=np.int64)
        return Proposals(listeners, rows[known].astype(np.int64), similarity[known].astype(float), evidence)

    @staticmethod
    def nearest(taste: np.ndarray, bundle: TrackIndex, *, count: int) -> list[int]:
        """The rows nearest to one taste, (d,), best first."""
        rows, _ = bundle.neighbours.query(taste[np.newaxis], min(count, len(bundle.vectors)))
        return [row for row in rows[0].tolist() if row >= 0]
