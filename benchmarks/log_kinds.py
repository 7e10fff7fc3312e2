"""Other kinds of log, made from one: without a column, of other days, sessions or listeners.

Parameters that fit one kind can be wrong for another. Nothing was tuned on these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from segue.session_logs.logs import SessionLog, without_artists, without_listeners
from segue.session_logs.splits import DAY


def earlier_days(log: SessionLog, *, days: float = 2.0) -> SessionLog:
    """The sessions that end before the last days: neither the test nor the validation part of the log."""
    bounds = log.bounds
    ended = np.repeat(np.maximum.reduceat(log.times, bounds[:-1]), np.diff(bounds))
    return log.take(ended < log.times.max() - days * DAY)


def with_gap(log: SessionLog, *, seconds: float) -> SessionLog:
    """The same plays in other sessions: a session ends where its listener plays nothing for so long."""
    order = np.lexsort((log.times, log.users))
    users, times = log.users[order], log.times[order]
    begins = (np.diff(users, prepend=-1) != 0) | (np.diff(times, prepend=-np.inf) > seconds)
    return replace(log, users=users, times=times, items=log.items[order], sessions=np.cumsum(begins) - 1)


def of_every_third_listener(log: SessionLog) -> SessionLog:
    """The plays of a third of the listeners."""
    return log.take(log.users % 3 == 0)


KINDS: Mapping[str, Callable[[SessionLog], SessionLog]] = {
    "earlier_days": earlier_days,
    "without_listeners": without_listeners,
    "without_artists": without_artists,
    "short_sessions": partial(with_gap, seconds=400.0),
    "long_sessions": partial(with_gap, seconds=6 * 3600.0),
    "few_listeners": of_every_third_listener,
}
"""The kinds by the name that their figures have."""
