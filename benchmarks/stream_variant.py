"""Runs the streaming job or a baseline until SIGTERM.

job      the recommendation query
learned  the same in a learned order
engaged  the same with the engagement query
all      all three queries, as in ./run.sh stream run
stream   ./run.sh stream run itself
floor    the same source, parsing and settings, with a stateful window count and no output
default  the job with Spark's default settings
plain:i:n  a consumer without Spark, with its windows in memory
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from segue.benchmarks.plain_consumer import consume
from segue.settings import Settings, load_settings
from segue.spark.play_windows import interval
from segue.spark.plays import parse, plays
from segue.spark.session import session
from segue.storage.store import open_store
from segue.streaming_jobs import cli, engagement, recommend, rejected_plays
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.progress import ProgressKeeper
from segue.streaming_jobs.query import kafka_records

KAFKA_DEFAULT_WAIT = timedelta(milliseconds=500)


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    kind = sys.argv[1]
    settings = load_settings()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if kind.startswith("plain"):
        _, number, of = kind.split(":")
        consume(settings, stop, part=(int(number), int(of)))
        return
    if kind == "stream":
        cli.run(settings)
        return
    if kind == "default":
        stream = settings.stream.model_copy(update={"fetch_max_wait": KAFKA_DEFAULT_WAIT})
        settings = settings.model_copy(update={"stream": stream})
    if kind in ("sum", "learned"):
        ranking = settings.ranking.model_copy(update={"model": kind})
        settings = settings.model_copy(update={"ranking": ranking})
    spark = session(settings, app=f"bench {kind}", tuned=kind != "default")
    store, kept = open_store(settings), settings.stream
    progress = ProgressKeeper(
        store, Metrics(), single=kept.progress_retention, summed=kept.progress_summary_retention
    )
    progress.listen(spark)
    query = STARTS[kind](spark, settings)
    while not stop.wait(0.5) and query.isActive:
        pass
    for active in spark.streams.active:
        active.stop()
    progress.close()
    spark.stop()


def _floor(spark: SparkSession, settings: Settings) -> StreamingQuery:
    stream = settings.stream
    counted = (
        plays(parse(kafka_records(spark, settings, name="floor")), stream=stream)
        .withColumn("time", F.timestamp_millis("occurred_at"))
        .withWatermark("time", interval(stream.watermark))
        .groupBy(F.window("time", interval(stream.window)), "user_id")
        .count()
    )
    return (
        counted.writeStream.queryName(recommend.NAME)
        .outputMode("update")
        .option("checkpointLocation", f"{settings.spark.checkpoint_location}/floor")
        .trigger(processingTime=interval(stream.trigger_interval))
        .format("noop")
        .start()
    )


def _engaged(spark: SparkSession, settings: Settings) -> StreamingQuery:
    query = recommend.start(spark, settings)
    engagement.start(spark, settings)
    return query


def _all(spark: SparkSession, settings: Settings) -> StreamingQuery:
    query = _engaged(spark, settings)
    rejected_plays.start(spark, settings)
    return query


STARTS: dict[str, Callable[..., StreamingQuery]] = {
    "job": recommend.start,
    "learned": recommend.start,
    "sum": recommend.start,
    "engaged": _engaged,
    "all": _all,
    "default": recommend.start,
    "floor": _floor,
}

if __name__ == "__main__":
    main()
