"""Candidates: the interface of a source, and the proposals of all sources to a listener. Pure.

A source proposes tracks to a batch of listeners. A candidate's score is its similarity to the taste plus the
scores of the other sources' proposals. A new source is a class and an entry in the registry
(:mod:`segue.ranking.sources`), which the stream, the pages and the evaluation use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.index.track_index import TrackIndex
from segue.settings import RankingSettings
from segue.taste.profile import ListenerProfile, Profiles

NO_EVIDENCE = -1
"""The evidence of a candidate that no single signal supports."""


@dataclass(frozen=True)
class Reason:
    """Why a track is recommended."""

    kind: str
    """The name of the reason in stored data."""
    words: str
    """The text on the pages; "{}" is replaced by the title of the track that the reason names."""
    names_track: bool = True
    """Whether the reason names a track. It is then not given where that track is unknown."""
    exploring: bool = False
    """Whether the track is exploration; the outcomes of its plays are counted separately."""

    def text(self, title: str | None) -> str | None:
        """The reason in words; None where the track that it names is unknown."""
        if not self.names_track:
            return self.words
        return None if title is None else self.words.format(title)


@dataclass(frozen=True)
class Proposals:
    """The proposals of one source, flat. Several proposals of a row to a listener add up."""

    listeners: np.ndarray
    """(m,) int64 indices into the batch of profiles."""
    rows: np.ndarray
    """(m,) int64 rows of the bundle."""
    scores: np.ndarray
    """(m,) float64 above 0, in units of the similarity, with the weight of the source applied."""
    evidence: np.ndarray
    """(m,) int64 indices into the signals of the batch: the track that the reason names, or NO_EVIDENCE."""

    @classmethod
    def none(cls) -> Proposals:
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, empty, np.empty(0), empty)

    def visible(self, bundle: TrackIndex) -> Proposals:
        """The proposals without the rows that the view of an index leaves out (`hidden`)."""
        if bundle.hidden is None:
            return self
        kept = ~bundle.hidden[self.rows]
        return Proposals(self.listeners[kept], self.rows[kept], self.scores[kept], self.evidence[kept])

    @classmethod
    def together(cls, several: Sequence[Proposals]) -> Proposals:
        """Concatenate the proposals of several sources."""
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
    """Given where the source adds more to a candidate than every other source and than the similarity."""
    learned_from_plays: ClassVar[bool] = False
    """Whether the variant "audio" leaves the source out."""

    @property
    def reasons(self) -> Sequence[Reason]:
        """All reasons that the source gives."""
        return (self.reason,)

    def reason_for(self, profile: ListenerProfile, track_id: str) -> Reason:
        """The reason for a track that the source proposes to a listener."""
        return self.reason

    @abstractmethod
    def weight(self, ranking: RankingSettings) -> float:
        """The weight of a proposal of score 1, relative to the similarity; 0 switches the source off."""

    def available(self, bundle: TrackIndex) -> bool:
        """Whether the bundle has the columns that the source needs."""
        return True

    @abstractmethod
    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        """Propose tracks to the listeners of a batch; called only where the source is available.

        Hidden rows of the bundle may be among them: :func:`add_up` leaves them out.
        """


@dataclass(frozen=True)
class Candidates:
    """One listener's candidates, flat (n,): neighbours of the taste first, best first."""

    rows: np.ndarray
    """int64 rows of the bundle, all different."""
    similarity: np.ndarray
    """float64 cosines of taste and track."""
    boost: np.ndarray
    """float64: the sum of the other sources' scores; 0 where none proposes the row."""
    source: np.ndarray
    """int64: the index in `sources` of the source with the highest score, -1 for none."""
    evidence: np.ndarray
    """int64: the index among the listener's signals of the track that the reason names, or NO_EVIDENCE."""
    sources: Sequence[CandidateSource]
    place_of: Mapping[int, int]
    """Row -> index into the arrays."""
    ranked: np.ndarray | None = None
    """float64 scores of a learned order, which also gives `source` and `evidence`; None: the sum is used."""
    parts: np.ndarray | None = None
    """(n, evidence) float32: the amount that each evidence adds to the score of a learned order."""

    @classmethod
    def scored(
        cls, rows: np.ndarray, similarity: np.ndarray, sources: Sequence[CandidateSource] = ()
    ) -> Candidates:
        """Candidates without scores of these sources, (n,) each. Empty arrays give no candidates."""
        nothing = np.full(len(rows), -1, dtype=np.int64)
        place_of = {row: place for place, row in enumerate(rows.tolist())}
        return cls(rows, similarity, np.zeros(len(rows)), nothing, nothing, sources, place_of)

    @property
    def scores(self) -> np.ndarray:
        """(n,) float64: similarity plus the scores of the other sources, or those of a learned order."""
        scores: np.ndarray = self.similarity + self.boost if self.ranked is None else self.ranked.copy()
        return scores

    def led_by(self, place: int) -> CandidateSource | None:
        """The source that adds more to a candidate than its similarity, or None."""
        if self.source[place] < 0:
            return None
        if self.ranked is None and self.boost[place] < self.similarity[place]:
            return None
        return self.sources[int(self.source[place])]


NO_CANDIDATES = Candidates.scored(np.empty(0, dtype=np.int64), np.empty(0))
"""The candidates of a listener without a usable taste."""


