"""Orders learned from choices: of listeners in stored facts, and of composed listening."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from segue.demo.composed_listening import shipped_weights
from segue.engagement.listening import Listening, RowsOfWindow
from segue.models.versions import Models
from segue.ranking import order_versions
from segue.ranking.learned_order import Evidence, State, is_allowed, shipped
from segue.recommenders.gated_regression import fit_gated_regression
from segue.recommenders.order_from_responses import choices_seen, learn_order, seen
from segue.recommenders.order_learning import FEWEST, PRIOR, choices_among, learn
from segue.settings import load_settings
from segue.storage.store import Store
from tests.ranking.test_learned_order import SHELF
from tests.ranking.test_plan import NAMES

SETTINGS = load_settings()
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def choices_of(count: int, *, feature: int, features: int = len(Evidence), seed: int = 1) -> Any:
    """Choices among five candidates: of the one with the most of a feature."""
    rng = np.random.default_rng(seed)
    several = []
    for _ in range(count):
        values = rng.random((5, features)).astype(np.float32)
        several.append((values, np.array([1.0, 0.1]), int(np.argmax(values[:, feature]))))
    return choices_among(several, rng=rng)


def test_what_listeners_choose_by_gets_weight_and_signs_are_kept() -> None:
    found = learn(choices_of(600, feature=Evidence.RULES), given=PRIOR)
    assert found.is_better
    assert found.choice.startswith("learned from 600 choices")
    assert found.weights[Evidence.RULES, State.ALWAYS] > PRIOR[Evidence.RULES, State.ALWAYS]
    assert np.abs(found.weights).sum() == pytest.approx(np.abs(PRIOR).sum())
    assert is_allowed(found.weights)
    # Listeners who choose what is against them do not turn its sign around.
    assert is_allowed(learn(choices_of(600, feature=Evidence.ARTIST_AGAINST), given=PRIOR).weights)


def test_few_choices_or_choices_that_teach_nothing_leave_the_given_weights() -> None:
    few = learn(choices_of(FEWEST - 1, feature=Evidence.RULES), given=PRIOR)
    assert (few.weights is PRIOR, few.is_better) == (True, False)
    rng = np.random.default_rng(2)
    by_chance = []
    for _ in range(300):
        values = rng.random((5, len(Evidence))).astype(np.float32)
        by_chance.append((values, np.ones(2), int(rng.integers(5))))
    nothing = learn(choices_among(by_chance, rng=rng), given=PRIOR)
    assert nothing.is_better == (nothing.gain > 0) == (nothing.weights is not PRIOR)


def test_the_place_in_the_list_explains_what_would_look_like_evidence() -> None:
    """Listeners take tracks from high places, and the former order put tracks of a rule there."""
    rng = np.random.default_rng(4)
    with_place, without = [], []
    for _ in range(800):
        values = np.zeros((5, len(Evidence) + 1), dtype=np.float32)
        values[:, -1] = 1 / np.log2(2 + np.arange(5))
        values[:, Evidence.RULES] = values[:, -1] + rng.normal(0, 0.1, 5)
        likely = np.exp(6 * values[:, -1])
        taken = int(rng.choice(5, p=likely / likely.sum()))
        with_place.append((values, np.array([1.0, 0.0]), taken))
        without.append((values[:, :-1], np.array([1.0, 0.0]), taken))
    little = 0.05 * PRIOR
    corrected = learn(choices_among(with_place, rng=rng), given=little)
    plain = learn(choices_among(without, rng=rng), given=little)
    assert corrected.gain < plain.gain / 5


def test_a_prior_and_bounds_hold_without_evidence() -> None:
    choices = choices_of(20, feature=Evidence.SOUND)
    found = fit_gated_regression(choices, penalty=1e9, prior=PRIOR)
    assert np.allclose(found.weights, PRIOR, atol=1e-3)
    fixed = [(value, value) for value in PRIOR.ravel().tolist()]
    bound = fit_gated_regression(choices, penalty=1.0, prior=PRIOR, bounds=fixed)
    assert np.array_equal(bound.weights, PRIOR)


def window(user_id: str, number: int, *rows: dict[str, Any]) -> RowsOfWindow:
    return RowsOfWindow(user_id, BEGIN + timedelta(minutes=15 * number), list(rows))


def played(track: str, **counts: int) -> dict[str, Any]:
    return {"track_id": track, "variant": "", "rank": None, **counts}


def shown(track: str, rank: int, **counts: int) -> dict[str, Any]:
    return {"track_id": track, "variant": "hybrid", "rank": rank, "impressions": 1, **counts}


HEARD = played("house0", plays=1, completions=1)


def test_a_choice_is_a_track_that_was_heard_to_the_end_among_those_that_were_seen() -> None:
    lists = window(
        "ada",
        1,
        shown("blues0", 1),
        shown("house4", 2, plays=1, completions=1),
        shown("waltz0", 3, plays=1, skips=1, early_skips=1),
        shown("nowhere", 4),
        played("waltz5", plays=1, completions=1),
        {**shown("waltz1", 5), "excess": True},
    )
    windows = [window("ada", 0, HEARD), lists]
    [found] = seen(windows, SETTINGS)
    assert (dict(found.places), found.taken) == (
        {"blues0": 1, "house4": 2, "waltz0": 3, "nowhere": 4},
        frozenset({"house4"}),
    )
    [(features, _, taken)], tracks = choices_seen(windows, SHELF, SETTINGS)
    assert (features.shape, taken, tracks) == ((3, len(Evidence) + 1), 0, 4)
    assert features[0, Evidence.ARTIST] == 0, "house0 and house4 are of different artists"
    assert features[0, Evidence.SOUND] > features[1:, Evidence.SOUND].max()
    assert features[:, -1].tolist() == pytest.approx([1 / np.log2(3), 1.0, 1 / np.log2(4)])


@pytest.mark.parametrize(
    "windows",
    [
        [window("ada", 1, shown("blues0", 1), shown("house4", 2, completions=1))],
        [window("ben", 0, HEARD), window("ada", 1, shown("blues0", 1), shown("house4", 2, completions=1))],
        [window("ada", 0, HEARD), window("ada", 1, shown("blues0", 1), shown("house4", 2))],
        [window("ada", 0, HEARD), window("ada", 1, shown("house4", 2, completions=1))],
        [window("ada", 0, HEARD), window("ada", 1, played("blues0"), played("house4", completions=1))],
    ],
    ids=["no history", "another's history", "nothing taken", "nothing left", "not recommended"],
)
def test_without_history_or_alternatives_there_is_no_choice(windows: list[RowsOfWindow]) -> None:
    assert choices_seen(windows, SHELF, SETTINGS) == ([], 0)


@pytest.mark.integration
def test_an_order_is_learned_from_facts_and_chosen_again(store: Store) -> None:
    facts = Listening(store)
    assert learn_order(store, SETTINGS, SHELF).version == "shipped"
    assert Models(store).versions(order_versions.KIND) == []
    documents = []
    rng = np.random.default_rng(5)
    for listener in range(2 * FEWEST):
        start = BEGIN + timedelta(minutes=15 * listener)
        first = int(rng.integers(18))
        # Listeners take the track that follows theirs by a rule, wherever it stands; artists do not matter.
        follower = (first + 5) % 18
        others = [int(row) for row in rng.permutation(18)[:6] if row not in (first, follower)][:4]
        rows = [shown(NAMES[row], rank) for rank, row in enumerate(others, 1)]
        rows.append(shown(NAMES[follower], 5, plays=1, completions=1))
        for number, content in enumerate(([played(NAMES[first], plays=1, completions=1)], rows)):
            at = start + timedelta(minutes=15 * number)
            documents.append(
                {
                    "_id": f"{int(at.timestamp() * 1000)}:{listener}",
                    "user_id": str(listener),
                    "start": at,
                    "rows": content,
                    "events": 1,
                    "definitions": "",
                }
            )
    facts.documents.insert_many(documents)
    outcome = learn_order(store, SETTINGS, SHELF)
    assert outcome.learned.is_better
    assert outcome.version == Models(store).active_version(order_versions.KIND) != "shipped"
    weights = order_versions.read(store, outcome.version).weights
    rules = [Evidence.RULES, Evidence.RULES_NOW, Evidence.STRONGEST_RULE]
    assert weights[rules].sum() > shipped().weights[rules].sum()
    again = learn_order(store, SETTINGS, SHELF)
    assert (again.version, again.unchanged) == (outcome.version, True)


def test_composed_listening_teaches_the_same_with_the_same_seed() -> None:
    found = [shipped_weights(SETTINGS, seed=3, listeners=40) for _ in range(2)]
    assert np.array_equal(found[0].weights, found[1].weights)
    assert is_allowed(found[0].weights)
