"""The served recommendations on a session log, by the code and the settings of the service itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from segue.index.contents import Contents
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import RuleTable, artist_tracks_of, transition_rules_of
from segue.ranking.candidates import NO_EVIDENCE, Candidates, Proposals, add_up, pooled
from segue.ranking.reranking import rerank
from segue.ranking.sources import in_use
from segue.recommenders.session_models import SessionModel
from segue.recommenders.session_rules import rule_matrix
from segue.recommenders.tastes import NearTaste, nearest
from segue.recommenders.top import top_k
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries
from segue.settings import ModelSettings, RankingSettings, RuleSettings, TasteSettings
from segue.taste.history import DecayedSignals
from segue.taste.profile import Profiles


def index_of(
    history: SessionLog, *, transition_rules: RuleTable | None = None, artist_tracks: RuleTable | None = None
) -> TrackIndex:
    """The tracks of a session log as an index, without features and without a varied selection."""
    count = len(history.artists)
    contents = Contents(
        vectors=np.ones((count, 1), dtype=np.float32),
        track_ids=encode_ids([f"{item:012d}" for item in range(count)]),
        artists=history.artists.astype(np.int32),
        cold_start=np.empty(0, dtype=np.int32),
        transition_rules=transition_rules,
        artist_tracks=artist_tracks,
    )
    return TrackIndex.in_memory(contents)


class SessionKnowledge:
    """The stream's sources besides the taste: transition rules, and the tracks of the seeds' artists.

    They are learned as by `./run.sh models train`, with every play of the log as a positive signal.
    """

    def __init__(self, models: ModelSettings, ranking: RankingSettings) -> None:
        self.models, self.ranking = models, ranking

    def fit(self, history: SessionLog) -> SessionKnowledge:
        model = learned(history, self.models.rules)
        ids = model["track_ids"]
        self.index = index_of(
            history,
            transition_rules=transition_rules_of(model, track_ids=ids),
            artist_tracks=artist_tracks_of(model, track_ids=ids, artists=history.artists),
        )
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        proposed, _ = add_up(
            profiles_of(queries),
            self.index,
            ranking=self.ranking,
            sources=in_use(self.index, self.ranking),
        )
        entries = (proposed.scores.astype(np.float32), (proposed.listeners, proposed.rows))
        return sparse.csr_matrix(entries, shape=(len(queries), len(self.index.artists)))


class ServedRecommender:
    """All sources of the stream: neighbours of the taste in the session space, and session knowledge.

    The score is the similarity to the taste plus the scores of the other sources, as in the stream
    (:class:`segue.ranking.candidates.Candidates`).
    """

    def __init__(self, models: ModelSettings, ranking: RankingSettings, taste: TasteSettings) -> None:
        self.near = NearTaste(models.sessions, half_life=taste.half_life_tracks, nearest=ranking.candidates)
        self.knowledge = SessionKnowledge(models, ranking)

    def fit(self, history: SessionLog) -> ServedRecommender:
        self.near.fit(history)
        self.knowledge.fit(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        cosines = self.near.cosines(queries)
        near = nearest(cosines, self.near.nearest).tocoo()
        bundle, ranking = self.knowledge.index, self.knowledge.ranking
        evidence = np.full(len(near.row), NO_EVIDENCE)
        pool = pooled(
            Proposals(near.row, near.col, near.data, evidence),
            profiles_of(queries),
            bundle,
            ranking=ranking,
            sources=in_use(bundle, ranking),
        )
        several = [pool.of(query, cosines[query].__getitem__) for query in range(len(queries))]
        bounds = np.cumsum([0, *(len(candidates.rows) for candidates in several)])
        scores = np.concatenate(
            [candidates.scores for candidates in several], dtype=np.float32, casting="same_kind"
        )
        rows = np.concatenate([candidates.rows for candidates in several])
        matrix = sparse.csr_matrix((scores, rows, bounds), shape=cosines.shape)
        matrix.sort_indices()
        return matrix


class AsServed:
    """A model's candidates as lists of the service: without the tracks of the session, and within the artist
    limit. Exploration is off: it lowers the hit rate, and its gain does not show in an offline evaluation."""

    def __init__(self, model: SessionModel, ranking: RankingSettings) -> None:
        self.model, self.ranking = model, ranking.model_copy(update={"exploration_share": 0.0})

    def fit(self, history: SessionLog) -> AsServed:
        self.model.fit(history)
        return self.over(history)

    def over(self, history: SessionLog) -> AsServed:
        """Make lists of the tracks of this log with a model that is already fitted."""
        self.index = index_of(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        scores = top_k(self.model.scores(queries), self.ranking.candidates).tocsr()
        lists = [self._list(scores, queries, number) for number in range(len(queries))]
        return matrix_of(lists, items=scores.shape[1])

    def _list(self, scores: sparse.csr_matrix, queries: Queries, number: int) -> list[int]:
        part = slice(scores.indptr[number], scores.indptr[number + 1])
        played = queries.items[queries.starts[number] : queries.ends[number]]
        rows, _ = rerank(
            Candidates.scored(scores.indices[part].astype(np.int64), scores.data[part].astype(float)),
            barred=frozenset(played.tolist()),
            bundle=self.index,
            ranking=self.ranking,
            feedback={},
            seed="",
        )
        return rows


def matrix_of(lists: Sequence[Sequence[int]], *, items: int) -> sparse.csr_matrix:
    """(lists, items) float32: the reciprocal of the rank of each item of a list."""
    bounds = np.cumsum([0, *(len(rows) for rows in lists)])
    ranks = [1.0 / (place + 1) for rows in lists for place in range(len(rows))]
    rows = np.array([row for ranked in lists for row in ranked], dtype=np.int64)
    entries = (np.array(ranks, dtype=np.float32), rows, bounds)
    return sparse.csr_matrix(entries, shape=(len(lists), items))


def profiles_of(queries: Queries) -> Profiles:
    """The prefixes as profiles: a signal of equal weight on each item, without vectors."""
    lengths = queries.ends - queries.starts
    bounds = np.r_[0, np.cumsum(lengths)]
    place = np.arange(bounds[-1])
    items = queries.items[place - np.repeat(bounds[:-1] - queries.starts, lengths)]
    since = np.repeat(bounds[1:], lengths) - 1 - place
    names = [str(item) for item in items.tolist()]
    weights = np.ones(len(items))
    return Profiles(
        listeners=(),
        signals=DecayedSignals(names, weights, place, bounds, since.astype(float), weights > 0, weights < 0),
        rows=items,
        vectors=np.zeros((len(items), 1), dtype=np.float32),
        tastes=np.zeros((len(queries), 1), dtype=np.float32),
    )


def learned(history: SessionLog, settings: RuleSettings) -> dict[str, np.ndarray]:
    """The arrays that `./run.sh models train` stores for these sessions, of tracks 0, 1, … in their order.

    As :func:`segue.spark.transition_rules.transition_rules` by Spark, except for the order of ties.
    """
    n = len(history.artists)
    forward = rule_matrix(history, reach=settings.max_gap, cap=settings.max_weight_per_listener)
    weight = (forward + settings.backward_weight * forward.T).tocsr()
    # A listener adds 1 to a rule, regardless of how often, how near and in which counted order they play the
    # pair.
    order = np.arange(len(history))
    both = history.take(np.r_[order, order[::-1]]) if settings.backward_weight else history
    evidence = rule_matrix(both, reach=settings.max_gap, gap_power=0.0, cap=1.0)
    enough = evidence.data >= settings.min_listeners
    evidence.data = np.where(enough, evidence.data / (evidence.data + settings.shrinkage), 0)
    strongest = np.maximum(weight.multiply(evidence > 0).max(axis=1).toarray().ravel(), 1e-9)
    rules = top_k((sparse.diags(1 / strongest) @ weight).multiply(evidence).tocsr(), settings.rules_per_track)
    table = rules.tocoo()
    pairs = np.unique(history.users * n + history.items)
    return {
        "track_ids": encode_ids([f"{item:012d}" for item in range(n)]),
        "listeners": np.bincount(pairs % n, minlength=n).astype(np.int32),
        "tracks": table.row.astype(np.int32),
        "next": table.col.astype(np.int32),
        "scores": table.data.astype(np.float32),
    }