@dataclass(frozen=True)
class Pool:
    """The candidates of a batch of listeners, by source."""

    sources: Sequence[CandidateSource]
    near: Proposals
    """The neighbours of the tastes, by listener."""
    near_bounds: np.ndarray
    """(listeners + 1,) int64: listener `i` owns `near_bounds[i]:near_bounds[i + 1]` of `near`."""
    others: Proposals
    """The sums of the other sources' proposals: each row occurs once for a listener."""
    strongest: np.ndarray
    """(m,) int64, aligned with `others`: the index in `sources` of the source with the highest score."""
    evidence: np.ndarray
    """(m,) int64, aligned with `others`: the evidence, an index into the listener's own signals."""
    other_bounds: np.ndarray
    """(listeners + 1,) int64 offsets into `others`."""

    def of(
        self,
        listener: int,
        similarity_of: Callable[[np.ndarray], np.ndarray],
        again: np.ndarray | None = None,
    ) -> Candidates:
        """One listener's candidates.

        Parameters
        ----------
        similarity_of
            Maps rows to their cosines with the taste, (n,) each.
        again
            (k,) int64 rows that were heard recently, and are candidates nevertheless.
        """
        near = slice(self.near_bounds[listener], self.near_bounds[listener + 1])
        part = slice(self.other_bounds[listener], self.other_bounds[listener + 1])
        rows, similarity = self.near.rows[near], self.near.scores[near]
        place_of = {row: place for place, row in enumerate(rows.tolist())}
        places = [place_of.setdefault(row, len(place_of)) for row in self.others.rows[part].tolist()]
        for row in () if again is None else again.tolist():
            place_of.setdefault(row, len(place_of))
        if len(place_of) > len(rows):
            more = np.array(list(place_of)[len(rows) :])
            rows = np.concatenate([rows, more])
            similarity = np.concatenate([similarity, similarity_of(more)])
        boost = np.zeros(len(rows))
        source, evidence = np.full((2, len(rows)), -1, dtype=np.int64)
        boost[places] = self.others.scores[part]
        source[places], evidence[places] = self.strongest[part], self.evidence[part]
        return Candidates(rows, similarity, boost, source, evidence, self.sources, place_of)


def pooled(
    near: Proposals,
    profiles: Profiles,
    bundle: TrackIndex,
    *,
    ranking: RankingSettings,
    sources: Sequence[CandidateSource],
) -> Pool:
    """Add the proposals of the other sources to the neighbours of the tastes, which are by listener."""
    others, strongest = add_up(profiles, bundle, ranking=ranking, sources=sources)
    edges = np.arange(len(profiles) + 1)
    return Pool(
        sources=sources,
        near=near,
        near_bounds=np.searchsorted(near.listeners, edges),
        others=others,
        strongest=strongest,
        evidence=np.where(
            others.evidence == NO_EVIDENCE,
            NO_EVIDENCE,
            others.evidence - profiles.signals.bounds[others.listeners],
        ),
        other_bounds=np.searchsorted(others.listeners, edges),
    )


def add_up(
    profiles: Profiles, bundle: TrackIndex, *, ranking: RankingSettings, sources: Sequence[CandidateSource]
) -> tuple[Proposals, np.ndarray]:
    """Sum the proposals of the sources besides the taste, by listener, best first.

    A listener gets at most `ranking.transition_candidates`, and no hidden row. The score of a row is the sum
    of its proposals; its evidence is that of the proposal with the highest score.

    Returns
    -------
    One proposal for each listener and row, and the index in `sources` of the source of its evidence.
    """
    proposed = [source.propose(profiles, bundle, ranking).visible(bundle) for source in sources]
    together = Proposals.together(proposed)
    source = np.repeat(np.arange(len(proposed)), [len(proposals.rows) for proposals in proposed])
    listeners, rows = together.listeners, together.rows
    scores, evidence = together.scores, together.evidence

    # Sorted by listener and row, the best proposal first; of equal ones, that of the track played last. The
    # order is fixed, so that a repeated batch gives the same sums.
    since = np.where(evidence == NO_EVIDENCE, np.inf, _since(profiles, evidence))
    order = np.lexsort((source, since, -scores, rows, listeners))
    listeners, rows, scores, evidence = listeners[order], rows[order], scores[order], evidence[order]
    best = np.flatnonzero(np.r_[True, (np.diff(listeners) != 0) | (np.diff(rows) != 0)][: len(rows)])
    if len(best):
        scores = np.add.reduceat(scores, best)
    listeners, rows, evidence, source = listeners[best], rows[best], evidence[best], source[order][best]

    # The best candidates of each listener; ties by row.
    order = np.lexsort((rows, -scores, listeners))
    rank = np.arange(len(listeners)) - np.searchsorted(listeners, listeners)
    order = order[rank < ranking.transition_candidates]
    summed = Proposals(listeners[order], rows[order], scores[order], evidence[order])
    return summed, source[order]


def _since(profiles: Profiles, evidence: np.ndarray) -> np.ndarray:
    """(m,) float64: the number of tracks played since each signal; undefined without evidence."""
    since = profiles.signals.since
    return since[evidence] if len(since) else np.zeros(len(evidence))
