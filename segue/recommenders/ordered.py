"""The lists that the stream makes in a learned order, on a session log, by the code of the service itself."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np
from scipy import sparse

from segue.index.contents import Contents
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import artist_tracks_of, transition_rules_of
from segue.ranking.candidates import Candidates, pooled
from segue.ranking.learned_order import LearnedOrder, gathered
from segue.ranking.reranking import rerank
from segue.ranking.session_limits import SessionLimits, candidates_again
from segue.ranking.sources import TASTE, in_use
from segue.recommenders.chosen import LOG_TOO_SHORT
from segue.recommenders.order_learning import PRIOR, choices_among, learn
from segue.recommenders.served import learned, matrix_of
from segue.recommenders.tastes import NearTaste
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries, blocks, last_part, sampled
from segue.settings import ModelSettings, RankingSettings, Settings, TasteSettings
from segue.taste.history import History, Window, together
from segue.taste.profile import ListenerHistory, ListenerProfile, Profiles, build_profiles

TAUGHT = 4000
"""The queries that teach, at most."""
WINDOW_MS = 1_800_000
"""The windows of the histories, as those of the stream by default."""


class Histories:
    """The histories that the stream has of the listeners of a log: each play is heard to the end."""

    def __init__(self, log: SessionLog, taste: TasteSettings) -> None:
        self.taste = taste
        order = np.lexsort((log.times, log.users))
        self.first = np.searchsorted(log.users[order], np.arange(len(log.user_ids) + 1))
        self.items, self.times = log.items[order], log.times[order]
        self.known: dict[int, History] = {}

    def of(self, queries: Queries) -> list[ListenerHistory]:
        """The history of each query's listener: their plays in the log, and those of the prefix."""
        assert queries.played_at is not None
        found = []
        for begin, end, user in zip(
            queries.starts.tolist(), queries.ends.tolist(), queries.users.tolist(), strict=True
        ):
            session = windows_of(queries.items[begin:end], queries.played_at[begin:end])
            history = together(self._earlier(user), session)
            found.append(ListenerHistory(str(user), history, self.taste))
        return found

    def _earlier(self, user: int) -> History:
        if user not in self.known:
            part = slice(
                max(self.first[user], self.first[user + 1] - self.taste.max_signals), self.first[user + 1]
            )
            self.known[user] = windows_of(self.items[part], self.times[part])
        return self.known[user]


