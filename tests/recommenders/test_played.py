"""Plays to steps, rules and factors, on tiny rows.

minutes    0    1    2        60   61
ada      [ a    b    c ]    [ a    b ]      two sessions: the pause is longer than the gap
ben      [ a    b ]                         skips c at once
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from scipy import sparse

from segue.plays.event_types import SIGNALS, signal_weight
from segue.recommenders.played import learned_factors
from segue.recommenders.served import learned
from segue.session_logs.logs import make_log
from segue.settings import load_settings
from segue.spark.als import liked_pairs, track_factors
from segue.spark.plays import PLAY_SCHEMA
from segue.spark.steps import fingerprint, steps
from segue.spark.transition_rules import listener_counts, transition_rules
from tests.plays.examples import a_play

SETTINGS = load_settings()
MINUTE = 60_000
STEPS = "user_id string, session long, track_id string, at long, weight double"
PLAIN = {"min_listeners": 1, "shrinkage": 0.0, "backward_weight": 0.0}
RULES = SETTINGS.models.rules.model_copy(update=PLAIN)
ALS = SETTINGS.models.als.model_copy(update={"factors": 4, "iterations": 3})


def played(spark: SparkSession, plays: list[dict[str, Any]], *, most: int = 100) -> DataFrame:
    rows = [tuple(play.get(field.name) for field in PLAY_SCHEMA) for play in plays]
    table = spark.createDataFrame(rows, PLAY_SCHEMA)
    return steps(table, signals=SETTINGS.signals, gap=timedelta(minutes=30), most=most)


def heard(user: str, track: str, minute: int, **changes: Any) -> dict[str, Any]:
    return a_play(user_id=user, track_id=track, occurred_at=minute * MINUTE, **changes)


EVENING = [
    *(heard("ada", track, minute) for track, minute in (("a", 0), ("b", 1), ("c", 2), ("a", 60), ("b", 61))),
    *(heard("ben", track, minute) for track, minute in (("a", 0), ("b", 1))),
    heard("ben", "c", 2, type="skip", ms_played=1000),
]


def test_a_pause_ends_a_session_and_a_skipped_track_is_no_step(spark: SparkSession) -> None:
    expected = [
        *(("ada", 0, track, minute * MINUTE, 1.0) for track, minute in (("a", 0), ("b", 1), ("c", 2))),
        *(("ada", 1, track, minute * MINUTE, 1.0) for track, minute in (("a", 60), ("b", 61))),
        *(("ben", 0, track, minute * MINUTE, 1.0) for track, minute in (("a", 0), ("b", 1))),
    ]
    found = played(spark, EVENING + EVENING[:3])  # a repeated delivery counts once
    assert_df_equality(
        found, spark.createDataFrame(expected, STEPS), ignore_row_order=True, ignore_nullable=True
    )


def test_the_signals_of_a_track_in_a_session_are_summed_at_its_first(spark: SparkSession) -> None:
    plays = [heard("ada", "a", 0, type="play"), heard("ada", "a", 3), heard("ada", "a", 4, type="like")]
    [found] = played(spark, plays).collect()
    signals = SETTINGS.signals
    assert (found.at, found.weight) == (0, pytest.approx(signals.play + signals.complete + signals.like))


def test_of_a_long_history_the_newest_steps_are_taken(spark: SparkSession) -> None:
    found = played(spark, EVENING, most=2).collect()
    assert {(r.user_id, r.track_id, r.session) for r in found} == {
        *(("ada", track, 1) for track in "ab"),
        *(("ben", track, 0) for track in "ab"),
    }


def test_a_signal_has_the_same_weight_as_in_the_stream(spark: SparkSession) -> None:
    liking = SETTINGS.signals.model_copy(update={"dislike": 0.25, "skip_early": 0.1})
    cases = [
        (kind, ms, duration) for kind in SIGNALS for ms, duration in ((0, 0), (50, 200), (9, 0), (300, 200))
    ]
    rows = [
        heard(f"u{i}", "a", 0, type=kind, ms_played=ms, duration_ms=duration)
        for i, (kind, ms, duration) in enumerate(cases)
    ]
    table = spark.createDataFrame([tuple(r.get(f.name) for f in PLAY_SCHEMA) for r in rows], PLAY_SCHEMA)
    found = steps(table, signals=liking, gap=timedelta(minutes=30), most=9).collect()
    weights = {row.user_id: row.weight for row in found}
    for i, (kind, ms, duration) in enumerate(cases):
        expected = signal_weight(kind, ms_played=ms, duration_ms=duration, signals=liking)
        assert expected is not None
        # Only tracks with a positive sum are steps; an opinion that is taken back has none.
        assert weights.get(f"u{i}", 0.0) == pytest.approx(max(expected, 0.0))


def test_the_fingerprint_knows_the_steps_and_not_their_order(spark: SparkSession) -> None:
    rows = [("ada", 0, "a", 1, 1.0), ("ada", 0, "b", 2, 1.0), ("ben", 0, "b", 2, 0.5)]
    first = fingerprint(spark.createDataFrame(rows, STEPS))
    assert fingerprint(spark.createDataFrame(rows[::-1], STEPS).repartition(3)) == first
    assert fingerprint(spark.createDataFrame(rows[:2], STEPS)) != first
    changed = [*rows[:2], ("ben", 0, "b", 2, 0.6)]
    assert fingerprint(spark.createDataFrame(changed, STEPS)) != first


def in_turn(spark: SparkSession, sessions: dict[tuple[str, int], str]) -> DataFrame:
    """Steps of sessions whose tracks have names of one letter."""
    rows = [
        (user, number, track, at, 1.0)
        for (user, number), tracks in sessions.items()
        for at, track in enumerate(tracks)
    ]
    return spark.createDataFrame(rows, STEPS)


def test_a_rule_weighs_less_the_further_it_reaches(spark: SparkSession) -> None:
    found = transition_rules(
        in_turn(spark, {("ada", 0): "abcd"}), rules=RULES.model_copy(update={"max_gap": 2})
    )
    expected = [
        *(("a", "b", 1.0, 1), ("a", "c", 0.5, 1), ("b", "c", 1.0, 1), ("b", "d", 0.5, 1), ("c", "d", 1.0, 1))
    ]
    assert_df_equality(
        found,
        spark.createDataFrame(expected, "track_id string, next_id string, score double, listeners long"),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_earlier_tracks_count_by_their_share(spark: SparkSession) -> None:
    sessions = in_turn(spark, {("ada", 0): "ab", ("ben", 0): "ab", ("ben", 1): "ba"})
    found = transition_rules(
        sessions, rules=RULES.model_copy(update={"backward_weight": 0.25, "shrinkage": 1.0})
    ).collect()
    weights = {("a", "b"): 2 + 0.25, ("b", "a"): 1 + 2 * 0.25}
    # The strongest rule of each track is its only one; two listeners against one that the shrinking asks for.
    assert {(r.track_id, r.next_id): (r.score, r.listeners) for r in found} == {
        pair: (pytest.approx(2 / 3), 2) for pair in weights
    }


def test_a_session_log_gives_the_rules_that_spark_learns(spark: SparkSession) -> None:
    rng = np.random.default_rng(5)
    names = "abcdefgh"
    sessions = {
        (f"u{number % 7}", number): "".join(dict.fromkeys(rng.choice(list(names), size=6)))
        for number in range(30)
    }
    rules = RULES.model_copy(
        update={"backward_weight": 0.3, "shrinkage": 2.0, "min_listeners": 2, "max_gap": 4}
    )
    spark_rules = {
        (r.track_id, r.next_id): r.score
        for r in transition_rules(in_turn(spark, sessions), rules=rules).collect()
    }
    plays = [(user, str(n), track) for (user, n), tracks in sessions.items() for track in tracks]
    users, numbers, items = zip(*plays, strict=True)
    log = make_log(users=users, sessions=numbers, items=items, times=list(range(len(plays))))
    model = learned(log, rules)
    triples = zip(model["tracks"].tolist(), model["next"].tolist(), model["scores"].tolist(), strict=True)
    found = {(log.item_ids[a], log.item_ids[b]): score for a, b, score in triples}
    assert found == {pair: pytest.approx(score) for pair, score in spark_rules.items()}
    listeners = {r.track_id: r.listeners for r in listener_counts(in_turn(spark, sessions)).collect()}
    assert dict(zip(log.item_ids, model["listeners"].tolist(), strict=True)) == listeners


def test_the_weight_that_one_listener_adds_to_a_rule_has_a_cap(spark: SparkSession) -> None:
    often = {("ada", number): "ab" for number in range(20)}
    others = {("ben", 0): "ac", ("eve", 0): "ac"}
    found = transition_rules(in_turn(spark, often | others), rules=RULES).collect()
    assert {(r.next_id, r.score) for r in found} == {("c", 1.0), ("b", 0.5)}


def test_a_rule_needs_its_listeners_and_gains_with_them(spark: SparkSession) -> None:
    sessions = {("ada", 0): "ab", ("ben", 0): "ab", ("eve", 0): "ac"}
    rules = RULES.model_copy(update={"min_listeners": 2, "shrinkage": 2.0})
    [found] = transition_rules(in_turn(spark, sessions), rules=rules).collect()
    assert (found.track_id, found.next_id, found.score, found.listeners) == ("a", "b", 0.5, 2)


def test_the_best_rules_of_a_track_are_kept_ties_by_name(spark: SparkSession) -> None:
    sessions = {("ada", 0): "ab", ("ben", 0): "ac", ("eve", 0): "ad", ("eve", 1): "ac"}
    found = transition_rules(
        in_turn(spark, sessions), rules=RULES.model_copy(update={"rules_per_track": 2})
    ).collect()
    assert [(r.next_id) for r in sorted(found, key=lambda r: -r.score)] == ["c", "b"]


def test_a_matrix_of_plays_gives_the_factors_that_spark_learns(spark: SparkSession) -> None:
    rng = np.random.default_rng(1)
    # Half of the listeners play little, so that the scale of each side's regularisation matters.
    plays = rng.poisson(np.repeat([0.3, 3.0], 6)[:, None] * np.linspace(0.3, 2, 6))
    plays = plays[plays.sum(axis=1) > 0]
    counts = sparse.csr_matrix(plays)
    # One factor and much regularisation are learned in few iterations, wherever they begin.
    small = {"factors": 1, "iterations": 6, "regularization": 1.0, "alpha": 1.0}
    als = SETTINGS.models.als.model_copy(update=small)
    listeners, found = learned_factors(counts, als)
    rows = [
        (f"u{user}", f"t{item}", float(np.log1p(plays[user, item])))
        for user, item in zip(*counts.nonzero(), strict=True)
    ]
    pairs = spark.createDataFrame(rows, "user_id string, track_id string, liking double")
    factors = {row.track_id: row.factor for row in track_factors(pairs, settings=als).collect()}
    expected = np.array([factors[f"t{item}"] for item in range(plays.shape[1])])
    # A factor's sign is a matter of chance.
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=0.01)
    assert (listeners * found.sum() > 0).all()


def test_factors_are_similar_for_tracks_of_the_same_listeners(spark: SparkSession) -> None:
    listeners = {(f"u{n}", 0): "abc" if n % 2 else "xyz" for n in range(12)}
    pairs = liked_pairs(in_turn(spark, listeners))
    assert {round(row.liking, 6) for row in pairs.collect()} == {round(float(np.log(2)), 6)}
    found = {row.track_id: np.array(row.factor) for row in track_factors(pairs, settings=ALS).collect()}
    assert set(found) == set("abcxyz")

    def cosine(one: str, other: str) -> float:
        a, b = found[one], found[other]
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert cosine("a", "b") > 0.9
    assert cosine("a", "x") < 0.5
