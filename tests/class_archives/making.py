"""Makes the archives of Java's classes (segue.local.class_archive).

A broker and a Spark do a little of each job's work. When they exit, they write the classes that they loaded.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from kafka import KafkaProducer
from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession

from segue.batch_jobs import train_models
from segue.local.class_archive import FOLDER, broker_archive, driver_archive, writing
from segue.local.kafka import Broker
from segue.local.process import locked
from segue.settings import Settings
from segue.spark.recorded import recorded
from segue.spark.session import session
from segue.spark.transition_rules import transition_rules
from segue.streaming_jobs import engagement, recommend, rejected_plays
from segue.streaming_jobs.query import kafka_records, start_query
from tests.conftest import own_settings, with_topics
from tests.plays.examples import encoded


class _RecordedBroker(Broker):
    """A broker that writes an archive when it stops."""

    def __init__(self, folder: Path, archive: Path) -> None:
        super().__init__(folder)
        self._archive = archive

    def _class_archive(self, java: str) -> list[str]:
        return writing(self._archive)


def make(home: Path, *, folder: Path = FOLDER) -> None:
    """Make the archives for the Java in `home`, and remove those of other versions.

    Nothing is done if they exist or that Java cannot use archives.
    """
    broker, driver = broker_archive(home, folder=folder), driver_archive(home, folder=folder)
    if broker is None or driver is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "lock"), tempfile.TemporaryDirectory() as temporary:
        if broker.is_file() and driver.is_file():
            return
        parts = {archive: archive.with_suffix(".part") for archive in (broker, driver)}
        server = _RecordedBroker(Path(temporary) / "kafka", parts[broker])
        try:
            settings = with_topics(own_settings("mongodb://127.0.0.1:9/", Path(temporary)), server.start())
            _use_spark(settings, parts[driver])
        finally:
            server.stop()
        for former in folder.glob("*.jsa"):
            former.unlink()
        for archive, part in parts.items():
            part.replace(archive)


def _use_spark(settings: Settings, archive: Path) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers)
    for value in (encoded(), encoded(track_id="t2"), b"{}"):
        producer.send(settings.kafka.plays_topic, key=b"ada", value=value)
    producer.close()
    options = " ".join(f'"{option}"' for option in writing(archive))
    spark = session(settings, app="class archive", spark__driver__defaultJavaOptions=options)
    gateway = SparkContext._gateway
    assert gateway is not None
    _stream(spark, settings)
    _train(spark, settings)
    _describe(spark, Path(settings.spark.checkpoint_location) / "features")
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def _stream(spark: SparkSession, settings: Settings) -> None:
    def take(rows: DataFrame, batch: int) -> None:
        rows.toArrow()
        rows.mapInArrow(lambda tables: tables, rows.schema).toArrow()

    for job in (recommend, engagement):
        query = start_query(
            job.transform(kafka_records(spark, settings, name=job.NAME), settings=settings),
            take,
            name=job.NAME,
            checkpoint=f"{settings.spark.checkpoint_location}/{job.NAME}",
            every=timedelta(0),
            gate=None,
        )
        query.processAllAvailable()
        query.stop()
    rejected = rejected_plays.start(spark, settings)
    rejected.processAllAvailable()
    rejected.stop()


def _train(spark: SparkSession, settings: Settings) -> None:
    step_rows = train_models.transform(recorded(spark, settings), settings=settings)
    transition_rules(step_rows, rules=settings.models.rules).toPandas()


def _describe(spark: SparkSession, folder: Path) -> None:
    rows = spark.createDataFrame([("a", 1.0), ("b", 2.0)], "name string, value double")
    rows.repartition(2, "name").write.parquet(str(folder))
    spark.read.parquet(str(folder)).mapInPandas(lambda frames: frames, rows.schema).toPandas()
