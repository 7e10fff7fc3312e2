"""Histories: summing a window's signals, pruning, and the way to MongoDB and back."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.replanning.weighing import windows_of
from segue.settings import load_settings
from segue.taste.history import (
    History,
    Window,
    decayed,
    from_document,
    last_played,
    prune,
    reflects_at,
    retention,
    to_document,
    together,
)

SIGNAL = pa.struct(
    [
        ("event_id", pa.string()),
        ("track_id", pa.string()),
        ("type", pa.string()),
        ("ms_played", pa.int64()),
        ("duration_ms", pa.int64()),
        ("occurred_at", pa.int64()),
    ]
)
HOUR = 3_600_000


# The weight of a skip is the share heard, so that a test can choose a weight freely.
WEIGHTS = load_settings().signals.model_copy(
    update={"play": 0.25, "complete": 1.0, "like": 1.5, "skip_early": 0.0, "skip_late": 1.0}
)
Signal = tuple[str, str, str, int, int]
"""Event id, track id, type, milliseconds played of 1000, epoch ms."""


def summed(rows: list[tuple[str, int, list[Signal]]]) -> list[tuple[str, int, Window]]:
    return list(windows_of(table(rows), signals=WEIGHTS))


def table(rows: list[tuple[str, int, list[Signal]]]) -> pa.Table:
    names = [field.name for field in SIGNAL]
    return pa.table(
        {
            "user_id": pa.array([user for user, _, _ in rows], pa.string()),
            "window_start": pa.array([start for _, start, _ in rows], pa.int64()),
            "signals": pa.array(
                [
                    [dict(zip(names, (*signal[:4], 1000, signal[4]), strict=True)) for signal in signals]
                    for _, _, signals in rows
                ],
                pa.list_(SIGNAL),
            ),
        }
    )


def test_signals_are_summed_by_track_and_the_last_one_names_the_outcome() -> None:
    rows = [
        (
            "ada",
            0,
            [("e2", "b", "complete", 9, 20), ("e1", "b", "play", 0, 10), ("e3", "a", "skip", 500, 30)],
        ),
        ("ben", 0, [("e4", "b", "like", 0, 5)]),
    ]
    assert summed(rows) == [
        ("ada", 0, Window(["a", "b"], [0.5, 1.25], [30, 20], ["skip", "complete"])),
        ("ben", 0, Window(["b"], [1.5], [5], ["like"])),
    ]


def test_an_event_id_counts_once_in_a_window_even_with_another_content() -> None:
    rows = [("ada", 0, [("e1", "a", "complete", 9, 10), ("e1", "b", "like", 0, 20)])]
    assert summed(rows) == [("ada", 0, Window(["a"], [1.0], [10], ["complete"]))]


def test_no_rows_give_no_windows() -> None:
    assert summed([]) == []
    assert summed([("ada", 0, [])]) == [("ada", 0, Window([], [], [], []))]


@given(st.permutations(range(6)))
def test_the_order_of_signals_does_not_matter(order: list[int]) -> None:
    signals = [(f"e{i}", "ab"[i % 2], "skip", 100 * i, 10 * (i // 2)) for i in range(6)]
    one = summed([("ada", 0, signals)])
    other = summed([("ada", 0, [signals[i] for i in order])])
    assert one == other


@given(
    st.dictionaries(
        st.integers(0, 50).map(lambda n: n * HOUR),
        st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(-2, 2), st.integers(0, 99)), max_size=5),
        max_size=5,
    )
)
def test_a_history_survives_mongodb(windows: dict[int, list[tuple[str, float, int]]]) -> None:
    history: History = {
        start: Window([t for t, _, _ in s], [w for _, w, _ in s], [a for _, _, a in s], ["play"] * len(s))
        for start, s in windows.items()
    }
    assert from_document(to_document(history)) == history


def pruned(history: History, *, max_signals: int) -> History:
    update = {"half_life": timedelta(days=7), "max_signals": max_signals}
    taste = load_settings().taste.model_copy(update=update)
    return prune(history, taste=taste, signals=WEIGHTS.model_copy(update={"dislike": -2.0}))


def test_a_short_personal_half_life_loses_nothing_and_a_long_one_finds_the_older_windows() -> None:
    general = load_settings().taste
    short, long = (general.model_copy(update={"half_life": timedelta(days=days)}) for days in (1, 30))
    assert retention(short, general) == retention(general, general) == general
    assert retention(long, general) == long


def test_pruning_keeps_disliked_tracks_however_long_ago() -> None:
    day = 24 * HOUR
    old = Window(["a", "b", "c"], [-1.9, 1.0, -0.6], [1, 2, 3], ["dislike", "complete", "skip"])
    newer = Window(["a", "d", "e"], [1.0, -2.0, 1.0], [70 * day + at for at in (1, 2, 3)], ["play"] * 3)
    history = {0: old, 70 * day: newer}
    assert pruned(history, max_signals=9) == {0: Window(["a"], [-1.9], [1], ["dislike"]), 70 * day: newer}
    # Of the dislikes the newest, too.
    left = Window(["d", "e"], [-2.0, 1.0], [70 * day + 2, 70 * day + 3], ["play"] * 2)
    assert pruned(history, max_signals=1) == {70 * day: left}


@given(
    st.dictionaries(
        st.integers(0, 90).map(lambda day: 24 * HOUR * day),
        st.dictionaries(
            st.sampled_from("abcdefgh"),
            st.tuples(st.sampled_from([-2.0, -1.0, -0.5, 0.1, 1.0, 2.0]), st.integers(0, 99)),
            min_size=1,
        ),
        max_size=8,
    ),
    st.integers(0, 8),
    st.integers(1, 6),
)
def test_pruning_as_windows_come_is_pruning_all(
    windows: dict[int, dict[str, tuple[float, int]]], split: int, max_signals: int
) -> None:
    """An earlier pruning keeps everything that a later one needs."""
    history = {
        start: Window(
            sorted(tracks),
            [tracks[name][0] for name in sorted(tracks)],
            [start + tracks[name][1] for name in sorted(tracks)],
            ["play"] * len(tracks),
        )
        for start, tracks in sorted(windows.items())
    }
    first = dict(list(history.items())[:split])
    stepwise = pruned(
        pruned(first, max_signals=max_signals) | dict(list(history.items())[split:]), max_signals=max_signals
    )
    assert stepwise == pruned(history, max_signals=max_signals)


def test_pruning_keeps_the_newest_signals() -> None:
    history = {
        0: Window(["a"], [1.0], [1], ["play"]),
        HOUR: Window(["a", "b", "c"], [1.0, 2.0, 3.0], [HOUR + 5, HOUR + 1, HOUR + 9], ["play"] * 3),
    }
    kept = pruned(history, max_signals=2)
    assert kept == {HOUR: Window(["a", "c"], [1.0, 3.0], [HOUR + 5, HOUR + 9], ["play"] * 2)}


def test_pruning_removes_fully_decayed_windows() -> None:
    day = 24 * HOUR
    history = {day * n: Window(["a"], [1.0], [day * n], ["play"]) for n in (0, 50, 60)}
    assert sorted(pruned(history, max_signals=9)) == [day * 50, day * 60]


@pytest.mark.parametrize(("history", "newest"), [({}, 0), ({0: Window(["a", "b"], [1, 1], [7, 3], [])}, 7)])
def test_reflects_at_is_the_newest_signal(history: History, newest: int) -> None:
    assert reflects_at(history) == newest


def test_a_field_that_is_kept_stays_with_the_last_signal_of_each_track() -> None:
    fields = [("occurred_at", 1), ("event_id", ""), ("track_id", ""), ("type", ""), ("ms_played", 1)]
    fields += [("duration_ms", 1), ("device", "")]
    signal = pa.struct([(name, pa.int64() if kind else pa.string()) for name, kind in fields])

    def given(at: int, track: str, device: str | None) -> dict[str, object]:
        # What only statistics keep is left out.
        kind = 'complete\n{"propensity":12500}'
        play = {"occurred_at": at, "event_id": f"{track}{at}", "track_id": track, "type": kind}
        return {**play, "ms_played": 1, "duration_ms": 1, "device": device}

    signals = [given(7, "b", None), given(5, "a", "phone"), given(3, "b", "car"), given(2, "a", "car")]
    table = pa.table(
        {
            "user_id": ["ada"],
            "window_start": pa.array([0], pa.int64()),
            "signals": pa.array([signals], pa.list_(signal)),
        }
    )
    [(_, start, window)] = windows_of(table, signals=load_settings().signals)
    assert (window.tracks, window.types) == (["a", "b"], ["complete"] * 2)
    assert window.kept == {"device": ["phone", None]}
    history = from_document(to_document({start: window}))
    assert history == {0: window}
    assert {heard.track_id: heard.kept["device"] for heard in last_played(history)} == {
        "a": "phone",
        "b": None,
    }
    newest = load_settings().taste.model_copy(update={"max_signals": 1})
    [pruned] = prune(history, taste=newest, signals=load_settings().signals).values()
    assert (pruned.tracks, pruned.kept) == (["b"], {"device": [None]})


DAY = 24 * HOUR
SETTINGS = load_settings()


@pytest.mark.parametrize("opinion", ["like", "dislike"])
@pytest.mark.parametrize("later", [HOUR, DAY, 20 * DAY, 200 * DAY])
def test_an_opinion_that_is_taken_back_never_becomes_its_opposite(opinion: str, later: int) -> None:
    weight = getattr(SETTINGS.signals, opinion)
    history = {
        0: Window(["a", "b"], [weight, weight], [0, 0], [opinion, opinion]),
        later: Window(["a"], [-weight], [later], [f"un{opinion}"]),
    }
    signals = decayed([history, history], settings=[SETTINGS.taste, SETTINGS.taste])
    for first in (0, 3):
        of_a, other, back = signals.weights[first : first + 3]
        assert of_a + back == pytest.approx(0)
        assert other == pytest.approx(of_a, rel=0.2)
    assert signals.positive.tolist() == 2 * [False, opinion == "like", False]


def test_taking_back_an_opinion_that_is_no_longer_known_says_nothing() -> None:
    history = {0: Window(["a"], [-SETTINGS.signals.like], [0], ["unlike"])}
    assert decayed([history], settings=[SETTINGS.taste]).weights.tolist() == [0.0]


def test_pruning_keeps_no_dislike_that_was_taken_back() -> None:
    weight = SETTINGS.signals.dislike
    history = {
        0: Window(["a", "b"], [weight, weight], [0, 0], ["dislike", "dislike"]),
        DAY: Window(["a"], [-weight], [DAY], ["undislike"]),
        9999 * DAY: Window(["c"], [1.0], [9999 * DAY], ["complete"]),
    }
    kept = prune(history, taste=SETTINGS.taste, signals=SETTINGS.signals)
    assert [window.tracks for window in kept.values()] == [["c"], ["b"]]


def test_histories_together_add_up_what_both_have_in_a_window() -> None:
    live = {
        0: Window(["a", "b"], [1.0, 0.5], [5, 9], ["complete", "skip"]),
        HOUR: Window(["a"], [1.0], [7], ["like"]),
    }
    imported = {0: Window(["b", "c"], [1.0, 2.0], [4, 6], ["leave", "complete"], {"device": ["x", None]})}
    both = together(live, imported)
    assert both[HOUR] == live[HOUR]
    assert both[0] == Window(
        ["a", "b", "c"], [1.0, 1.5, 2.0], [5, 9, 6], ["complete", "skip", "complete"], {"device": [None] * 3}
    )
    assert together(live, {}) is live
    assert together({}, imported) is imported
