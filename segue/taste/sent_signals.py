"""Signals that were sent to the stream, in a history that does not have them yet. Pure.

The stream takes a moment to form the taste that follows from a play or a skip. An answer that cannot wait
adds the signals itself, as the stream is about to.
"""

from __future__ import annotations

from collections.abc import Iterable

from segue.plays.event_types import signal_weight
from segue.plays.playbacks import SentEvent
from segue.settings import SignalSettings
from segue.taste.history import History, Window, together


def with_sent(
    history: History, sent: Iterable[SentEvent], *, signals: SignalSettings, window: int
) -> History:
    """A history with the signals that it lacks: those that are newer than its last one of their track.

    Parameters
    ----------
    sent
        Events; each once. Those that are not signals are left out.
    window
        The length of the windows of the history, in milliseconds.
    """
    latest: dict[str, int] = {}
    for known in history.values():
        for track_id, at in zip(known.tracks, known.at, strict=True):
            latest[track_id] = max(at, latest.get(track_id, 0))
    for event in sorted(sent, key=lambda one: (one["at"], one["track_id"])):
        track_id, at = event["track_id"], event["at"]
        weight = signal_weight(
            event["type"], ms_played=event["ms_played"], duration_ms=event["duration_ms"], signals=signals
        )
        if weight is not None and at > latest.get(track_id, -1):
            one = Window(tracks=[track_id], weights=[weight], at=[at], types=[event["type"]])
            history = together(history, {at // window * window: one})
    return history
