"""The numbers of rejected records, from Spark's reports, and the share of them that is kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from segue.spark.plays import REASONS

log = logging.getLogger(__name__)
OBSERVED = "rejected"
"""The name under which a report has the numbers."""
SHARES = (1, 10, 100, 1000)
"""One of so many rejected records can be kept."""


def share_column(one_of: int) -> str:
    """The name under which a report has the number of records in a sample."""
    return f"one_of_{one_of}"


class Rejections:
    """Counts rejected records, and chooses the sample to keep when there are too many of them."""

    def __init__(
        self,
        *,
        count: Callable[[str, int], None],
        dropped: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`count` gets a reason and its number, `dropped` the number of records that are not kept."""
        self._count, self._dropped, self._clock = count, dropped, clock
        self._lock = threading.Lock()
        self._total = 0
        self._shares: dict[int, int] = {}
        self._last: tuple[float, int] | None = None

    def share(self, batch: int, *, limit: int) -> int:
        """How many rejected records of a micro-batch one kept record stands for; 1 keeps all.

        It follows from the rate since the last micro-batch, so that the first one of a flood is kept whole.

        Parameters
        ----------
        limit
            Records a second that are kept in full; 0 for no limit.
        """
        with self._lock:
            now, total = self._clock(), self._total
            then, before = self._last or (now, total)
            self._last = now, total
            rate = (total - before) / (now - then) if now > then else 0.0
            wanted = rate / limit if limit else 1.0
            share = next((one_of for one_of in SHARES if one_of >= wanted), SHARES[-1])
            self._shares[batch] = share
            for old in [number for number in self._shares if number < batch - 10]:
                del self._shares[old]
            return share

    def reported(self, batch: int, observed: Mapping[str, int]) -> None:
        """Take the numbers of a micro-batch from Spark's report."""
        counts = {reason: observed[reason] for reason in REASONS if observed.get(reason)}
        found = sum(counts.values())
        if not found:
            return
        with self._lock:
            share = self._shares.get(batch, 1)
            kept = observed[share_column(share)]
            self._total += found
        for reason, count in counts.items():
            self._count(reason, count)
        self._dropped(found - kept)
        sample = "" if share == 1 else f", of which {kept} are kept (one of {share})"
        log.warning("batch %d: %d records rejected%s; see ./run.sh rejected list", batch, found, sample)
