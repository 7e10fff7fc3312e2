"""V-SKNN, STAN and VSTAN against their formulas, written as loops over all sessions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.recommenders.nearest_sessions import KEPT, NearestSessions, Weighting, stan, v_sknn, vstan
from segue.session_logs.logs import SessionLog, make_log
from segue.session_logs.splits import DAY, Queries


def log(sessions: list[list[int]]) -> SessionLog:
    """Sessions that end a day after each other, of ten items."""
    rows = [
        (number, item, number * DAY - len(session) + place)
        for number, session in enumerate([[*range(10)], *sessions])
        for place, item in enumerate(session)
    ]
    session, item, time = (np.array(column) for column in zip(*rows, strict=True))
    return make_log(users=session, sessions=session, items=item, times=time)


def ask(prefix: list[int], now: float) -> Queries:
    one = np.array([0])
    return Queries(
        items=np.array(prefix), starts=one, ends=np.array([len(prefix)]), targets=one, users=one,
        sessions=one, times=np.array([now]),
    )  # fmt: skip


def by_formula(sessions: list[list[int]], prefix: list[int], now: float, w: Weighting) -> dict[int, float]:
    every = [[*range(10)], *sessions]
    rarity = [math.log(len(every) / sum(item in session for session in every)) for item in range(10)]
    last = {item: len(prefix) - 1 - place for place, item in enumerate(prefix)}
    near = []
    for number, session in enumerate(every):
        common = set(session) & set(prefix)
        if not common:
            continue
        weight = sum(
            (math.exp(-last[i] / w.prefix_decay) if w.prefix_decay else (len(prefix) - last[i]) / len(prefix))
            * (1 + w.rarity * rarity[i])
            for i in common
        )
        age = max(now - (number * DAY - 1), 0) / DAY
        weight *= math.exp(-age / w.age_decay) if w.age_decay else 1
        near.append(
            (weight / (math.sqrt(len(session)) if w.cosine else 1), number, min(common, key=last.__getitem__))
        )
    near = sorted(near, key=lambda entry: entry[1])[-w.latest :] if w.latest else near
    bar = sorted(near, reverse=True)[: w.neighbours][-1][0]
    scores: dict[int, float] = {}
    for weight, number, common_item in near:
        if weight < bar * (1 - 1e-9):
            continue
        back = last[common_item]
        match = math.exp(-back / w.match_decay) if w.match_decay else max(1 - 0.1 * back, 0)
        session = every[number]
        at = max(place for place, item in enumerate(session) if item == common_item)
        for place, item in enumerate(session):
            far = math.exp(-abs(place - at) / w.distance_decay) if w.distance_decay else 1
            gain = weight * match * far * (1 + w.rarity * rarity[item])
            scores[item] = scores.get(item, 0) + gain
    return {item: score for item, score in scores.items() if score > 0}


MODELS = (
    v_sknn(3, 2, rarity=0.0),
    v_sknn(2, 5, rarity=2.0),
    stan(3, 2.0, 3.0, 1.5),
    vstan(2, 1.0, 4.0, 2.0),
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), min_size=1, max_size=8),
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.sampled_from(MODELS),
)
def test_scores_are_those_of_the_formulas(
    sessions: list[list[int]], prefix: list[int], weighting: Weighting
) -> None:
    now = (len(sessions) + 1) * DAY
    found = NearestSessions(weighting).fit(log(sessions)).scores(ask(prefix, now)).tocoo()
    expected = by_formula(sessions, prefix, now, weighting)
    scores = dict(zip(found.col.tolist(), found.data.tolist(), strict=True))
    assert scores == pytest.approx(expected, rel=1e-4)


def test_only_the_best_items_are_kept() -> None:
    items = np.arange(3 * KEPT)
    history = make_log(users=items * 0, sessions=items * 0, items=items, times=items.astype(float))
    scores = NearestSessions(stan(5, 1.0, 0.0, 50.0)).fit(history).scores(ask([0], 1e6))
    assert sorted(scores.indices.tolist()) == list(range(KEPT))


def test_each_query_begins_anew() -> None:
    history = log([[1, 2, 3], [3, 4], [5, 6, 1]])
    model = NearestSessions(vstan(2, 1.0, 4.0, 2.0)).fit(history)
    asked = ask([1, 3, 5, 6], 5 * DAY)
    several = asked.take(np.array([0, 0]))
    assert (model.scores(several)[1] != model.scores(asked)[0]).nnz == 0
