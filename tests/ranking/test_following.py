"""Session candidates against a plain loop over dictionaries."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.index.following import Following, following_of
from segue.index.manifest import BundleError
from segue.index.track_ids import encode_ids
from segue.ranking.following import played_next
from segue.settings import load_settings
from segue.taste.history import Window
from segue.taste.vector import decayed

TRACKS = 12
RANKING = load_settings().ranking
RULES = st.dictionaries(
    st.integers(0, TRACKS - 1),
    st.dictionaries(st.integers(0, TRACKS - 1), st.sampled_from([0.25, 0.5, 1.0]), max_size=5),
)
HEARD = st.lists(
    st.tuples(st.integers(-1, TRACKS - 1), st.sampled_from([-1.0, 0.5, 1.0])),
    max_size=9,
    unique_by=lambda s: s[0],
)


def table(rules: dict[int, dict[int, float]]) -> Following:
    bounds = np.cumsum([0, *(len(rules.get(row, {})) for row in range(TRACKS))])
    pairs = [
        pair for row in range(TRACKS) for pair in sorted(rules.get(row, {}).items(), key=lambda p: -p[1])
    ]
    rows, scores = zip(*pairs, strict=True) if pairs else ((), ())
    return Following(bounds.astype(np.int64), np.array(rows, np.int32), np.array(scores, np.float32))


def plainly(heard: list[tuple[int, float]], rules: dict[int, dict[int, float]]) -> dict[int, float]:
    """Track -> score; the last heard comes last in `heard`."""
    found: dict[int, float] = {}
    for since, (row, weight) in enumerate(heard[::-1][: RANKING.session_tracks]):
        if weight > 0 and row >= 0:
            for other, score in rules.get(row, {}).items():
                found[other] = found.get(other, 0.0) + score * RANKING.session_decay**since
    return found


@given(rules=RULES, listeners=st.lists(st.tuples(HEARD, st.booleans()), min_size=1, max_size=4))
def test_all_listeners_at_once_are_each_as_by_a_plain_loop(
    rules: dict[int, dict[int, float]], listeners: list[tuple[list[tuple[int, float]], bool]]
) -> None:
    histories = []
    for heard, _ in listeners:
        names = [f"t{row}" for row, _ in heard]
        window = Window(names, [w for _, w in heard], list(range(len(heard))), ["complete"] * len(heard))
        histories.append({0: window} if heard else {})
    signals = decayed(histories, half_life=timedelta(days=7), half_life_tracks=10)
    rows = np.array([int(name[1:]) for name in signals.tracks], dtype=np.int64)
    wanted = np.array([one for _, one in listeners])
    few = RANKING.model_copy(update={"session_candidates": 3})
    found = played_next(signals, rows, wanted, following=table(rules), ranking=few)
    for i, (heard, served) in enumerate(listeners):
        part = slice(found.bounds[i], found.bounds[i + 1])
        expected = plainly(heard, rules) if served else {}
        got = dict(zip(found.rows[part].tolist(), found.scores[part].tolist(), strict=True))
        best = sorted(expected.values(), reverse=True)[:3]
        assert sorted(got.values(), reverse=True) == pytest.approx(best)
        for row, score, after in zip(got, got.values(), found.after[part].tolist(), strict=True):
            assert score == pytest.approx(expected[row])
            since = signals.since[after]
            ways = [
                rules[place][row] * few.session_decay**gap
                for gap, (place, weight) in enumerate(heard[::-1])
                if weight > 0 and row in rules.get(place, {}) and gap < few.session_tracks
            ]
            assert rules[rows[after]][row] * few.session_decay**since == pytest.approx(max(ways))
            assert signals.bounds[i] <= after < signals.bounds[i + 1]


def test_rules_between_tracks_that_the_bundle_has_become_its_table() -> None:
    model = {
        "track_ids": encode_ids(["a", "b", "gone", "z"]),
        "tracks": np.array([0, 0, 1, 2, 0], np.int32),
        "next": np.array([1, 3, 2, 0, 2], np.int32),
        "scores": np.array([0.25, 0.5, 1.0, 1.0, 0.75], np.float32),
    }
    found = following_of(model, track_ids=encode_ids(["a", "b", "new", "z"]))
    assert found is not None
    assert (found.bounds.tolist(), found.rows.tolist()) == ([0, 2, 2, 2, 2], [3, 1])
    assert found.scores.tolist() == [0.5, 0.25]
    found.check(4)
    assert following_of(model, track_ids=encode_ids(["new"])) is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"bounds": np.array([0, 1], np.int64)}, "following_bounds.npy is"),
        ({"bounds": np.array([0, 2, 1, 2], np.int64)}, "does not rise"),
        ({"rows": np.array([1, 3], np.int32)}, "names a row that is none of the 3"),
        ({"rows": np.array([1], np.int32)}, "following_rows.npy is"),
        ({"scores": np.array([1, 0], np.float32)}, "not above 0"),
        ({"scores": np.array([1, np.nan], np.float32)}, "not above 0"),
        ({"scores": np.array([1.0, 1.0])}, "following_scores.npy is"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(changed: dict[str, np.ndarray], says: str) -> None:
    sound = {
        "bounds": np.array([0, 1, 1, 2], np.int64),
        "rows": np.array([1, 0], np.int32),
        "scores": np.array([1, 0.5], np.float32),
    }
    Following(**sound).check(3)
    with pytest.raises(BundleError, match=says):
        Following(**(sound | changed)).check(3)
