"""When a query takes records from the topic of plays, and how many of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pyspark.sql import SparkSession

from segue.settings import Settings, milliseconds

_SOON = timedelta(seconds=1)
BATCH_RECORDS = 25_000
"""Records for each core in a micro-batch of a query beside the recommendations."""
_TASK_RECORDS = 2_500


@dataclass(frozen=True)
class Pace:
    """When a query takes records, and how many of them at once."""

    trigger: timedelta
    """The shortest time between the starts of two micro-batches."""
    most: int
    """The largest number of records in a micro-batch."""
    at_least: int | None = None
    """The number of records for which a micro-batch starts at the next trigger."""
    patience: timedelta = timedelta(0)
    """The time after which a micro-batch starts for fewer records."""
    most_in_task: int | None = None
    """The largest number of records in a task."""

    @classmethod
    def at_once(cls, settings: Settings) -> Pace:
        """For the recommendations: as soon as the last micro-batch has ended."""
        return cls(settings.stream.trigger_interval, settings.stream.max_offsets_per_trigger)

    @classmethod
    def aside(
        cls, spark: SparkSession, settings: Settings, *, every: timedelta, by_core: int = BATCH_RECORDS
    ) -> Pace:
        """For a query beside the recommendations: a micro-batch at intervals of `every`.

        A backlog is worked off without pauses, in tasks that take some hundredths of a second: a task of the
        recommendations that needs the core waits no longer. `by_core` records for each core are a full
        micro-batch.
        """
        most = settings.stream.max_offsets_per_trigger
        if not every:
            return cls(every, most, most_in_task=_TASK_RECORDS)
        full = min(most, by_core * spark.sparkContext.defaultParallelism)
        return cls(min(every, _SOON), full, at_least=full, patience=every, most_in_task=_TASK_RECORDS)

    def options(self) -> dict[str, str]:
        """The options of Spark's Kafka source."""
        options = {"maxOffsetsPerTrigger": str(self.most)}
        if self.at_least is not None:
            options |= {
                "minOffsetsPerTrigger": str(self.at_least),
                "maxTriggerDelay": f"{milliseconds(self.patience)}ms",
            }
        if self.most_in_task is not None:
            options["maxRecordsPerPartition"] = str(self.most_in_task)
        return options
