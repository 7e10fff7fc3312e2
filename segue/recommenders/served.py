"""What the stream would have served, on a session log: by the code and the settings of the service itself."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from segue.index.following import by_artist_of, following_of
from segue.index.track_ids import encode_ids
from segue.ranking.choosing import Candidates, Heard, choose
from segue.ranking.following import no_candidates, played_next
from segue.recommenders.session_models import SessionModel, rule_matrix
from segue.recommenders.tastes import NearTaste, nearest
from segue.recommenders.top import top_k
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries
from segue.settings import Models, Ranking, Taste
from segue.taste.vector import Signals


class SessionKnowledge:
    """The stream's session knowledge: what listeners play next, and what they keep of an artist.

    Learned as `./run.sh models train` learns it, every play of the log taken for kept.
    """

    def __init__(self, models: Models, ranking: Ranking) -> None:
        self.models, self.ranking = models, ranking

    def fit(self, history: SessionLog) -> SessionKnowledge:
        model = learned(history, self.models)
        ids, self.artists = model["track_ids"], history.artists
        self.following = following_of(model, track_ids=ids)
        self.by_artist = by_artist_of(model, track_ids=ids, artists=self.artists)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        found = no_candidates(len(queries))
        if self.following is not None:
            signals, rows = heard(queries)
            found = played_next(
                signals,
                rows,
                np.ones(len(queries), dtype=bool),
                following=self.following,
                by_artist=self.by_artist,
                artists=self.artists,
                ranking=self.ranking,
            )
        entries = (found.scores.astype(np.float32), found.rows, found.bounds)
        return sparse.csr_matrix(entries, shape=(len(queries), len(self.artists)))


class Hybrid:
    """Both sources of the stream: what is near the taste in the session space, and session knowledge.

    The score is the cosine with the taste plus what session knowledge adds (:mod:`segue.ranking.choosing`).
    """

    def __init__(self, models: Models, ranking: Ranking, taste: Taste) -> None:
        self.near = NearTaste(models.sessions, half_life=taste.half_life_tracks, nearest=ranking.candidates)
        self.knowledge = SessionKnowledge(models, ranking)

    def fit(self, history: SessionLog) -> Hybrid:
        self.near.fit(history)
        self.knowledge.fit(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        cosines = self.near.cosines(queries)
        added = self.knowledge.scores(queries)
        candidates = (nearest(cosines, self.near.nearest) + added).tocoo()
        entries = cosines[candidates.row, candidates.col], (candidates.row, candidates.col)
        return (sparse.csr_matrix(entries, shape=cosines.shape) + added).tocsr()


class AsServed:
    """A model's candidates as the service makes a list of them: without what the session has heard, and with
    no artist too often. Exploration is off: it is paid for what it finds out, not for what it hits."""

    def __init__(self, model: SessionModel, ranking: Ranking) -> None:
        self.model, self.ranking = model, ranking.model_copy(update={"exploration": 0.0})

    def fit(self, history: SessionLog) -> AsServed:
        self.model.fit(history)
        return self.over(history)

    def over(self, history: SessionLog) -> AsServed:
        """Make lists of the tracks of this log, of a model that is fitted already."""
        self.artists = history.artists
        self.songs = np.full(len(history.artists), -1, dtype=np.int32)
        # Nothing is known of the sound, and there is no varied selection.
        self.vectors = np.zeros((len(history.artists), 1), dtype=np.float32)
        self.cold_start = np.empty(0, dtype=np.int32)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        scores = top_k(self.model.scores(queries), self.ranking.candidates).tocsr()
        lists = [self._list(scores, queries, number) for number in range(len(queries))]
        bounds = np.cumsum([0, *(len(rows) for rows in lists)])
        ranks = [1.0 / (place + 1) for rows in lists for place in range(len(rows))]
        rows = np.array([row for one in lists for row in one], dtype=np.int64)
        return sparse.csr_matrix((np.array(ranks, dtype=np.float32), rows, bounds), shape=scores.shape)

    def _list(self, scores: sparse.csr_matrix, queries: Queries, number: int) -> list[int]:
        part = slice(scores.indptr[number], scores.indptr[number + 1])
        rows = scores.indices[part].astype(np.int64)
        nothing = np.full(len(rows), -1, dtype=np.int64)
        found = Candidates(
            rows=rows,
            scores=scores.data[part].astype(float),
            added=np.zeros(len(rows)),
            after=nothing,
            same_artist=nothing > 0,
            place_of={row: place for place, row in enumerate(rows.tolist())},
        )
        played = queries.items[queries.starts[number] : queries.ends[number]]
        barred = Heard(barred=frozenset(played.tolist()), kept=frozenset())
        return choose(found, barred, bundle=self, ranking=self.ranking, feedback={}, seed="")[0]


def heard(queries: Queries) -> tuple[Signals, np.ndarray]:
    """The prefixes as signals of equal weight, and their items."""
    lengths = queries.ends - queries.starts
    bounds = np.r_[0, np.cumsum(lengths)]
    place = np.arange(bounds[-1])
    items = queries.items[place - np.repeat(bounds[:-1] - queries.starts, lengths)]
    since = np.repeat(bounds[1:], lengths) - 1 - place
    names = [str(item) for item in items.tolist()]
    kept = np.ones(len(items))
    return Signals(names, kept, place, bounds, since.astype(float), kept > 0), items


def learned(history: SessionLog, models: Models) -> dict[str, np.ndarray]:
    """The arrays that `./run.sh models train` stores for these sessions, of tracks 0, 1, … in their order.

    As :func:`segue.spark.transition_rules.following` by Spark, but for how ties are broken.
    """
    n = len(history.artists)
    forward = rule_matrix(history, reach=models.reach, cap=models.listener_cap)
    weight = (forward + models.back * forward.T).tocsr()
    # Each listener adds one to a rule, however often, near, and in whichever order of those that count.
    order = np.arange(len(history))
    both = history.take(np.r_[order, order[::-1]]) if models.back else history
    evidence = rule_matrix(both, reach=models.reach, gap_power=0.0, cap=1.0)
    enough = evidence.data >= models.min_listeners
    evidence.data = np.where(enough, evidence.data / (evidence.data + models.shrink), 0)
    strongest = np.maximum(weight.multiply(evidence > 0).max(axis=1).toarray().ravel(), 1e-9)
    rules = top_k((sparse.diags(1 / strongest) @ weight).multiply(evidence).tocsr(), models.neighbours)
    table = rules.tocoo()
    pairs = np.unique(history.users * n + history.items)
    return {
        "track_ids": encode_ids([f"{item:012d}" for item in range(n)]),
        "listeners": np.bincount(pairs % n, minlength=n).astype(np.int32),
        "tracks": table.row.astype(np.int32),
        "next": table.col.astype(np.int32),
        "scores": table.data.astype(np.float32),
    }
