"""Signals that the stream has not handled yet, in a history."""

from __future__ import annotations

from segue.plays.playbacks import SentEvent
from segue.settings import load_settings
from segue.taste.history import Window
from segue.taste.sent_signals import with_sent

SIGNALS = load_settings().signals
HOUR = 3_600_000


def event(track: str, kind: str, at: int, *, played: int = 0) -> SentEvent:
    return SentEvent(track_id=track, type=kind, at=at, ms_played=played, duration_ms=1000)


def test_a_skip_that_is_not_in_the_history_is_added() -> None:
    before = {0: Window(["a"], [SIGNALS.play], [1000], ["play"])}
    sent = [event("a", "play", 1000), event("a", "skip", 1500), event("b", "pause", 1600)]
    after = with_sent(before, sent, signals=SIGNALS, window=HOUR)
    assert after == {0: Window(["a"], [SIGNALS.play + SIGNALS.skip_early], [1500], ["skip"])}
    assert with_sent(after, sent, signals=SIGNALS, window=HOUR) == after


def test_signals_have_the_windows_of_the_stream() -> None:
    sent = [event("b", "complete", HOUR + 5, played=1000), event("a", "play", 5)]
    after = with_sent({}, sent, signals=SIGNALS, window=HOUR)
    assert {start: window.tracks for start, window in after.items()} == {0: ["a"], HOUR: ["b"]}
    assert after[HOUR].weights == [SIGNALS.complete]
