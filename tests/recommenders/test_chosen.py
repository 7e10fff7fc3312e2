"""Parameters and weights that are chosen on the last part of a history."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy import sparse

from segue.recommenders.chosen import (
    LOG_TOO_SHORT,
    NOTHING_FOUND,
    Chosen,
    ChosenBlend,
    context_tree,
    nearest_sessions,
    search_weights,
)
from segue.recommenders.context_tree import ContextTree
from segue.recommenders.nearest_sessions import GRIDS
from segue.recommenders.session_models import Popularity
from segue.recommenders.session_rules import SequentialRules
from segue.recommenders.top import goal, ranks_of
from segue.session_logs.logs import SessionLog, make_log
from segue.session_logs.splits import DAY, prefixes


def albums(*, sessions: int = 120, seed: int = 0, artists: bool = False) -> SessionLog:
    """Sessions over ten days that play an album from some track on, now and then with a track of another."""
    rng = np.random.default_rng(seed)
    rows = []
    for session in range(sessions):
        album, first = rng.integers(8), rng.integers(4)
        for place in range(6):
            track = rng.integers(80) if rng.random() < 0.1 else 10 * album + first + place
            rows.append((session % 17, session, track, session * 10 * DAY / sessions + 200 * place))
    users, sessions_of, items, times = (np.array(column) for column in zip(*rows, strict=True))
    names = np.array([f"artist {track // 10}" for track in items.tolist()]) if artists else None
    return make_log(users=users, sessions=sessions_of, items=items, times=times, artists=names)


def test_the_better_parameters_are_chosen() -> None:
    log = albums()
    chosen = Chosen([Popularity, SequentialRules])
    chosen.fit(log)
    assert isinstance(chosen.model, SequentialRules)
    first = Chosen([Popularity, SequentialRules])
    first.fit(log.take(log.sessions == 0))
    assert isinstance(first.model, Popularity)
    assert first.choice == LOG_TOO_SHORT


CHOSEN: dict[str, Callable[[], Chosen]] = {
    "context-tree": context_tree,
    **{name: partial(nearest_sessions, grid) for name, grid in GRIDS.items()},
}


@pytest.mark.parametrize("make", CHOSEN.values(), ids=CHOSEN)
def test_a_choice_says_what_it_is_and_answers(make: Callable[[], Chosen]) -> None:
    log = albums()
    model = make().fit(log)
    assert any(character.isdigit() for character in model.choice)
    queries = prefixes(log)
    assert goal(ranks_of(model.scores(queries), queries.targets)) > 1


def test_a_context_tree_of_the_chosen_depth_learns_from_everything() -> None:
    log = albums()
    model = context_tree().fit(log)
    assert isinstance(model.model, ContextTree)
    assert model.model.contexts.totals.sum() >= (np.diff(log.bounds) - 1).sum()


def test_a_member_that_brings_nothing_has_no_weight() -> None:
    rng = np.random.default_rng(1)
    targets = rng.integers(50, size=300)
    good = np.zeros((300, 50), dtype=np.float32)
    good[np.arange(300), targets] = rng.random(300) < 0.5
    good += 0.4 * rng.random(good.shape).astype(np.float32)
    noise = rng.random(good.shape).astype(np.float32)
    weights = search_weights({"noise": sparse.csr_matrix(noise), "good": sparse.csr_matrix(good)}, targets)
    assert weights["good"] > 0
    alone = goal(ranks_of(sparse.csr_matrix(good), targets))
    both = weights["good"] * good + weights["noise"] * noise
    assert goal(ranks_of(sparse.csr_matrix(both), targets)) >= alone
    useless = search_weights(
        {"good": sparse.csr_matrix(good), "empty": sparse.csr_matrix(good.shape)}, targets
    )
    assert useless["empty"] == 0


def test_the_best_member_stays_even_if_it_finds_next_to_nothing() -> None:
    targets = np.zeros(4000, dtype=np.int64)
    # Each finds the target of one query, as the fifth or the sixth of its list.
    scores = {}
    for name, query, ahead in (("fifth", 0, 4), ("sixth", 1, 5)):
        row = np.zeros((4000, 10), dtype=np.float32)
        row[query, : ahead + 1] = 1
        row[query, 0] = 0.5
        scores[name] = sparse.csr_matrix(row)
    weights = search_weights(scores, targets)
    total = sparse.csr_matrix(sum(weights[name] * scores[name] for name in scores))
    assert weights["fifth"] > 0
    assert goal(ranks_of(total, targets)) >= goal(ranks_of(scores["fifth"], targets)) > 0


def never_predicted() -> SessionLog:
    """Tracks and their second parts for six days, then three days of tracks that never met."""
    rows = []
    for session in range(90):
        track, late = session % 15, session >= 60
        following = (track + 1) % 15 if late else 100 + track
        for place, item in enumerate((track, following)):
            rows.append((session, item, session * DAY / 10 + 100 * place))
    sessions, items, times = (np.array(column) for column in zip(*rows, strict=True))
    return make_log(users=sessions, sessions=sessions, items=items, times=times)


def test_models_whose_tracks_were_never_right_keep_their_first_parameters() -> None:
    log = never_predicted()
    blend = ChosenBlend().fit(log)
    assert blend.choice == NOTHING_FOUND
    assert {member.weight for member in blend.ensemble.members} == {1.0}
    queries = prefixes(log)
    assert goal(ranks_of(blend.scores(queries), queries.targets)) > 0
    chosen = Chosen([lambda: ContextTree(depth=1), SequentialRules]).fit(log)
    assert chosen.choice == NOTHING_FOUND
    assert isinstance(chosen.model, ContextTree)


def test_the_blend_names_its_members_and_leaves_the_others_out() -> None:
    log = albums()
    blend = ChosenBlend().fit(log)
    members = {member.name for member in blend.ensemble.members}
    assert members == {part.split()[0] for part in blend.choice.split(", ")}
    # There are no artists in this log.
    assert "artist" not in members
