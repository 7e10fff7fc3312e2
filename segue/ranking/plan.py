"""Planning: listeners' histories in, recommendations out. Pure: it reads and writes nothing.

The steps have the same names as in the Spark UI: join (vectors to plays), taste, neighbours, rank.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.candidates import NO_CANDIDATES, NO_EVIDENCE, Candidates, pooled
from segue.ranking.learned_order import LearnedOrder, lifted_by, shipped
from segue.ranking.reranking import Drawn, rerank
from segue.ranking.session_limits import SessionLimits, candidates_again
from segue.ranking.sources import AGAIN, EXPLORE, REPEAT, TASTE, VARIED, in_use, learned_from_plays
from segue.ranking.variants import left_out, ranking_of, served
from segue.settings import ExperimentSettings, RankingSettings, Variant
from segue.taste.history import History
from segue.taste.profile import (
    ListenerHistory,
    ListenerProfile,
    Profiles,
    VectorLookup,
    build_profiles,
    no_lookup,
)

NO_FEEDBACK: Mapping[int, float] = {}


@dataclass(frozen=True)
class PlannedTrack:
    """A recommended track."""

    track_id: str
    similarity: float
    """Cosine of taste and track; 0 for a track from the varied selection."""
    evidence: str | None
    """The id of the track that the reason names, if it names one."""
    reason: str = TASTE.reason.kind
    """A key of :data:`segue.ranking.sources.REASONS`."""
    propensity: float | None = None
    """The probability with which the track is in the list, in (0, 1]; None where it is not known."""
    lifted_by: tuple[tuple[str, float], ...] = ()
    """The evidence of a learned order that lifted it most (:func:`segue.ranking.learned_order.lifted_by`)."""


@dataclass(frozen=True)
class Plan:
    """The recommended tracks of one listener, and the taste that they come from."""

    user_id: str
    history: History
    vector: np.ndarray
    """(d,) float32 at unit length, or zeros."""
    items: list[PlannedTrack]
    index_version: str
    """The version of the index."""
    variant: Variant
    reflects_at: int
    """Epoch ms of the newest signal that it reflects."""
    unknown: list[str]
    """Played tracks that have no vector anywhere."""
    imported: int = 0
    """The number of signals of imported plays."""
    corrected: str = ""
    """A digest of the listener's corrections; empty without any."""
    remembered: str = ""
    """A digest of the listener's long memory; empty without one."""
    ordered_by: str = ""
    """The version of the learned order; empty for the sum of the scores."""

    @property
    def served(self) -> str:
        """The origin of the list: the listener's "taste", or the "cold-start" selection."""
        return "taste" if self.vector.any() else "cold-start"

    @property
    def recommendation_id(self) -> str:
        """A hash of listener, index, variant, order and state of the taste: the same if repeated."""
        tracks = sum(len(window.tracks) for window in self.history.values())
        text = f"{self.user_id}\n{self.index_version}\n{self.variant}\n{self.reflects_at}\n{tracks}"
        if self.imported:
            text += f"\n{self.imported}"
        text += "".join(
            f"\n{digest}" for digest in (self.corrected, self.remembered, self.ordered_by) if digest
        )
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def plan(
    listeners: Sequence[ListenerHistory],
    *,
    bundle: TrackIndex,
    lookup: VectorLookup = no_lookup,
    ranking: RankingSettings,
    experiments: ExperimentSettings,
    feedback: Mapping[int, float] = NO_FEEDBACK,
    order: LearnedOrder | None = None,
) -> list[Plan]:
    """Plan for each listener, in the order given.

    Parameters
    ----------
    lookup
        Gives the vectors of tracks that are newer than the bundle.
    feedback
        Row -> change of its score for every listener (:mod:`segue.ranking.feedback`).
    order
        The learned order, for variants whose `ranking.model` is "learned"; by default the shipped one.
    """
    if not listeners:
        return []
    profiles = build_profiles(listeners, bundle=bundle, lookup=lookup)
    learned = learned_from_plays(bundle)
    members: dict[Variant, list[int]] = {}
    for i, listener in enumerate(listeners):
        variant = served(listener.user_id, experiments=experiments, learned=learned)
        members.setdefault(variant, []).append(i)
    plans: dict[int, Plan] = {}
    for variant, places in members.items():
        of_variant = profiles if len(members) == 1 else profiles.only(places)
        made = _plan_variant(
            of_variant,
            variant,
            bundle=bundle,
            ranking=ranking_of(variant, ranking=ranking, experiments=experiments),
            feedback=feedback,
            order=order,
        )
        plans.update(zip(places, made, strict=True))
    return [plans[i] for i in range(len(listeners))]


