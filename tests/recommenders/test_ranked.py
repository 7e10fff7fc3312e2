"""The learned ranker: its candidates, features and states, and its learning from a history."""

from __future__ import annotations

import numpy as np
import pytest

from segue.recommenders.chosen import LOG_TOO_SHORT, reached
from segue.recommenders.gated_regression import Choices, GatedRegression, _loss, fit_gated_regression
from segue.recommenders.ranked import FIXED, FixedOrder, Ranked, RepeatsLimited, choices_of, fixed
from segue.recommenders.ranker_features import OWN_CANDIDATES, Feature, State, gather, knowledge_of
from segue.recommenders.session_ensemble import EnsembleMember, SessionEnsemble
from segue.recommenders.session_models import Popularity, SessionRepeats
from segue.recommenders.session_rules import SequentialRules
from segue.recommenders.top import goal, ranks_of
from segue.session_logs.logs import SessionLog, make_log
from segue.session_logs.splits import DAY, Queries, last_part, prefixes, sampled, split_by_time


def log(*sessions: tuple[str, str]) -> SessionLog:
    """Sessions as a listener and tracks, a letter each, an hour apart; capital letters are of one artist."""
    rows = [
        (user, number, item, 3600.0 * number + 60 * place)
        for number, (user, tracks) in enumerate(sessions)
        for place, item in enumerate(tracks)
    ]
    user, session, item, time = (np.array(column) for column in zip(*rows, strict=True))
    artists = np.array(["one" if name.isupper() else f"of {name}" if name != "z" else "" for name in item])
    return make_log(users=user, sessions=session, items=item, times=time, artists=artists)


def ask(history: SessionLog, prefix: str, *, user: str = "u") -> Queries:
    names = history.item_ids.tolist()
    one = np.array([0])
    return Queries(
        items=np.array([names.index(item) for item in prefix]),
        starts=one,
        ends=np.array([len(prefix)]),
        targets=one,
        users=np.array([history.user_ids.tolist().index(user)]),
        sessions=one,
        times=np.array([history.times.max() + 1]),
    )


def test_every_candidate_has_the_features_of_all_sources() -> None:
    history = log(("u", "aAbB"), ("v", "abz"), ("v", "xCA"), ("u", "ab"))
    asked = ask(history, "BbA")
    found = gather(knowledge_of(history), asked)
    names = history.item_ids[found.items].tolist()
    assert len(set(names)) == len(names)
    of = {
        name: dict(zip(Feature, found.features[row].tolist(), strict=True)) for row, name in enumerate(names)
    }
    assert of["b"][Feature.FOLLOWED] == pytest.approx(1 / 1.5)  # after A, only b came next
    assert of["C"][Feature.FOLLOWED] == 0 and of["C"][Feature.RULE_BACKWARD] > 0
    assert of["C"][Feature.ARTIST_OF_LAST] == 1 and of["b"][Feature.ARTIST_OF_LAST] == 0
    assert of["b"][Feature.HEARD] == 1 and of["a"][Feature.HEARD] == 0
    assert of["A"][Feature.IS_LAST] == 1 and of["B"][Feature.IS_LAST] == 0
    assert of["b"][Feature.OWN_AFTER_LAST] > 0 and of["z"][Feature.OWN] == 0
    assert of["a"][Feature.OWN] == pytest.approx(np.log1p(2) / 2)
    assert of["z"][Feature.ARTIST_NEW] == 0  # its artist is unknown
    assert of["x"][Feature.ARTIST_NEW] == 1


def test_the_state_follows_the_session() -> None:
    history = log(("u", "aAbB"), ("v", "ABC"))
    knowledge = knowledge_of(history)

    def state(prefix: str, user: str = "u") -> dict[State, float]:
        return dict(
            zip(State, gather(knowledge, ask(history, prefix, user=user)).states[0].tolist(), strict=True)
        )

    assert state("a")[State.STAYS] == 0
    assert state("aABA")[State.REPEATS] == pytest.approx(1 / 3)
    assert state("aABA")[State.LAST_REPEATED] == 1 and state("aAB")[State.LAST_REPEATED] == 0
    assert state("aABC")[State.RUN] == pytest.approx(0.2)
    assert state("AB")[State.LAST_FOLLOWED] == 1 and state("Ba")[State.LAST_FOLLOWED] == 0
    assert state("a")[State.OWN_TRACK] == 1 and state("a", "v")[State.OWN_TRACK] == 0
    assert all(state(prefix)[State.ALWAYS] == 1 for prefix in ("a", "aABA"))


