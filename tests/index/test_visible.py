"""An index without hidden tracks: its search, rules and selection know only the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segue.index.exact import ExactIndex
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import RuleTable
from segue.index.visible import VisibleIndexes, without
from tests.index.corpus import columns


def made() -> TrackIndex:
    given = columns(60)
    bounds = np.arange(61, dtype=np.int64) * 2
    following = np.stack([(np.arange(60) + 1) % 60, (np.arange(60) + 2) % 60], axis=1).ravel()
    rules = RuleTable(bounds, following.astype(np.int32), np.full(120, 0.5, dtype=np.float32))
    return TrackIndex(
        **given, transition_rules=rules, version="v", space="s", neighbours=ExactIndex(given["vectors"])
    )


HIDDEN = [f"t{row:05d}" for row in range(0, 60, 2)]


def test_a_hidden_track_has_no_row_and_others_keep_theirs() -> None:
    index = made()
    view = without(index, [*HIDDEN, "unknown"])
    assert view.rows(["t00000", "t00001", "unknown", "t00059"]).tolist() == [-1, 1, -1, 59]
    assert index.rows(["t00000"]).tolist() == [0], "the index itself is unchanged"


def test_neighbours_are_the_nearest_of_the_visible_rows() -> None:
    index = made()
    rows, scores = without(index, HIDDEN).neighbours.query(index.vectors[:5], 7)
    odd = np.arange(1, 60, 2)
    cosines = index.vectors[:5] @ index.vectors[odd].T
    assert (rows == odd[np.argsort(-cosines, axis=1, kind="stable")[:, :7]]).all()
    assert np.allclose(scores, -np.sort(-cosines, axis=1)[:, :7], atol=1e-5)


def test_there_are_no_more_neighbours_than_visible_rows() -> None:
    rows, scores = without(made(), HIDDEN).neighbours.query(made().vectors[:1], 40)
    assert (rows[0] >= 0).sum() == 30
    assert np.isinf(scores[0][30:]).all()


def test_rules_lead_to_visible_tracks_only() -> None:
    view = without(made(), HIDDEN)
    assert view.transition_rules is not None
    place, rows, scores = view.transition_rules.leads(np.array([1, 2, 59]))
    assert (place.tolist(), rows.tolist()) == ([0, 1, 2], [3, 3, 1])
    view.transition_rules.check(60, keys=60)
    assert len(scores) == 3


def test_the_varied_selection_is_as_long_as_before() -> None:
    index = made()
    chosen = without(index, HIDDEN).cold_start
    assert len(chosen) == len(index.cold_start) == len(set(chosen.tolist()))
    assert (chosen % 2 == 1).all()
    assert chosen[:4].tolist() == [row for row in index.cold_start.tolist() if row % 2][:4]


def test_all_may_be_hidden() -> None:
    view = without(made(), [f"t{row:05d}" for row in range(60)])
    rows, _ = view.neighbours.query(view.vectors[:1], 3)
    assert rows.tolist() == [[-1, -1, -1]]
    assert not len(view.cold_start)


def test_a_view_is_made_once_for_each_version_and_set(tmp_path: Path) -> None:
    asked: list[frozenset[str]] = []

    def tracks_of(libraries: frozenset[str]) -> list[str]:
        asked.append(libraries)
        return HIDDEN

    index, views = made(), VisibleIndexes[TrackIndex](tracks_of)
    assert views.of(index, frozenset()) is index
    assert not asked
    first = views.of(index, frozenset({"a"}))
    assert views.of(index, frozenset({"a"})) is first
    views.of(index, frozenset({"b"}))
    assert asked == [frozenset({"a"}), frozenset({"b"})]
