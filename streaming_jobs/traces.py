"""Traces of the query `recommend`: from the records of plays to the written recommendations.

Spark computes a sample of the traceparents of a micro-batch while it reads the records (`observe`), at most
:data:`SAMPLES`, and reports them with the progress. So traces need no job of their own, and the driver gets a
few texts, however large the micro-batch is. Records of other producers need no header; an invalid one is
ignored.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segue import tracing
from segue.ranking.recommendations import Recommendations
from segue.storage.store import Store
from segue.tracing import HEADER, Finished, Tracing

SAMPLES = 8
_NAME = "traces"
_LONGEST_KEY = 200
_SAMPLED = r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][13579bdf]$"
"""A traceparent of version 0 whose trace is sampled."""
log = logging.getLogger(__name__)


def observed(records: DataFrame) -> DataFrame:
    """KafkaRecord with `headers` -> KafkaRecord: the same, with a sample of traceparents in the progress."""
    header = F.get(F.filter("headers", lambda one: one["key"] == HEADER), F.lit(0))["value"].cast("string")
    sampled = F.when(header.rlike(_SAMPLED), header)
    key = F.substring(F.col("key").cast("string"), 1, _LONGEST_KEY)
    slot = F.pmod(F.hash(sampled), F.lit(SAMPLES))
    with_key = F.concat(sampled, F.lit(" "), F.coalesce(key, F.lit("")))
    slots: list[Column] = [F.max(F.when(slot == n, with_key)).alias(f"sample{n}") for n in range(SAMPLES)]
    return records.observe(_NAME, F.count(sampled).alias("traces"), *slots)


class BatchTraces:
    """Reports spans of micro-batches, after they have ended."""

    def __init__(self, store: Store) -> None:
        self._recommendations = Recommendations(store)
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=1000)

    def take(self, progress: Mapping[str, Any]) -> None:
        """Take note of Spark's progress report of one micro-batch."""
        if tracing.active() and (progress.get("observedMetrics") or {}).get(_NAME, {}).get("traces"):
            self._waiting.append(progress)

    def flush(self) -> None:
        """Report the micro-batches since the last call."""
        while self._waiting and (active := tracing.active()):
            self._report(self._waiting.popleft(), active)

    def _report(self, progress: Mapping[str, Any], active: Tracing) -> None:
        observed = progress["observedMetrics"][_NAME]
        samples = [text for n in range(SAMPLES) if (text := observed.get(f"sample{n}"))]
        plays = dict(sample.split(" ", 1) for sample in samples)
        start = datetime.fromisoformat(progress["timestamp"].replace("Z", "+00:00"))
        end = start + timedelta(milliseconds=progress["durationMs"].get("triggerExecution", 0))
        query, batch = progress["name"], progress["batchId"]
        named = {"segue.query": query, "segue.batch": batch}
        whole = active.report(
            Finished(
                f"{query}: micro-batch",
                start,
                end,
                {
                    **named,
                    "messaging.batch.message_count": progress["numInputRows"],
                    "segue.sampled_traces": observed["traces"],
                    **{f"segue.{phase}_ms": took for phase, took in progress["durationMs"].items()},
                },
                links=list(plays),
            )
        )
        written = {
            found.user_id: found
            for found in self._recommendations.of_several([user for user in plays.values() if user])
            if found.updated_at >= start
        }
        for traceparent, user_id in plays.items():
            processed = active.report(
                Finished(
                    f"{query}: process play",
                    start,
                    end,
                    named,
                    parent=traceparent,
                    links=[whole],
                    kind="consumer",
                )
            )
            if (document := written.get(user_id)) is None:
                continue  # the play changes no list, as an impression
            active.report(
                Finished(
                    "write recommendations",
                    start,
                    min(max(document.updated_at, start), datetime.now(UTC)),
                    {
                        "db.system.name": "mongodb",
                        "db.collection.name": Recommendations.name,
                        "segue.document": user_id,
                        "segue.recommendation_id": document.recommendation_id,
                        "segue.reflects_at": document.reflects_at,
                    },
                    parent=processed,
                    kind="client",
                )
            )
