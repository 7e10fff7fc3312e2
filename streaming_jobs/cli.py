"""`segue stream run`: the streaming queries, until SIGTERM or Ctrl-C. spark-submit runs `submit.py`."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated

import typer
from pyspark.sql import SparkSession

from segue import logs, tracing
from segue.engagement.daily import DailyRollUp
from segue.errors import one_line_errors
from segue.index.active import ActiveBundle
from segue.local.process import registered
from segue.local.stack import connected
from segue.operations.damaged_documents import DamagedDocuments
from segue.operations.stream_progress import StreamProgress
from segue.people.audit import AuditLog
from segue.privacy.leaving import sweep
from segue.processes import raise_file_limit
from segue.ranking.feedback import ActiveFeedback
from segue.replanning.imported import ImportedPlaysInTastes
from segue.replanning.memory import MemoryKeeper
from segue.replanning.rebuilding import Rebuilding
from segue.settings import Settings, load_settings
from segue.settings.contradictions import contradictions
from segue.spark.causes import explained
from segue.spark.recorded import RecordedWindows
from segue.spark.session import session
from segue.spark.state_store import choose_state_store
from segue.storage import kafka_topics, topic_faults
from segue.storage.kafka import ensure_topics
from segue.storage.store import Store, open_store
from segue.storage.topic_sample import TopicSampler
from segue.streaming_jobs import checkpoint, engagement, recommend, rejected_plays
from segue.streaming_jobs.hadoop_folder import checkpoint_folder
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.progress import ProgressKeeper
from segue.streaming_jobs.query_progress import TaskWatch
from segue.streaming_jobs.regularly import Regularly
from segue.streaming_jobs.repair import repair_exactly
from segue.streaming_jobs.supervision import MainQuery, SideQuery, end
from segue.streaming_jobs.topic_guard import GuardedTopic, TopicGuard
from segue.streaming_jobs.topic_watch import ReadOffsets, TopicWatch
from segue.streaming_jobs.unfinished import remove_unfinished
from segue.taste.tastes import Tastes

log = logging.getLogger("segue.stream")
_SWEEP_SECONDS = 30.0
_ROLL_UP_SECONDS = 60.0
_MEMORY_SECONDS = 300.0
_UNFINISHED_SECONDS = 600.0
_IMPORTED_SECONDS = 2.0
_REBUILD_SECONDS = 20.0
_END_SECONDS = 10.0
"""How long the other queries may take to end after one has failed."""


def main() -> None:
    """Entry point, also under spark-submit."""
    raise_file_limit()
    typer.run(stream)


def stream(
    drain: Annotated[
        bool,
        typer.Option("--drain", help="End when all plays that are in the topic now have been processed."),
    ] = False,
) -> None:
    """Run the streaming job: plays from Kafka to recommendations and statistics in MongoDB.

    The job runs until SIGTERM or Ctrl-C. It then finishes the micro-batch in progress. The next start
    continues at that place. The second example runs it on a Spark cluster.

    Example: ./run.sh stream run

    Example: SEGUE_SPARK__MASTER=spark://host:7077 ./run.sh stream run
    """
    with one_line_errors():
        found = load_settings()
    with logs.service(found.logs.format, level=found.logs.level), explained():
        settings = connected(found)
        with (
            tracing.traced("segue-stream", endpoint=settings.tracing.endpoint, share=settings.tracing.share),
            contextlib.ExitStack() as records,
        ):
            records.enter_context(registered("stream"))
            run(
                settings,
                drain=drain,
                started=lambda ui, health: records.enter_context(
                    registered("stream", address=ui, health=health)
                ),
            )


def run(
    settings: Settings,
    *,
    drain: bool = False,
    started: Callable[[str, str], None] = lambda ui, health: None,
) -> None:
    """Start the queries and wait for the end.

    `started` is called with the addresses of the Spark UI and of the health page, as soon as each is known.

    Raises
    ------
    SegueError
        A server cannot be reached or no index is published, before the start; or a query has failed.
    """
    for contradiction in contradictions(settings):
        log.warning("setting %s: %s", contradiction.keys[0], contradiction.text)
    kept = settings.stream
    metrics = Metrics(stall_timeout=kept.stall_timeout)
    # First, so that a stream that waits for a server at its start can be seen.
    health = metrics.serve(kept.metrics_port)
    started("", health)
    store = open_store(settings)
    metrics.starts.inc(StreamProgress(store).count_start())
    _prepare(store, settings)
    spark = session(settings, app="segue stream")
    read = ReadOffsets()
    choose_state_store(spark, settings.spark, listeners=Tastes(store).count())
    progress = ProgressKeeper(
        store,
        metrics,
        single=kept.progress_retention,
        summed=kept.progress_summary_retention,
        also=read.progressed,
    )
    sampler = TopicSampler(settings.kafka, (settings.kafka.plays_topic, settings.kafka.rejected_topic))
    tasks = TaskWatch(spark, metrics.queries)
    recorded = RecordedWindows(spark, settings)
    repeated = _repeated(store, settings, metrics, recorded)
    watch: TopicWatch | None = None
    queries: list[MainQuery | SideQuery] = []
    try:
        remove_unfinished(settings.spark)
        repair_exactly(settings.spark.checkpoint_location)
        checkpoint.check(spark, settings)
        progress.listen(spark)
        files = checkpoint_folder(spark, settings.spark.checkpoint_location)
        guard = TopicGuard(settings, files, sampler, metrics=metrics, read=read)
        queries = _queries(spark, settings, metrics, guard)
        watch = TopicWatch(sampler, metrics, read, plays_topic=settings.kafka.plays_topic, judge=guard.judge)
        for name, every in _triggers(settings).items():
            metrics.queries.expect(name, every=every)
        stop = _set_by_signals()
        log.info("streaming; Spark UI at %s", ui := spark.sparkContext.uiWebUrl or "")
        started(ui, health)
        StreamProgress(store).start(ui=ui)
        if drain:
            _drain(queries, stop)
        else:
            _wait(queries, stop)
        log.info("stopping after the micro-batch in progress")
        end(spark, queries)
    finally:
        end(spark, queries, patience=_END_SECONDS)
        if watch:
            watch.close()
        sampler.close()
        tasks.close()
        progress.close()
        recorded.cancel()
        for work in repeated:
            work.close()
        spark.stop()


def _rebuilding(store: Store, settings: Settings, metrics: Metrics, recorded: RecordedWindows) -> Regularly:
    """Rebuild damaged documents from the topic, and report how many there are."""

    def rebuild() -> None:
        bundle = ActiveBundle(store, folder=settings.index.folder)
        Rebuilding(store, settings, bundle=bundle.current, recorded=recorded).run()
        metrics.report_damaged(DamagedDocuments(store).counts())

    return Regularly(rebuild, name="rebuilding", seconds=_REBUILD_SECONDS, last=False)


def _imported_plays(store: Store, settings: Settings) -> Regularly:
    """Bring imported and delayed plays into tastes."""
    bundle, feedback = ActiveBundle(store, folder=settings.index.folder), ActiveFeedback(store)
    work = ImportedPlaysInTastes(store, settings, bundle=bundle.current, feedback=feedback.current)
    return Regularly(work.run, name="imported plays", seconds=_IMPORTED_SECONDS, last=False)


def _prepare(store: Store, settings: Settings) -> None:
    """Set the retention of topics and of the audit log; create missing topics, and report their faults."""
    AuditLog(store).keep(settings.retention.audit)  # not by the dashboard, which could remove entries by it
    ensure_topics(settings.kafka, settings.retention)
    kafka_topics.keep_topics_in_line(settings.kafka, settings.retention)
    topic_faults.report(settings, compared=True)


def _repeated(
    store: Store, settings: Settings, metrics: Metrics, recorded: RecordedWindows
) -> list[Regularly]:
    """Start the work that is repeated beside the queries."""
    unfinished = partial(remove_unfinished, settings.spark)
    repeated = [
        Regularly(partial(sweep, store), name="forgetting", seconds=_SWEEP_SECONDS),
        Regularly(unfinished, name="unfinished files", seconds=_UNFINISHED_SECONDS, last=False),
        _rebuilding(store, settings, metrics, recorded),
        _imported_plays(store, settings),
    ]
    if settings.engagement.enabled:
        roll_up = DailyRollUp(store, settings).run
        memories = MemoryKeeper(store, settings).run
        repeated.append(Regularly(memories, name="memories", seconds=_MEMORY_SECONDS, last=False))
        repeated.append(Regularly(roll_up, name="statistics by day", seconds=_ROLL_UP_SECONDS, last=False))
    return repeated


def _queries(
    spark: SparkSession, settings: Settings, metrics: Metrics, guard: TopicGuard
) -> list[MainQuery | SideQuery]:
    """Start the queries, the recommendations first."""
    queries: list[MainQuery | SideQuery] = [
        MainQuery(
            recommend.NAME,
            partial(recommend.start, spark, settings, metrics=metrics),
            metrics=metrics,
            topic=GuardedTopic(guard, recommend.NAME, "recommend"),
        ),
        SideQuery(
            rejected_plays.NAME,
            partial(rejected_plays.start, spark, settings, metrics=metrics),
            metrics=metrics,
            topic=GuardedTopic(
                guard, rejected_plays.NAME, "rejected_plays", output=settings.kafka.rejected_topic
            ),
        ),
    ]
    if settings.engagement.enabled:
        count = partial(engagement.start, spark, settings, metrics=metrics)
        topic = GuardedTopic(guard, engagement.NAME, "engagement")
        queries.append(SideQuery(engagement.NAME, count, metrics=metrics, topic=topic))
    return queries


def _set_by_signals() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _triggers(settings: Settings) -> dict[str, timedelta]:
    """The queries that run, with the shortest interval between two micro-batches of each."""
    triggers = {
        recommend.NAME: settings.stream.trigger_interval,
        rejected_plays.NAME: settings.stream.rejected_trigger_interval,
    }
    if settings.engagement.enabled:
        triggers[engagement.NAME] = settings.engagement.trigger_interval
    return triggers


def _drain(queries: Sequence[MainQuery | SideQuery], stop: threading.Event) -> None:
    """Wait until all plays that are in the topic now have been processed, or `stop` is set."""
    drained = threading.Event()

    def wait() -> None:
        for query in queries:
            query.process_all_available()
        drained.set()

    threading.Thread(target=wait, name="drain", daemon=True).start()
    while not drained.wait(0.2) and not stop.is_set():
        for query in queries:
            query.check(restart=False)


def _wait(queries: Sequence[MainQuery | SideQuery], stop: threading.Event) -> None:
    """Wait until `stop` is set, and watch the queries meanwhile."""
    while not stop.wait(timeout=0.5):
        for query in queries:
            query.check()


if __name__ == "__main__":
    main()
