"""The weights of signals: by hand, and for many at once."""

from __future__ import annotations

import numpy as np
import pytest

from segue.plays.event_types import SIGNALS as TYPES
from segue.plays.event_types import signal_weight, signal_weights
from segue.settings import load_settings

SIGNALS = load_settings().signals


def weight(kind: str, played: int, duration: int = 200_000) -> float:
    found = signal_weight(kind, ms_played=played, duration_ms=duration, signals=SIGNALS)
    assert found is not None
    return found


def test_an_early_skip_a_late_skip_a_completed_play_and_a_dislike_differ() -> None:
    order = [weight("dislike", 0), weight("skip", 5000), weight("skip", 190_000), weight("complete", 200_000)]
    assert order == sorted(order)
    assert order[1] < 0 < order[2]


def test_a_skip_weighs_by_the_share_that_was_heard() -> None:
    middle = (SIGNALS.skip_early + SIGNALS.skip_late) / 2
    assert weight("skip", 0) == SIGNALS.skip_early
    assert weight("skip", 100_000) == pytest.approx(middle)
    assert weight("skip", 300_000) == pytest.approx(SIGNALS.skip_late)
    assert weight("skip", 5, duration=0) == pytest.approx(SIGNALS.skip_late)


@pytest.mark.parametrize("kind", ["pause", "seek", "impression"])
def test_an_event_that_is_no_signal_has_no_weight(kind: str) -> None:
    assert signal_weight(kind, ms_played=5, duration_ms=10, signals=SIGNALS) is None


@pytest.mark.parametrize("opinion", ["like", "dislike"])
def test_taking_an_opinion_back_has_the_opposite_weight(opinion: str) -> None:
    assert weight(f"un{opinion}", 0) == -weight(opinion, 0) != 0


def test_many_are_weighed_as_each_by_itself() -> None:
    played, duration = 100_000 * np.arange(len(TYPES)), np.full(len(TYPES), 300_000)
    found = signal_weights(list(TYPES), played, duration, signals=SIGNALS)
    assert found.tolist() == [weight(k, p, 300_000) for k, p in zip(TYPES, played.tolist(), strict=True)]
    assert signal_weights([], played[:0], played[:0], signals=SIGNALS).shape == (0,)
