"""The stream's candidates in a learned order, on a session log, by the code of the service itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import sparse

from segue.index.contents import Contents
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import artist_tracks_of, transition_rules_of
from segue.ranking.candidates import Candidates, pooled
from segue.ranking.learned_order import LearnedOrder, gathered
from segue.ranking.sources import TASTE, in_use
from segue.recommenders.chosen import LOG_TOO_SHORT
from segue.recommenders.order_learning import PRIOR, choices_among, learn
from segue.recommenders.served import learned, profiles_of
from segue.recommenders.session_models import SessionModel
from segue.recommenders.tastes import NearTaste
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries, blocks, last_part, sampled
from segue.settings import ModelSettings, RankingSettings, TasteSettings
from segue.taste.profile import ListenerHistory, ListenerProfile, Profiles, taste_vectors

TAUGHT = 4000
"""The queries that teach, at most."""


class ServedSources:
    """The sources of the stream over a history: neighbours in the session space, rules and artists."""

    def __init__(self, models: ModelSettings, ranking: RankingSettings, taste: TasteSettings) -> None:
        self.models, self.ranking, self.taste = models, ranking, taste

    def fit(self, history: SessionLog) -> ServedSources:
        model = learned(history, self.models.rules)
        near = NearTaste(self.models.sessions, half_life=self.taste.half_life_tracks).fit(history)
        ids = encode_ids([f"{item:012d}" for item in range(len(history.artists))])
        artists = history.artists.astype(np.int32)
        contents = Contents(
            vectors=near.vectors.astype(np.float32),
            track_ids=ids,
            artists=artists,
            cold_start=np.empty(0, dtype=np.int32),
            transition_rules=transition_rules_of(model, track_ids=ids),
            artist_tracks=artist_tracks_of(model, track_ids=ids, artists=artists),
        )
        self.index = TrackIndex.in_memory(contents)
        return self

    def candidates(self, queries: Queries) -> Iterator[tuple[ListenerProfile, Candidates]]:
        """The profile and the candidates of each query of a block, without the tracks of the session."""
        profiles, bundle = self.profiles(queries), self.index
        pool = pooled(
            TASTE.propose(profiles, bundle, self.ranking),
            profiles,
            bundle,
            ranking=self.ranking,
            sources=in_use(bundle, self.ranking),
        )
        for i in range(len(profiles)):
            profile = profiles[i]
            yield profile, pool.of(i, profile.similarity(bundle.vectors))

    def profiles(self, queries: Queries) -> Profiles:
        """The prefixes as profiles: every play is a signal of the same weight, which decays."""
        plain = profiles_of(queries)
        decay = np.exp2(-plain.signals.since / self.taste.half_life_tracks)
        signals = replace(plain.signals, weights=plain.signals.weights * decay)
        vectors = self.index.vectors[plain.rows]
        return replace(
            plain,
            listeners=[ListenerHistory("", {}, self.taste)] * len(queries),
            signals=signals,
            vectors=vectors,
            tastes=taste_vectors(vectors, signals),
        )


class Ordered:
    """The candidates of the stream in an order that is learned from the last part of the history."""

    def __init__(
        self, models: ModelSettings, ranking: RankingSettings, taste: TasteSettings, *, seed: int = 0
    ) -> None:
        self.models, self.ranking, self.taste, self.seed = models, ranking, taste, seed

    def fit(self, history: SessionLog) -> SessionModel:
        part = last_part(history)
        weights, self.choice = PRIOR, LOG_TOO_SHORT
        if part is not None:
            sources = self._sources(part.history)
            queries = sampled(part.queries, TAUGHT, seed=self.seed)
            queries = queries.take(np.argsort(queries.times, kind="stable"))
            rng = np.random.default_rng(self.seed)
            outcome = learn(choices_among(self._choices(sources, queries), rng=rng), given=PRIOR)
            weights, self.choice = outcome.weights, outcome.choice
        self.order = LearnedOrder("learned", weights)
        self.sources = self._sources(history)
        return self

    def _sources(self, history: SessionLog) -> ServedSources:
        return ServedSources(self.models, self.ranking, self.taste).fit(history)

    def _choices(self, sources: ServedSources, queries: Queries) -> list[tuple[np.ndarray, np.ndarray, int]]:
        """The evidence of the queries whose target is a candidate that was not heard in the session."""
        found = []
        for block in blocks(len(queries)):
            asked = queries.take(block)
            for (profile, own), target in zip(sources.candidates(asked), asked.targets.tolist(), strict=True):
                if target not in own.place_of or target in profile.recent:
                    continue
                evidence = gathered(own, profile, sources.index, {})
                left = np.flatnonzero(~np.isin(own.rows, list(profile.recent)))
                taken = int(np.searchsorted(left, own.place_of[target]))
                found.append((evidence.values[left], evidence.state, taken))
        return found

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        profiles = self.sources.profiles(queries)
        pairs = list(self.sources.candidates(queries))
        ordered = self.order.ordered(
            profiles,
            [profile for profile, _ in pairs],
            [own for _, own in pairs],
            self.sources.index,
            self.ranking,
        )
        bounds = np.cumsum([0, *(len(own.rows) for own in ordered)])
        # Scores must be above 0: the exponential keeps their order.
        scores = np.concatenate([np.exp(np.minimum(own.scores, 80.0)) for own in ordered])
        rows = np.concatenate([own.rows for own in ordered])
        shape = (len(queries), len(self.sources.index.track_ids))
        matrix = sparse.csr_matrix((scores.astype(np.float32), rows, bounds), shape=shape)
        matrix.sort_indices()
        return matrix
