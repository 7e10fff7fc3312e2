"""Session models on logs small enough to work out by hand, and the split that they are evaluated on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from segue.errors import SegueError
from segue.recommenders.session_ensemble import EnsembleMember, SessionEnsemble, session_ensemble
from segue.recommenders.session_models import (
    ArtistItems,
    ItemKnn,
    ListenerRepeats,
    Popularity,
    SessionKnn,
    prefix_matrix,
)
from segue.recommenders.session_rules import ListenerRules, SequentialRules, rule_matrix
from segue.recommenders.top import ranks_of, scaled, top_k, top_lists
from segue.session_logs.logs import SessionLog, make_log, read_log
from segue.session_logs.splits import DAY, Queries, prefixes, split_by_time


def log(*sessions: str, users: str | None = None, artists: dict[str, str] | None = None) -> SessionLog:
    """Sessions as words whose letters are tracks, a session an hour, a track a minute."""
    rows = [
        (users[number] if users else str(number), number, item, 3600.0 * number + 60 * place)
        for number, session in enumerate(sessions)
        for place, item in enumerate(session)
    ]
    user, session, item, time = (np.array(column) for column in zip(*rows, strict=True))
    names = None if artists is None else np.array([artists.get(name, "") for name in item])
    return make_log(users=user, sessions=session, items=item, times=time, artists=names)


def ask(history: SessionLog, prefix: str, *, user: int = 0) -> Queries:
    names = list(history.item_ids)
    items = np.array([names.index(item) for item in prefix])
    one = np.array([0])
    return Queries(
        items=items,
        starts=one,
        ends=np.array([len(items)]),
        targets=one,
        users=np.array([user]),
        sessions=one,
        times=np.array([history.times.max() + 1]),
    )


def answer(model: object, history: SessionLog, prefix: str, *, user: int = 0) -> dict[str, float]:
    scores = model.fit(history).scores(ask(history, prefix, user=user)).tocoo()  # type: ignore[attr-defined]
    return {
        str(history.item_ids[column]): float(value)
        for column, value in zip(scores.col, scores.data, strict=True)
    }


def test_rules_weight_following_tracks_by_their_gap() -> None:
    history = log("abc", "ab", "ca")
    assert answer(SequentialRules(), history, "a") == {"b": 2.0, "c": 0.5}
    # The last item alone counts.
    assert answer(SequentialRules(), history, "ab") == {"c": 1.0}
    assert answer(SequentialRules(reach=1), history, "a") == {"b": 2.0}


def test_one_listener_adds_no_more_to_a_rule_than_the_cap() -> None:
    history = log("ab", "ab", "ab", "ac", users="xxxy")
    rules = rule_matrix(history, reach=1, cap=2.0).toarray()
    assert rules[0].tolist() == [0.0, 2.0, 1.0]
    assert rule_matrix(history, reach=1).toarray()[0].tolist() == [0.0, 3.0, 1.0]


def test_session_knn_takes_the_nearest_sessions_by_cosine() -> None:
    history = log("abc", "abde", "fg")
    found = answer(SessionKnn(length_power=0.5), history, "ab")
    near, far = 2 / np.sqrt(3), 2 / np.sqrt(4)
    assert found == pytest.approx({"a": near + far, "b": near + far, "c": near, "d": far, "e": far}, rel=1e-5)
    assert set(answer(SessionKnn(neighbours=1), history, "ab")) == {"a", "b", "c"}


def test_of_a_very_long_session_only_the_end_counts() -> None:
    plays = np.arange(5000)
    one = np.array([0])
    session = Queries(
        items=plays,
        starts=one,
        ends=one + 5000,
        targets=one,
        users=one,
        sessions=one,
        times=one.astype(float),
    )
    assert prefix_matrix(session, 5000).indices.tolist() == list(range(4900, 5000))


def test_late_sessions_and_rare_items_can_count_for_more() -> None:
    found = answer(SessionKnn(half_life=3600.0), log("ab", "ac"), "a")
    assert found["c"] == pytest.approx(2 * found["b"])
    rare = answer(SessionKnn(idf=1.0), log("aby", "acz", "ae", "xf", "bd"), "ab")
    assert rare["y"] > rare["z"]


def test_item_knn_is_the_cosine_of_sessions() -> None:
    assert answer(ItemKnn(), log("ab", "ab", "a", "c"), "a") == pytest.approx({"b": 2 / np.sqrt(6)})


def test_popularity_counts_plays_and_later_ones_more() -> None:
    assert answer(Popularity(), log("aab", "c"), "c") == {"a": 2.0, "b": 1.0, "c": 1.0}
    late = answer(Popularity(half_life=600.0), log("ab", "b"), "a")
    assert late["b"] > 1 > late["a"]


def test_the_listeners_own_past_is_theirs_alone() -> None:
    history = log("abc", "ad", users="xy")
    assert set(answer(ListenerRepeats(), history, "a", user=1)) == {"a", "d"}
    assert answer(ListenerRules(), history, "a", user=0) == {"b": 1.0, "c": 0.5}
    assert answer(ListenerRules(), history, "a", user=1) == {"d": 1.0}
    assert answer(ListenerRules(), history, "b", user=1) == {}


def test_the_artist_of_the_last_track_goes_on() -> None:
    history = log("abcb", "d", artists={"a": "1", "b": "1", "c": "2"})
    found = answer(ArtistItems(decay=0.0, power=1.0), history, "a")
    assert found == pytest.approx({"a": 1 / 3, "b": 2 / 3})
    assert answer(ArtistItems(), history, "d") == {}


def test_a_blend_adds_scaled_scores() -> None:
    history = log("abc", "ab", "ca")
    found = answer(
        SessionEnsemble(
            [EnsembleMember("x", SequentialRules(), 1.0), EnsembleMember("y", Popularity(), 0.5)]
        ),
        history,
        "a",
    )
    assert found == pytest.approx({"b": 1 + 0.5 * 2 / 3, "c": 0.25 + 0.5 * 2 / 3, "a": 0.5})


def test_the_blend_finds_the_next_track() -> None:
    history = log("abc", "abc", "abd", "xyz", artists={"a": "1", "b": "2"})
    found = answer(session_ensemble(), history, "ab")
    best = sorted(found, key=lambda name: -found[name])
    assert best.index("c") < best.index("d") and "z" not in found


def test_the_split_is_by_time_and_the_test_is_not_in_the_catalogue() -> None:
    early, late = log("abc", "ca", users="xy"), log("abn", "b", "na", users="xyx")
    whole = make_log(
        users=[*early.user_ids[early.users], *late.user_ids[late.users]],
        sessions=[*early.sessions, *(late.sessions + 10)],
        items=[*early.item_ids[early.items], *late.item_ids[late.items]],
        times=[*early.times, *(late.times + 2 * DAY)],
    )
    split = split_by_time(whole)
    assert sorted(split.history.item_ids) == ["a", "b", "c"]
    assert len(split.history) == 5
    # "abn" without n asks for b once; "b" and the rest of "na" are too short.
    names = split.history.item_ids
    assert [names[target] for target in split.queries.targets] == ["b"]
    assert names[split.queries.items[split.queries.starts[0]]] == "a"


def test_a_log_of_one_day_cannot_be_split() -> None:
    with pytest.raises(SegueError, match="too short"):
        split_by_time(log("ab", "ab"))


def test_prefixes_grow_one_play_at_a_time() -> None:
    queries = prefixes(log("abc", "d", "ef"))
    assert (queries.ends - queries.starts).tolist() == [1, 2, 1]
    assert queries.targets.tolist() == [1, 2, 5]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("UserId\tSessionId\tItemId\n1\t1\t1\n", "no column Time"),
        ("UserId\tSessionId\tItemId\tTime\n1\t1\t1\tnoon\n", "line 2: Time"),
        ("UserId\tSessionId\tItemId\tTime\n", "no plays"),
        ("", "cannot be read"),
    ],
)
def test_a_log_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "log.tsv"
    file.write_text(text)
    with pytest.raises(SegueError, match=says):
        read_log(file)


def test_plays_are_ordered_by_time_within_their_session(tmp_path: Path) -> None:
    file = tmp_path / "log.tsv"
    file.write_text(
        "Time\tItemId\tUserId\tSessionId\n1500000020\tb\tu\t1\n1500000015\tx\tv\t1\n1500000010\ta\tu\t1\n"
    )
    found = read_log(file)
    # The same session name of two listeners is two sessions.
    assert [str(found.item_ids[item]) for item in found.items] == ["a", "b", "x"]
    assert found.bounds.tolist() == [0, 2, 3]


def test_a_quote_is_text(tmp_path: Path) -> None:
    file = tmp_path / "log.tsv"
    names = ['"Heroes"', '"Heroes', 'the 12" mix', '"', "it's"]
    rows = [f"u\t1\t{name}\t{1_500_000_000 + second}\t{name}" for second, name in enumerate(names)]
    file.write_text("\n".join(["UserId\tSessionId\tItemId\tTime\tArtistId", *rows]) + "\n")
    found = read_log(file)
    assert [str(found.item_ids[item]) for item in found.items] == names


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=6, max_size=6), min_size=1, max_size=5), st.integers(1, 7)
)
def test_the_best_of_sparse_rows_are_those_of_dense_ones(rows: list[list[int]], k: int) -> None:
    dense = np.array(rows, dtype=np.float32)
    scores = sparse.csr_matrix(dense)
    order = np.argsort(-dense, axis=1, kind="stable")
    expected = [
        [column for column in best if row[column] > 0][:k] for row, best in zip(dense, order, strict=True)
    ]
    assert [[item for item in row if item >= 0] for row in top_lists(scores, k).tolist()] == expected
    assert [sorted(row.indices) for row in top_k(scores, k)] == [sorted(best) for best in expected]
    assert scaled(scores).max() <= 1
    targets = np.zeros(len(dense), dtype=np.int64)
    for rank, row in zip(ranks_of(scores, targets), dense, strict=True):
        level = (row > row[0]).sum() + ((row == row[0]).sum() + 1) / 2
        assert rank == (level if row[0] > 0 else np.inf)
