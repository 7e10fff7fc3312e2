"""Spark works on tracks in parts, and reports progress after each finished task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from uuid import uuid4

from pyspark.sql import DataFrame, Row, SparkSession

from segue.catalog.track_records import StoredFile
from segue.counted import counted

TRACK = "track_id string, path string, start double, end double"
"""The columns of a step's input; a track may be a part of its file, in seconds."""
PER_TASK = 4
TASKS_PER_CORE = 8
"""Tasks per core in a part; a part has a result when all its tasks have ended."""
PARTS_AT_ONCE = 2
"""Parts in progress: while the last tasks of a part run, the next part keeps the other cores busy."""
REPORT_EVERY = 1.0
"""Seconds between two reports."""

Report = Callable[[int], None]
"""Called with the number of tracks whose tasks have ended; it never falls."""
Step = Callable[[DataFrame], DataFrame]
"""Makes a row with a result of each TRACK."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    tracks: Sequence[StoredFile]
    group: str
    """Spark's job group."""


def processed_in_parts(
    spark: SparkSession, tracks: Sequence[StoredFile], step: Step, *, report: Report
) -> Iterator[tuple[Sequence[StoredFile], list[Row]]]:
    """Parts of the tracks with the results of a step, in order of completion."""
    size = PER_TASK * TASKS_PER_CORE * spark.sparkContext.defaultParallelism
    run = uuid4().hex
    parts = [
        _Part(tracks=tracks[start : start + size], group=f"features {run} {start}")
        for start in range(0, len(tracks), size)
    ]
    work = _Work(spark, report)
    with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        try:
            for part in parts:
                work.running[pool.submit(_process, spark, part, step)] = part
                if len(work.running) >= PARTS_AT_ONCE:
                    yield from work.ended()
            while work.running:
                yield from work.ended()
        except BaseException:
            spark.sparkContext.cancelAllJobs()  # otherwise Ctrl-C would wait for the parts in progress
            raise


class _Work:
    """The parts in progress."""

    def __init__(self, spark: SparkSession, report: Report) -> None:
        self._spark, self._report = spark, report
        self.running: dict[Future[list[Row]], _Part] = {}
        self._done = self._reported = 0

    def ended(self) -> Iterator[tuple[Sequence[StoredFile], list[Row]]]:
        """Wait for at least one part to end; report the finished tasks meanwhile."""
        while not (ended := wait(self.running, REPORT_EVERY, FIRST_COMPLETED).done):
            self._tell(self._done + sum(map(self._finished, self.running.values())))
        for future in ended:
            part = self.running.pop(future)
            self._done += len(part.tracks)
            self._tell(self._done)
            yield part.tracks, future.result()

    def _tell(self, done: int) -> None:
        self._reported = max(self._reported, done)
        self._report(self._reported)

    def _finished(self, part: _Part) -> int:
        """The tracks of the part's finished tasks."""
        tracker = self._spark.sparkContext.statusTracker()
        jobs = [found for job in tracker.getJobIdsForGroup(part.group) if (found := tracker.getJobInfo(job))]
        stages = {stage for job in jobs for stage in job.stageIds}
        # The last stage has the step; those before it distribute the rows.
        if len(stages) < 2 or (last := tracker.getStageInfo(max(stages))) is None:
            return 0
        return min(PER_TASK * last.numCompletedTasks, len(part.tracks))


def _process(spark: SparkSession, part: _Part, step: Step) -> list[Row]:
    context = spark.sparkContext
    context.setJobGroup(part.group, f"features: {counted(len(part.tracks), 'track')}")
    rows = [(file.track_id, file.path, *file.span) for file in part.tracks]
    tracks = spark.createDataFrame(rows, TRACK).repartition(-(-len(rows) // PER_TASK))
    return step(tracks).collect()
