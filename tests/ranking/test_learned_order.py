"""A learned order: skips and dislikes never raise an artist; its reasons; properties shared with the sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.plays.event_types import signal_weight
from segue.ranking.candidates import NO_CANDIDATES, NO_EVIDENCE, Candidates
from segue.ranking.evidence_words import WORDS, words_beside
from segue.ranking.learned_order import (
    AGAINST,
    MOST_LIFTS,
    Evidence,
    LearnedOrder,
    State,
    bounds,
    document,
    gathered,
    lifted_by,
    of_document,
    shipped,
)
from segue.ranking.plan import Plan, plan
from segue.ranking.session_limits import SessionLimits
from segue.ranking.sources import SOURCES
from segue.recommenders.order_learning import PRIOR
from segue.taste.history import History, Window
from segue.taste.profile import build_profiles
from tests.ranking.test_plan import AFTER, DAY, NAMES, SETTINGS, heard, listeners, planned, shelf_of

COUNTS = dict(zip(NAMES, range(18), strict=True))
SHELF = shelf_of(
    after=dict(zip(NAMES, [*NAMES[5:], *NAMES[:5]], strict=True)),
    listeners=COUNTS,
    artists=np.arange(18) // 3,
)
PRIOR_ORDER = LearnedOrder("prior", PRIOR)
TRACK = 200_000
"""The length of a track, and the time between two events, in milliseconds."""
WINDOW = 1_800_000
Event = tuple[str, str]
"""A track, and the type of the event."""


def history_of(events: list[Event]) -> History:
    """The history that the stream makes of events, one every 200 seconds, each listening with its start."""
    sums: dict[int, dict[str, tuple[float, int, str]]] = {}
    for place, (track, kind) in enumerate(events):
        at = place * TRACK
        window = sums.setdefault(at // WINDOW * WINDOW, {})
        weight = signal_weight(
            kind,
            ms_played=5000 if kind == "skip" else TRACK,
            duration_ms=TRACK,
            signals=SETTINGS.signals,
        )
        assert weight is not None
        window[track] = (window.get(track, (0.0, 0, ""))[0] + weight, at, kind)
    return {
        start: Window(
            sorted(window),
            [window[track][0] for track in sorted(window)],
            [window[track][1] for track in sorted(window)],
            [window[track][2] for track in sorted(window)],
        )
        for start, window in sums.items()
    }


def scores_of(history: History, order: LearnedOrder) -> np.ndarray:
    """(18,) the scores of all tracks of the shelf as candidates of all sources."""
    everything = Candidates(
        rows=np.arange(18),
        similarity=np.zeros(18),
        boost=np.zeros(18),
        source=np.full(18, -1),
        evidence=np.full(18, NO_EVIDENCE),
        sources=SOURCES,
        place_of={row: row for row in range(18)},
    )
    profiles = build_profiles(listeners({"ada": history}), bundle=SHELF)
    [found] = order.ordered(profiles, [profiles[0]], [everything], SHELF, SETTINGS.ranking)
    return found.scores


EVENTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["play", "complete", "like", "skip", "dislike"])),
    min_size=1,
    max_size=40,
)
ANY_WEIGHTS = st.lists(
    st.floats(0, 10), min_size=len(Evidence) * len(State), max_size=len(Evidence) * len(State)
)


def weights_of(sizes: list[float]) -> np.ndarray:
    """Weights with the signs that an order must have."""
    lowest = np.array([-np.inf if low is None else low for low, _ in bounds()])
    highest = np.array([np.inf if high is None else high for _, high in bounds()])
    signed = np.where(highest == 0, -np.array(sizes), np.array(sizes))
    clipped: np.ndarray = np.clip(signed, lowest, highest).reshape(len(Evidence), len(State))
    return clipped


@given(events=EVENTS, track=st.sampled_from(NAMES), kind=st.sampled_from(["skip", "dislike"]))
def test_one_more_skip_or_dislike_never_raises_the_artist_in_the_shipped_order(
    events: list[Event], track: str, kind: str
) -> None:
    never_raised(events, (track, kind), shipped())


@given(
    events=EVENTS, track=st.sampled_from(NAMES), kind=st.sampled_from(["skip", "dislike"]), sizes=ANY_WEIGHTS
)
def test_nor_in_any_other_order(events: list[Event], track: str, kind: str, sizes: list[float]) -> None:
    never_raised(events, (track, kind), LearnedOrder("any", weights_of(sizes)))


def never_raised(events: list[Event], last: Event, order: LearnedOrder) -> None:
    before = scores_of(history_of(events), order)
    history = history_of([*events, last])
    after = scores_of(history, order)
    row = NAMES.index(last[0])
    same = SHELF.artists == SHELF.artists[row]
    assert (after[same] <= before[same] + 1e-4 * (1 + np.abs(before[same]))).all()
    earlier, later = limits_of(history_of(events)), limits_of(history)
    artist = int(SHELF.artists[row])
    assert later.repeats <= earlier.repeats
    assert later.more_of_artist.get(artist, 0) <= earlier.more_of_artist.get(artist, 0)
    assert row not in later.again
    found = planned(history, shelf=SHELF, model="learned", list_length=18)
    assert last[0] not in {item.track_id for item in found.items}


def limits_of(history: History) -> SessionLimits:
    profiles = build_profiles(listeners({"ada": history}), bundle=SHELF)
    ranking = SETTINGS.ranking.model_copy(update={"model": "learned"})
    return SessionLimits.of(profiles[0], SHELF, ranking)


def test_a_skip_lowers_its_artist_in_the_shipped_order() -> None:
    history = history_of([("house0", "complete"), ("house1", "complete")])
    skipped = history_of([("house0", "complete"), ("house1", "complete"), ("house3", "skip")])
    row = NAMES.index("house4")
    assert scores_of(skipped, shipped())[row] < scores_of(history, shipped())[row] - 0.05


def learned(history: History, **ranking: Any) -> Plan:
    return planned(history, model="learned", **ranking)


def test_reasons_name_the_source_and_the_track_that_led() -> None:
    found = learned(heard(("house0", 1.0)), shelf=shelf_of(after=AFTER))
    first = found.items[0]
    assert (first.track_id, first.reason, first.evidence) == ("waltz3", "after", "house0")
    assert {item.reason for item in found.items[1:]} == {"because"}
    shelf = shelf_of(after={"waltz0": "waltz1"}, listeners={"blues4": 1, "blues5": 5})
    order = of_document({"best_of_artist": [9.0, 0.0], "sound": [1.0, 0.0]}, version="of artists")
    [by_artist] = plan(
        listeners({"ada": heard(("blues4", 1.0))}),
        bundle=shelf,
        ranking=SETTINGS.ranking.model_copy(update={"model": "learned"}),
        experiments=SETTINGS.experiments,
        order=order,
    )
    first = by_artist.items[0]
    assert (first.track_id, first.reason, first.evidence) == ("blues5", "artist", "blues4")


def test_a_source_that_is_off_adds_nothing() -> None:
    history, shelf = heard(("house0", 1.0)), shelf_of(after=AFTER)
    found = learned(history, shelf=shelf, transition_weight=0.0)
    assert {item.reason for item in found.items} == {"because"}
    audio = learned(history, shelf=shelf, variants=(("audio", 1.0),))
    assert {item.reason for item in audio.items} == {"because"}


def test_limits_dislikes_exploration_and_feedback_hold_as_for_the_sum() -> None:
    history = heard(("house0", -2.0)) | heard(("house1", 1.0), start=40 * DAY)
    assert "house0" not in {item.track_id for item in learned(history, list_length=18).items}
    one_artist = shelf_of(
        after=AFTER, listeners=COUNTS, artists=np.where(np.arange(18) < 12, np.arange(18), 0)
    )
    limited = learned(
        heard(("waltz0", 1.0)), shelf=one_artist, list_length=10, artist_window=10, staying_per_artist=1
    )
    of_artist = [item for item in limited.items if one_artist.artists[NAMES.index(item.track_id)] == 0]
    assert len(of_artist) == SETTINGS.ranking.max_per_artist
    explored = learned(heard(("house0", 1.0)), max_per_artist=9, exploration_share=0.25)
    assert len([item for item in explored.items if item.reason == "explore"]) == 1
    plain = learned(heard(("house0", 1.0)), exploration_share=0.0)
    sunk = NAMES.index(plain.items[0].track_id)
    moved = learned(heard(("house0", 1.0)), exploration_share=0.0, feedback={sunk: -0.5})
    assert moved.items[0].track_id != plain.items[0].track_id


def test_a_loved_track_is_offered_again_and_said_so() -> None:
    history = heard(("house0", 2.5)) | heard(("house1", 1.0), start=40 * DAY)
    again = {item.track_id: item for item in learned(history, list_length=18).items}["house0"]
    assert (again.reason, again.evidence) == ("again", "house0")


def test_variants_compare_the_order_with_the_sum_of_scores() -> None:
    running = SETTINGS.experiments.model_copy(
        update={
            "variants": (("hybrid", 1.0), ("summed", 1.0)),
            "ranking": (("summed", (("model", "sum"),)),),
        }
    )
    history, shelf = heard(("house0", 1.0), ("house1", 1.0)), shelf_of(after=AFTER)
    people = listeners({f"listener{n}": history for n in range(30)})
    found = plan(people, bundle=shelf, ranking=SETTINGS.ranking, experiments=running)
    assert {(one.variant, one.ordered_by) for one in found} == {("hybrid", "shipped"), ("summed", "")}
    ids = {one.variant: one.recommendation_id for one in found if one.user_id == "listener0"}
    again = plan(people[:1], bundle=shelf, ranking=SETTINGS.ranking, experiments=running)
    assert ids == {again[0].variant: again[0].recommendation_id}


def test_without_candidates_there_is_nothing_to_order() -> None:
    profiles = build_profiles(listeners({"ada": {}}), bundle=SHELF)
    found = shipped().ordered(profiles, [profiles[0]], [NO_CANDIDATES], SHELF, SETTINGS.ranking)
    assert found == [NO_CANDIDATES]
    assert learned({}).served == "cold-start"


@pytest.mark.parametrize(
    ("evidence", "values"),
    [("sound", [-1.0, 0.0]), ("artist_against", [0.5, 0.0]), ("artist_against", [-1.0, -1.0])],
)
def test_weights_by_which_a_skip_could_raise_are_refused(evidence: str, values: list[float]) -> None:
    with pytest.raises(ValueError, match="not those of an order"):
        of_document({evidence: values}, version="wrong")


def test_a_document_has_all_weights() -> None:
    order = of_document(document(PRIOR), version="prior")
    assert np.allclose(order.weights, PRIOR)
    assert shipped().weights[Evidence.ARTIST_AGAINST, State.ALWAYS] < 0


def test_a_document_of_an_earlier_version_has_the_shipped_weights_of_newer_evidence() -> None:
    order = of_document(
        {"sound": [9.0, 0.0], "popular": [1.0, 0.0]}, version="old", missing=shipped().weights
    )
    assert order.weights[Evidence.SOUND].tolist() == [9.0, 0.0]
    others = np.arange(len(Evidence)) != Evidence.SOUND
    assert np.array_equal(order.weights[others], shipped().weights[others])


def test_the_evidence_of_a_candidate() -> None:
    profiles = build_profiles(
        listeners({"ada": history_of([("blues0", "complete"), ("house0", "skip")])}), bundle=SHELF
    )
    own = Candidates.scored(np.arange(18), np.zeros(18))
    found = gathered(own, profiles[0], SHELF, {})
    assert found.values[:, Evidence.RULES].max() == 0, "the taste alone proposed them"
    assert found.values[:, Evidence.ARTIST_AGAINST].nonzero()[0].tolist() == [6, 7, 8]
    assert found.state[State.NEW] == pytest.approx(2 ** (-2 / 10))


def without_evidence(order: LearnedOrder, name: str) -> LearnedOrder:
    """The order with a weight of 0 for one evidence."""
    weights = order.weights.copy()
    weights[Evidence[name.upper()]] = 0
    return LearnedOrder("without", weights)


def candidates_by(order: LearnedOrder, history: History) -> Candidates:
    """All tracks but those heard, in an order."""
    profiles = build_profiles(listeners({"ada": history}), bundle=SHELF)
    rows = np.array([row for row in range(18) if row not in profiles[0].recent])
    own = Candidates.scored(rows, np.zeros(len(rows)), SOURCES)
    [found] = order.ordered(profiles, [profiles[0]], [own], SHELF, SETTINGS.ranking)
    return found


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["complete", "like", "skip"])), max_size=8))
def test_without_what_lifted_a_track_most_its_score_is_lower_by_that_much(events: list[Event]) -> None:
    history = history_of([("house0", "complete"), *events])
    found = candidates_by(PRIOR_ORDER, history)
    assert found.ranked is not None
    lifting = lifted_by(found, range(len(found.rows)))
    scores = {}
    for name in {name for named in lifting for name, _ in named}:
        scores[name] = candidates_by(without_evidence(PRIOR_ORDER, name), history).ranked
    for place, named in enumerate(lifting):
        assert [amount for _, amount in named] == sorted((amount for _, amount in named), reverse=True)
        for name, amount in named:
            taken_away = scores[name]
            assert taken_away is not None
            assert amount > 0
            assert found.ranked[place] - taken_away[place] == pytest.approx(amount, abs=1e-3)


def test_what_is_named_follows_from_the_history_and_goes_with_it() -> None:
    """The song that made the artist count is taken out of the history."""
    history = heard(("waltz0", 1.0), ("house0", 1.0))
    place = {name: number for number, name in enumerate(NAMES)}
    with_it, without = candidates_by(PRIOR_ORDER, history), candidates_by(PRIOR_ORDER, heard(("waltz0", 1.0)))
    [lifts] = lifted_by(with_it, [with_it.place_of[place["house1"]]])
    named = dict(lifts)
    assert named.keys() & {"artist_now", "best_of_artist", "artist", "sound", "nearest_sound"}
    assert with_it.ranked is not None and without.ranked is not None
    after = without.ranked[without.place_of[place["house1"]]]
    assert with_it.ranked[with_it.place_of[place["house1"]]] > after
    [others] = lifted_by(without, [without.place_of[place["house1"]]])
    assert dict(others) != named


def test_recommended_tracks_name_what_lifted_them_and_those_of_a_sum_do_not() -> None:
    history = heard(("house0", 1.0))
    items = learned(history, exploration_share=0.0).items
    assert all(0 < len(item.lifted_by) <= MOST_LIFTS for item in items)
    assert {item.lifted_by for item in planned(history, shelf=SHELF, model="sum").items} == {()}


def test_every_evidence_in_favour_has_words_and_a_reason_is_not_said_twice() -> None:
    assert WORDS.keys() <= set(Evidence) - set(AGAINST)
    assert words_beside("after", ["rules_now", "artist_now", "sound"]) == WORDS[Evidence.ARTIST_NOW]
    assert words_beside("loved-2", ["loved", "unknown to this release"]) is None