def test_a_long_past_brings_a_limited_number_of_candidates() -> None:
    tracks = np.arange(1000)
    history = make_log(
        users=np.zeros(1000), sessions=tracks, items=tracks, times=DAY * tracks, artists=np.full(1000, "one")
    )
    one = np.array([0])
    last = Queries(
        items=tracks,
        starts=one,
        ends=one + 1,
        targets=one,
        users=one,
        sessions=one,
        times=history.times[-1:],
    )
    found = gather(knowledge_of(history), last).items
    assert OWN_CANDIDATES <= len(found) < OWN_CANDIDATES + 100
    assert set(range(900, 1000)) <= set(found.tolist())  # the latest


def test_queries_do_not_depend_on_each_other() -> None:
    history = listened()
    queries = prefixes(history).take(slice(0, 200))
    knowledge = knowledge_of(history)
    together = gather(knowledge, queries)
    for number in (0, 57, 199):
        alone = gather(knowledge, queries.take(np.array([number])))
        part = slice(together.bounds[number], together.bounds[number + 1])
        assert together.items[part].tolist() == alone.items.tolist()
        assert (together.features[part] == alone.features).all()
        assert (together.states[number] == alone.states[0]).all()


def test_the_gradient_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(0)
    choices = made_up(rng, np.zeros((3, 2)), count=20)
    weights = rng.normal(size=(3, 2))
    fixed = (choices.bounds, choices.features, choices.states, choices.chosen, choices.outside)
    value, gradient = _loss(weights, *fixed)
    for place in np.ndindex(3, 2):
        moved = weights.copy()
        moved[place] += 1e-5
        assert (_loss(moved, *fixed)[0] - value) / 1e-5 == pytest.approx(gradient[place], abs=1e-3)


def made_up(rng: np.random.Generator, truth: np.ndarray, *, count: int) -> Choices:
    """Choices among five candidates by known weights."""
    features = rng.normal(size=(5 * count, len(truth))).astype(np.float32)
    states = np.c_[np.ones(count), rng.integers(2, size=(count, truth.shape[1] - 1))].astype(np.float32)
    value = ((features.reshape(count, 5, -1) @ truth) * states[:, None, :]).sum(axis=2)
    bounds = np.arange(0, 5 * count + 1, 5)
    chosen = bounds[:-1] + (value + rng.gumbel(size=value.shape)).argmax(axis=1)
    return Choices(bounds=bounds, features=features, states=states, chosen=chosen, outside=np.zeros(count))


def test_the_weights_of_each_state_are_found_again() -> None:
    truth = np.array([[2.0, -3.0], [0.0, 1.5], [-1.0, 0.0]])
    choices = made_up(np.random.default_rng(1), truth, count=6000)
    assert fit_gated_regression(choices, penalty=0.1).weights == pytest.approx(truth, abs=0.25)


def test_some_candidates_stand_for_the_others() -> None:
    history = listened()
    queries = prefixes(history).take(slice(0, 300))
    examples = gather(knowledge_of(history), queries)
    choices = choices_of(examples, queries.targets, rng=np.random.default_rng(0), others=3)
    assert (np.diff(choices.bounds) <= 4).all()
    found = np.array(
        [
            queries.targets[q] in examples.items[examples.bounds[q] : examples.bounds[q + 1]]
            for q in range(300)
        ]
    )
    assert len(choices.chosen) == found.sum()
    counts = np.diff(examples.bounds)[found]
    assert np.exp(choices.outside) * 3 == pytest.approx(np.maximum(counts - 1, 3))


def listened(*, artists: bool = True) -> SessionLog:
    """Ten days of sessions that either play an album in order or repeat two tracks."""
    rng = np.random.default_rng(2)
    rows = []
    for session in range(200):
        album = rng.integers(15)
        if session % 3:
            tracks = 10 * album + (rng.integers(10) + np.arange(6)) % 10
        else:
            tracks = np.tile(rng.integers(150, size=2), 4)
        for place, track in enumerate(tracks.tolist()):
            rows.append((session % 23, session, track, session * 10 * DAY / 200 + 200 * place))
    users, sessions_of, items, times = (np.array(column) for column in zip(*rows, strict=True))
    names = np.array([f"artist {track // 10}" for track in items.tolist()]) if artists else None
    return make_log(users=users, sessions=sessions_of, items=items, times=times, artists=names)


