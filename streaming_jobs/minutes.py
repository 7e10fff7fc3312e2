"""The streaming queries by the minute: what is kept when single micro-batches are long gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from pymongo import UpdateOne

from segue.storage.mongo import Document

_SAMPLES = 10_000
"""Freshness is summed up from at most so many listeners a minute."""


class Minutes:
    """Sums micro-batches up into one document for each query and minute.

    Counts are added up in MongoDB, so that a minute that a restart cuts in two is one document all the same;
    a repeated micro-batch counts again, since it did cost its time again.
    """

    def __init__(self) -> None:
        self._fresh: list[float] = []
        self._minute: datetime | None = None

    def updates(
        self,
        batches: Sequence[Document],
        fresh: Sequence[float],
        reasons: Mapping[str, int],
        *,
        now: datetime,
    ) -> list[UpdateOne]:
        """The writes to `stream_minutes` for what has come since the last time.

        Parameters
        ----------
        batches
            Documents of :func:`segue.streaming_jobs.progress.as_document`, oldest first.
        fresh
            Milliseconds from play to document, one a listener written.
        reasons
            Rejected records by reason.
        """
        grouped: dict[tuple[str, datetime], list[Document]] = defaultdict(list)
        for batch in batches:
            grouped[batch["query"], _minute(batch["at"])].append(batch)
        found = [_update(query, minute, _sums(group)) for (query, minute), group in grouped.items()]
        minute = _minute(now)
        if minute != self._minute:
            self._fresh, self._minute = [], minute
        if fresh:
            self._fresh = [*self._fresh, *fresh][-_SAMPLES:]
            p50, p99 = np.percentile(self._fresh, (50, 99)).tolist()
            found.append(_update("recommend", minute, {"$set": {"freshness_ms": {"p50": p50, "p99": p99}}}))
        if reasons:
            counts = {f"rejected.{reason}": count for reason, count in reasons.items()}
            found.append(_update("rejected plays", minute, {"$inc": counts}))
        return found


def _sums(group: Sequence[Document]) -> dict[str, Any]:
    last = group[-1]
    phases = sorted({phase for one in group for phase in one["duration_ms"]})
    return {
        "$inc": {
            "batches": len(group),
            "input_rows": sum(one["input_rows"] for one in group),
            "late_rows": sum(one["late_rows"] for one in group),
            **{f"phases_ms.{p}": sum(one["duration_ms"].get(p, 0) for one in group) for p in phases},
        },
        "$max": {
            "slowest_ms": max(one["duration_ms"].get("triggerExecution", 0) for one in group),
            "backlog": max(one["backlog"] for one in group),
        },
        "$set": {name: last[name] for name in ("state_rows", "state_bytes", "watermark")},
    }


def _update(query: str, minute: datetime, change: dict[str, Any]) -> UpdateOne:
    first = {"query": query, "at": minute}
    return UpdateOne(
        {"_id": f"{query}:{minute:%Y-%m-%dT%H:%M}"}, {**change, "$setOnInsert": first}, upsert=True
    )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
