"""A query that is compared with its topic before each start, and starts again when the topic changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from pyspark.sql.streaming.query import StreamingQuery

from segue.errors import SegueError
from segue.spark.causes import explain
from segue.streaming_jobs.query import BatchGate
from segue.streaming_jobs.topic_guard import RecordsLost, TopicGuard

log = logging.getLogger(__name__)
_BATCH_SECONDS = 30.0
"""How long a micro-batch over a topic that was deleted may go on."""


class Start(Protocol):
    """Starts a query that `gate` stops between two micro-batches."""

    def __call__(self, *, gate: BatchGate) -> StreamingQuery: ...


@dataclass(frozen=True)
class Task:
    """A query of the job."""

    name: str
    folder: str
    """Its folder in the checkpoint."""
    start: Start
    output: str | None = None
    """The topic to which it writes what it reads."""


class GuardedQuery:
    """A running query. Where `stream.lost_records` allows it, it continues after a loss of records."""

    def __init__(self, task: Task, guard: TopicGuard) -> None:
        """Start the query.

        Raises
        ------
        SegueError
            It has lost records and may not continue, or it does not start.
        """
        self._task, self._guard = task, guard
        self._start()

    @property
    def name(self) -> str:
        return self._task.name

    def _start(self) -> None:
        self._guard.admit(self._task.name, self._task.folder, output=self._task.output)
        self.gate = BatchGate()
        self.query = self._task.start(gate=self.gate)

    def check(self) -> None:
        """Check that the query runs, and that its topic is the same.

        Raises
        ------
        SegueError
            The query has failed, or it has lost records and may not continue.
        """
        if self.name in self._guard.suspects():
            log.warning("the topic of the query '%s' has changed: it starts again", self.name)
            self.gate.stop(self.query, patience=_BATCH_SECONDS)
            self._start()
        elif not self.query.isActive:
            error = SegueError(
                f"the query '{self.name}' failed: {explain(str(self.query.exception() or ''))}"
            )
            if not self._moved():
                raise error
            log.warning("%s", error)
            self._start()

    def _moved(self) -> bool:
        """Whether the query failed since it has lost records, and may continue after them."""
        try:
            return self._guard.admit(self._task.name, self._task.folder, output=self._task.output)
        except RecordsLost:
            raise
        except SegueError:
            return False  # the query's own error says more