@pytest.mark.parametrize("artists", [True, False])
def test_it_learns_when_tracks_are_repeated_and_when_an_album_goes_on(artists: bool) -> None:
    split = split_by_time(listened(artists=artists))
    model = Ranked().fit(split.history)
    assert "learned from" in model.choice
    reached = goal(ranks_of(model.scores(split.queries), split.queries.targets))
    for other in (SequentialRules(), Popularity()):
        scores = other.fit(split.history).scores(split.queries)
        assert reached > 1.1 * goal(ranks_of(scores, split.queries.targets))


def test_tracks_of_the_session_can_be_barred() -> None:
    split = split_by_time(listened())
    scores = Ranked(again=False).fit(split.history).scores(split.queries)
    for number in range(len(split.queries)):
        heard = split.queries.items[split.queries.starts[number] : split.queries.ends[number]]
        assert not set(heard.tolist()) & set(scores[number].indices.tolist())


def baseline_with_repeats() -> SessionEnsemble:
    return SessionEnsemble(
        [EnsembleMember("heard", SessionRepeats(), 1.0), EnsembleMember("rules", SequentialRules(), 1.0)]
    )


@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_list_has_at_most_so_many_tracks_of_the_session(most: int) -> None:
    split = split_by_time(listened())
    queries = split.queries.take(slice(0, 40))
    everything = baseline_with_repeats()
    limited = RepeatsLimited(everything, most).fit(split.history).scores(queries)
    every = everything.scores(queries)
    for number in range(len(queries)):
        heard = set(queries.items[queries.starts[number] : queries.ends[number]].tolist())
        kept, before = (set(scores[number].indices.tolist()) for scores in (limited, every))
        assert len(kept & heard) == min(most, len(before & heard))
        assert kept - heard == before - heard


def test_learned_weights_that_are_worse_than_one_source_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    history = listened()
    misled = GatedRegression(weights=-fixed(Feature.RULE, Feature.SESSIONS, Feature.HEARD).weights)
    monkeypatch.setattr("segue.recommenders.ranked.fit_gated_regression", lambda choices, penalty: misled)
    model = Ranked(most=300).fit(history)
    assert model.choice.startswith("not learned, the order by ")
    part = last_part(history)
    assert part is not None
    asked = sampled(part.queries, 100)
    scores = Ranked(most=300)
    scores.regression, scores.knowledge = model.regression, knowledge_of(part.history)
    chosen = reached(scores, asked)
    for other in FIXED.values():
        scores.regression = other
        assert chosen >= reached(scores, asked)


def test_the_same_seed_gives_the_same_model() -> None:
    history = listened()
    first, again = (Ranked(most=200).fit(history).regression.weights for _ in range(2))
    assert (first == again).all()
    assert (Ranked(most=200, seed=1).fit(history).regression.weights != first).any()


def test_a_history_too_short_to_learn_from_has_rules_and_sessions() -> None:
    history = log(("u", "abc"), ("v", "abc"), ("v", "abd"))
    model = Ranked().fit(history)
    assert model.choice == LOG_TOO_SHORT
    scores = model.scores(ask(history, "ab"))
    best = history.item_ids[scores.indices[np.argsort(-scores.data)]].tolist()
    assert best.index("c") < best.index("d")


def test_it_learns_from_no_more_predictions_than_it_is_given() -> None:
    history = listened()
    assert 0 < sum(len(part.queries) for part in Ranked(most=150)._parts(history)) <= 150
    assert Ranked(most=0).fit(history).choice == LOG_TOO_SHORT


def test_a_fixed_order_is_that_of_its_source() -> None:
    history = log(("u", "abc"), ("v", "abd"), ("w", "xc"))
    scores = FixedOrder("rules").fit(history).scores(ask(history, "a"))
    assert history.item_ids[scores.indices[scores.data.argmax()]] == "b"
