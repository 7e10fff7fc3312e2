"""The context tree: long contexts where they predict better, short ones elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from segue.recommenders.context_tree import ContextTree, contexts_of
from segue.session_logs.logs import SessionLog, make_log
from segue.session_logs.splits import Queries


def log(*sessions: str) -> SessionLog:
    rows = [
        (number, item, 3600.0 * number + place)
        for number, session in enumerate(sessions)
        for place, item in enumerate(session)
    ]
    session, item, time = (np.array(column) for column in zip(*rows, strict=True))
    return make_log(users=session, sessions=session, items=item, times=time)


def answer(history: SessionLog, prefix: str, *, depth: int = 2) -> dict[str, float]:
    names = history.item_ids.tolist()
    one = np.array([0])
    queries = Queries(
        items=np.array([names.index(item) for item in prefix]), starts=one, ends=np.array([len(prefix)]),
        targets=one, users=one, sessions=one, times=one.astype(float),
    )  # fmt: skip
    scores = ContextTree(depth=depth).fit(history).scores(queries).tocoo()
    return {names[column]: float(score) for column, score in zip(scores.col, scores.data, strict=True)}


def test_a_context_of_one_track_has_the_shares_of_its_followers() -> None:
    found = answer(log("ab", "ab", "ac", "xy"), "a", depth=1)
    assert set(found) == {"b", "c"}
    assert found["b"] == pytest.approx(2 * found["c"])


def test_the_order_of_two_tracks_decides_where_it_predicts_better() -> None:
    history = log(*["xab", "yac"] * 8)
    found = answer(history, "xa")
    assert found["b"] > 5 * found["c"]
    # A context that the history lacks leaves the shorter one.
    unknown = answer(history, "ba")
    assert unknown["b"] == pytest.approx(unknown["c"])


def test_contexts_stay_within_their_session() -> None:
    contexts = contexts_of(log("ab", "cd"), depth=3)
    assert contexts.totals.tolist() == [1, 0, 1, 0]
    assert (contexts.node_of >= 0).sum() == 2


def test_a_track_that_nothing_followed_has_no_answer() -> None:
    assert answer(log("ab"), "b") == {}
