"""The difference between this machine's clock and those of the brokers, measured with each acknowledged play.

Brokers date the records of the topic of plays (`LogAppendTime`), and the stream judges lateness by these
dates. A machine whose clock is wrong would send plays from the future or from the past. An acknowledgement
has the date of the record, which lies between sending and acknowledgement.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from statistics import median

log = logging.getLogger(__name__)
TOLERANCE_MS = 5000
"""Smaller differences are not corrected, so that a play that is sent twice has the same time twice."""
_LEAST_EXACT_MS = 2000
"""A measurement that may be wrong by more is not used."""
_MEASUREMENTS = 9


class BrokerClock:
    """How far this machine's clock is ahead of the brokers'; negative if it is behind."""

    def __init__(self) -> None:
        self._measured: deque[float] = deque(maxlen=_MEASUREMENTS)
        self._ahead = 0
        self._lock = threading.Lock()

    @property
    def ahead_ms(self) -> int:
        """The difference by which the times of plays are corrected, in milliseconds; 0 if it is small."""
        return self._ahead

    def measure(self, *, sent: float, acknowledged: float, dated: float) -> None:
        """Take a record's date, and this machine's times of its sending and acknowledgement (epoch ms).

        A topic with `CreateTime` returns the date of the sender, which gives no difference.
        """
        if dated < 0 or acknowledged - sent > 2 * _LEAST_EXACT_MS:
            return
        with self._lock:
            measured = (sent + acknowledged) / 2 - dated
            if self._measured and abs(measured - self._measured[-1]) > TOLERANCE_MS:
                self._measured.clear()  # a clock was set
            self._measured.append(measured)
            ahead = round(median(self._measured))
            if abs(ahead) <= TOLERANCE_MS:
                ahead = 0
            if (ahead == 0) != (self._ahead == 0) or abs(ahead - self._ahead) > TOLERANCE_MS:
                self._ahead = ahead
                _report(ahead)


def _report(ahead: int) -> None:
    if not ahead:
        log.warning("this machine's clock agrees with Kafka's again")
        return
    log.warning(
        "this machine's clock is %.0f s %s Kafka's: the times of plays are corrected by this difference; "
        "set the clock, for example with NTP",
        abs(ahead) / 1000,
        "ahead of" if ahead > 0 else "behind",
    )
