"""Stored facts judge other orders of candidates: near the truth, and only where they can tell."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from segue.engagement.listening import Listening, RowsOfWindow
from segue.plays.event import MILLIONTHS
from segue.ranking.plan import Plan, plan
from segue.recommenders.logged_lists import (
    MOST,
    PARTS,
    Estimates,
    Policy,
    estimated,
    logged_lists,
)
from segue.settings import load_settings
from segue.storage.store import Store
from segue.taste.profile import ListenerHistory
from tests.ranking.test_learned_order import SHELF
from tests.ranking.test_plan import NAMES

LENGTH = 6
ALL = load_settings()
SETTINGS = ALL.model_copy(
    update={
        "ranking": ALL.ranking.model_copy(
            update={"list_length": LENGTH, "exploration_share": 0.34, "max_per_artist": 9}
        ),
        "experiments": ALL.experiments.model_copy(
            update={
                "variants": (("audio", 1.0),),
                "ranking": (("rules", (("transition_weight", 9.0),)),),
            }
        ),
    }
)
SOUND, RULES = Policy("audio", "audio"), Policy("rules", "rules")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
VISIBLE = 0.85 ** np.arange(LENGTH)


def follows(track: str, heard: str) -> bool:
    """Whether listeners play the track after another one."""
    return NAMES.index(track) == (NAMES.index(heard) + 5) % 18


def rate(track: str, heard: str) -> float:
    """How likely a listener hears a track to the end that they see."""
    return 0.85 if follows(track, heard) else 0.15


def planned_for(heard: dict[str, str], settings: Any = SETTINGS, *, variant: str = "audio") -> list[Plan]:
    """The lists of listeners who have heard one track each."""
    windows = [RowsOfWindow(user_id, BEGIN, [counts(track)]) for user_id, track in heard.items()]
    histories = [one for window in windows for one in histories_of(window)]
    experiments = settings.experiments.model_copy(update={"variants": ((variant, 1.0),)})
    experiments = experiments.model_copy(update={"ranking": ()})
    return plan(histories, bundle=SHELF, ranking=settings.ranking, experiments=experiments)


def histories_of(window: RowsOfWindow) -> list[ListenerHistory]:
    later = RowsOfWindow(window.user_id, BEGIN + timedelta(minutes=15), [listed("blues0", 1, 1.0)])
    return [one.listener for one in logged_lists([window, later], SETTINGS)]


def counts(track: str) -> dict[str, Any]:
    return {"track_id": track, "variant": "", "rank": None, "plays": 1, "completions": 1}


def listed(track: str, rank: int, propensity: float, *, taken: bool = False, **more: Any) -> dict[str, Any]:
    row = {"track_id": track, "variant": "audio", "rank": rank, "impressions": 1, **more}
    row["propensity"] = round(propensity * MILLIONTHS)
    return row | {"starts": int(taken), "plays": int(taken), "completions": int(taken)}


def log_of(listeners: int, *, seed: int = 3) -> tuple[list[RowsOfWindow], dict[str, str]]:
    """Facts of listeners who saw a list by sound with exploration, and the track that each had heard."""
    rng = np.random.default_rng(seed)
    heard = {f"listener{n:04}": NAMES[int(rng.integers(18))] for n in range(listeners)}
    windows = []
    for number, (found, (user_id, track)) in enumerate(zip(planned_for(heard), heard.items(), strict=True)):
        rows = [
            listed(
                item.track_id, rank, item.propensity or 0.0, taken=rng.random() < rate(item.track_id, track)
            )
            for rank, item in enumerate(found.items, 1)
            if rng.random() < VISIBLE[rank - 1]
        ]
        windows.append(RowsOfWindow(user_id, BEGIN, [counts(track)]))
        windows.append(RowsOfWindow(user_id, BEGIN + timedelta(minutes=15 * (1 + number % 50)), rows))
    return windows, heard


def truth(heard: dict[str, str], variant: str) -> float:
    """The share of seen tracks that would be heard to the end in lists of a variant without exploration."""
    ranking = SETTINGS.ranking.model_copy(update={"exploration_share": 0.0})
    if variant == "rules":
        ranking = ranking.model_copy(update={"transition_weight": 9.0})
    lists = planned_for(heard, SETTINGS.model_copy(update={"ranking": ranking}), variant=variant)
    rates = [
        [rate(item.track_id, track) for item in found.items]
        for found, track in zip(lists, heard.values(), strict=True)
    ]
    return float((np.array(rates) @ VISIBLE).sum() / (VISIBLE.sum() * len(rates)))


def of(found: Estimates, policy: str, response: str = "finished") -> Any:
    [one] = [one for one in found.estimates if (one.policy, one.response) == (policy, response)]
    return one


def test_another_variant_is_judged_near_the_truth_where_the_plain_mean_is_not() -> None:
    windows, heard = log_of(1500)
    found = estimated(logged_lists(windows, SETTINGS), [SOUND, RULES], SHELF, SETTINGS)
    for policy in ("audio", "rules"):
        one, expected = of(found, policy), truth(heard, policy)
        for value, low, high in ((one.ips, one.ips_low, one.ips_high), (one.dr, one.dr_low, one.dr_high)):
            assert abs(value - expected) < 1.5 * (high - low) / 2
    rules = of(found, "rules")
    assert not rules.dr_low < rules.seen < rules.dr_high
    assert rules.dr_high - rules.dr_low < rules.ips_high - rules.ips_low
    assert (rules.verdict, of(found, "audio").verdict) == ("better", "")
    assert rules.low < truth(heard, "rules") - truth(heard, "audio") < rules.high
    assert of(found, "rules", "skipped").verdict in ("too little to tell", "too little data")
    assert 0.8 < found.covered["rules"] < 1.2
    assert found.effective["rules"] < found.effective["audio"] <= found.tracks
    assert 0 < found.drawn < found.tracks
    assert found.lists == round(1500 * (PARTS - 1) / PARTS)


def test_little_or_no_data_says_so_and_raises_nothing() -> None:
    for listeners in (0, 1, 4, 20):
        windows, _ = log_of(listeners)
        found = estimated(logged_lists(windows, SETTINGS), [SOUND, RULES], SHELF, SETTINGS)
        assert {one.verdict for one in found.estimates if one.policy == "rules"} == {"too little data"}
        assert found.listeners <= listeners
    nothing = estimated([], [SOUND, RULES], SHELF, SETTINGS)
    assert math.isnan(of(nothing, "rules").dr) and math.isnan(of(nothing, "rules").seen)
    assert (nothing.lists, nothing.tracks, nothing.effective["rules"]) == (0, 0, 0.0)


@pytest.mark.parametrize("propensity", [None, 0, -5, 2 * MILLIONTHS, "x", 0.5, True])
def test_a_track_without_a_probability_is_left_out(propensity: object) -> None:
    rows = [listed("blues0", 1, 1.0), {**listed("waltz0", 2, 1.0), "propensity": propensity}]
    without = {name: value for name, value in rows[1].items() if name != "propensity"}
    for odd in (rows[1], without, {**listed("waltz0", 2, 1.0), "rank": None}):
        windows = [
            RowsOfWindow("ada", BEGIN, [counts("house0")]),
            RowsOfWindow("ada", BEGIN + timedelta(minutes=15), [rows[0], odd]),
        ]
        [found] = logged_lists(windows, SETTINGS)
        assert (found.tracks, found.propensities) == (["blues0"], [1.0])


def test_a_tiny_probability_decides_nothing_alone() -> None:
    windows, _ = log_of(300)
    follower = NAMES[(NAMES.index("house0") + 5) % 18]
    windows += [
        RowsOfWindow("zoe", BEGIN, [counts("house0")]),
        RowsOfWindow("zoe", BEGIN + timedelta(days=1), [listed(follower, 1, 1e-6, taken=False)]),
    ]
    found = estimated(logged_lists(windows, SETTINGS), [SOUND, RULES], SHELF, SETTINGS)
    rules = of(found, "rules")
    assert rules.ips_high - rules.ips_low > 0.02
    assert found.effective["rules"] < found.tracks / 2


def test_only_lists_after_some_history_count_the_newest_of_them() -> None:
    seen = RowsOfWindow("ada", BEGIN, [listed("blues0", 1, 1.0)])
    assert logged_lists([seen], SETTINGS) == []
    hidden = RowsOfWindow("ada", BEGIN, [{**counts("house0"), "excess": True}])
    assert logged_lists([hidden, seen], SETTINGS) == []
    windows, _ = log_of(40)
    found = logged_lists(windows, SETTINGS)
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert len(found) == 40 <= MOST


@pytest.mark.integration
def test_facts_in_the_database_give_the_same_lists(store: Store) -> None:
    windows, _ = log_of(5)
    documents = [
        {
            "_id": f"{int(window.start.timestamp() * 1000)}:{window.user_id}",
            "user_id": window.user_id,
            "start": window.start,
            "rows": window.rows,
            "events": 1,
            "definitions": "",
        }
        for window in windows
    ]
    Listening(store).documents.insert_many(documents)
    assert logged_lists(Listening(store).by_listener(), SETTINGS) == logged_lists(windows, SETTINGS)