def _plan_variant(
    profiles: Profiles,
    variant: Variant,
    *,
    bundle: TrackIndex,
    ranking: RankingSettings,
    feedback: Mapping[int, float],
    order: LearnedOrder | None,
) -> list[Plan]:
    """Plan for listeners of one variant, with the settings of that variant."""
    pool = pooled(
        TASTE.propose(profiles, bundle, ranking),
        profiles,
        bundle,
        ranking=ranking,
        sources=in_use(bundle, ranking, without=left_out(variant)),
    )
    own = [profiles[i] for i in range(len(profiles))]
    each = [
        pool.of(i, profile.similarity(bundle.vectors), again=candidates_again(profile, ranking))
        if profile.has_taste
        else NO_CANDIDATES
        for i, profile in enumerate(own)
    ]
    ordered_by = ""
    if ranking.model == "learned":
        order = order or shipped()
        each, ordered_by = order.ordered(profiles, own, each, bundle, ranking), order.version
    plans = []
    for profile, candidates in zip(own, each, strict=True):
        session = SessionLimits.of(profile, bundle, ranking)
        rows, drawn = rerank(
            candidates,
            barred=profile.barred,
            bundle=bundle,
            ranking=ranking,
            feedback=feedback,
            seed=f"{profile.user_id}\n{profile.reflects_at}",
            session=session,
        )
        plans.append(
            Plan(
                user_id=profile.user_id,
                history=profile.listener.history,
                vector=profile.taste,
                items=_explained(
                    rows,
                    drawn=drawn,
                    again=session.again,
                    candidates=candidates,
                    profile=profile,
                    bundle=bundle,
                ),
                index_version=bundle.version,
                variant=variant,
                reflects_at=profile.reflects_at,
                unknown=profile.unknown,
                imported=sum(len(window.tracks) for window in profile.listener.imported.values()),
                corrected=profile.listener.corrections.digest if profile.listener.corrections else "",
                remembered=profile.listener.loved.digest,
                ordered_by=ordered_by,
            )
        )
    return plans


def _explained(
    rows: Sequence[int],
    *,
    drawn: Drawn,
    again: frozenset[int],
    candidates: Candidates,
    profile: ListenerProfile,
    bundle: TrackIndex,
) -> list[PlannedTrack]:
    """The chosen rows with their reasons; `drawn` is the exploration, `again` are rows heard recently."""
    near = [row for row in rows if row in candidates.place_of]
    nearest = dict(zip(near, profile.nearest_positive(near, bundle.vectors), strict=True))
    places = [candidates.place_of[row] for row in near]
    lifts = dict(zip(near, lifted_by(candidates, places), strict=True))
    explained = []
    for row, track_id in zip(rows, bundle.ids(rows), strict=True):
        place = candidates.place_of.get(row)
        if place is None:
            explained.append(PlannedTrack(track_id, 0.0, None, VARIED.reason.kind, drawn.propensity_of(row)))
            continue
        reason = TASTE.reason
        evidence: str | None = profile.track_ids[nearest[row]]
        if row in profile.repeatable:
            reason, evidence = AGAIN, track_id
        elif row in again:
            reason, evidence = REPEAT, track_id
        elif row in drawn.rows:
            reason = EXPLORE
        elif (source := candidates.led_by(place)) is not None:
            reason = source.reason_for(profile, track_id)
            signal = int(candidates.evidence[place])
            evidence = None if signal == NO_EVIDENCE else profile.track_ids[signal]
        similarity = round(float(candidates.similarity[place]), 6)
        propensity = drawn.propensity_of(row)
        explained.append(PlannedTrack(track_id, similarity, evidence, reason.kind, propensity, lifts[row]))
    return explained