def windows_of(items: np.ndarray, times: np.ndarray) -> History:
    """The windows that the stream makes of plays.

    Parameters
    ----------
    items
        (n,) int64 in the order of time.
    times
        (n,) float64, seconds since 1970.
    """
    windows: dict[int, dict[str, tuple[float, int]]] = {}
    for item, at in zip(items.tolist(), (times * 1000).astype(np.int64).tolist(), strict=True):
        window = windows.setdefault(at // WINDOW_MS * WINDOW_MS, {})
        name = track_id(item)
        window[name] = (window.get(name, (0.0, 0))[0] + 1.0, at)
    return {
        start: Window(
            sorted(window),
            [window[name][0] for name in sorted(window)],
            [window[name][1] for name in sorted(window)],
            ["complete"] * len(window),
        )
        for start, window in windows.items()
    }


def track_id(item: int) -> str:
    """The id of an item of a log."""
    return f"{item:012d}"


class ServedSources:
    """The sources of the stream over a history: neighbours in the session space, rules and artists."""

    def __init__(self, models: ModelSettings, taste: TasteSettings) -> None:
        self.models, self.taste = models, taste

    def fit(self, history: SessionLog) -> ServedSources:
        model = learned(history, self.models.rules)
        near = NearTaste(self.models.sessions, half_life=self.taste.half_life_tracks).fit(history)
        ids = encode_ids([track_id(item) for item in range(len(history.artists))])
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
        self.histories = Histories(history, self.taste)
        return self

    def candidates(
        self, queries: Queries, ranking: RankingSettings
    ) -> tuple[Profiles, list[ListenerProfile], list[Candidates]]:
        """The profiles, together and one by one, and the candidates of the queries of a block."""
        bundle = self.index
        profiles = build_profiles(self.histories.of(queries), bundle=bundle)
        pool = pooled(
            TASTE.propose(profiles, bundle, ranking),
            profiles,
            bundle,
            ranking=ranking,
            sources=in_use(bundle, ranking),
        )
        own = [profiles[i] for i in range(len(profiles))]
        candidates = [
            pool.of(i, profile.similarity(bundle.vectors), again=candidates_again(profile, ranking))
            for i, profile in enumerate(own)
        ]
        return profiles, own, candidates


class Ordered:
    """The lists of the stream in an order that is learned from the last part of the history.

    Exploration is off, as in :class:`segue.recommenders.served.AsServed`. A log has plays and no other
    signals: each play is taken as heard to the end.
    """

    def __init__(
        self, models: ModelSettings, ranking: RankingSettings, taste: TasteSettings, *, seed: int = 0
    ) -> None:
        self.ranking = ranking.model_copy(update={"model": "learned", "exploration_share": 0.0})
        self.models, self.taste, self.seed = models, taste, seed
        self.order, self.choice = LearnedOrder("prior", PRIOR), LOG_TOO_SHORT

    def fit(self, history: SessionLog) -> Ordered:
        part = last_part(history)
        self.lessons = None if part is None else (self._sources(part.history), part.queries)
        self.sources = self._sources(history)
        return self.learned(self.seed)

    def learned(self, seed: int) -> Ordered:
        """The same fitted sources with an order that is learned with another seed."""
        weights, choice = PRIOR, LOG_TOO_SHORT
        if self.lessons is not None:
            sources, queries = self.lessons
            queries = sampled(queries, TAUGHT, seed=seed)
            queries = queries.take(np.argsort(queries.times, kind="stable"))
            several = list(choices(sources, queries, self.ranking))
            outcome = learn(choices_among(several, rng=np.random.default_rng(seed)), given=PRIOR)
            weights, choice = outcome.weights, outcome.choice
        return self.with_order(LearnedOrder("learned", weights), choice=choice)

    def with_order(self, order: LearnedOrder, *, choice: str = "") -> Ordered:
        """The same fitted sources with another order."""
        other = copy(self)
        other.order, other.choice = order, choice
        return other

    def limited(self, **changes: Any) -> Ordered:
        """The same fitted order, with changes to `[ranking]` for its lists."""
        other = copy(self)
        other.ranking = self.ranking.model_copy(update=changes)
        return other

    def _sources(self, history: SessionLog) -> ServedSources:
        return ServedSources(self.models, self.taste).fit(history)

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        bundle, ranking = self.sources.index, self.ranking
        profiles, several, candidates = self.sources.candidates(queries, ranking)
        lists = [
            rerank(
                own,
                barred=profile.barred,
                bundle=bundle,
                ranking=ranking,
                feedback={},
                seed="",
                session=SessionLimits.of(profile, bundle, ranking),
            )[0]
            for profile, own in zip(
                several, self.order.ordered(profiles, several, candidates, bundle, ranking), strict=True
            )
        ]
        return matrix_of(lists, items=len(bundle.track_ids))


def ordered(settings: Settings, seed: int = 0) -> Ordered:
    """The lists of the stream with its settings."""
    return Ordered(settings.models, settings.ranking, settings.taste, seed=seed)


def choices(
    sources: ServedSources, queries: Queries, ranking: RankingSettings
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """The evidence of the queries whose target may be in the list, among all that may be."""
    for block in blocks(len(queries)):
        asked = queries.take(block)
        _, several, candidates = sources.candidates(asked, ranking)
        for profile, own, target in zip(several, candidates, asked.targets.tolist(), strict=True):
            again = candidates_again(profile, ranking)
            barred = profile.barred - frozenset([] if again is None else again.tolist())
            if target not in own.place_of or target in barred:
                continue
            evidence = gathered(own, profile, sources.index, {})
            left = np.flatnonzero(~np.isin(own.rows, list(barred)))
            taken = int(np.searchsorted(left, own.place_of[target]))
            yield evidence.values[left], evidence.state, taken
