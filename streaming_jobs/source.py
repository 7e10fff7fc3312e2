"""The Kafka source of the streaming queries."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from segue.settings import Settings
from segue.spark.session import kafka_options

_ANSWER_SECONDS = 10
"""How long one broker is waited for before another is asked who leads a partition now; Kafka's default, a
minute, is how long a lost broker would hold up the stream."""
_PATIENCE_SECONDS = 80
"""How long the brokers may all be away before a query ends; a refused password is tried as often."""


def kafka_records(spark: SparkSession, settings: Settings, *, name: str) -> DataFrame:
    """The plays topic as KafkaRecord: from the checkpoint on, the first time from its beginning."""
    reader = (
        spark.readStream.format("kafka")
        .options(**kafka_options(settings.kafka))
        .option("subscribe", settings.kafka.plays_topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", settings.stream.max_events_per_trigger)
        .option("groupIdPrefix", f"segue-{name}")
        # The consumer's long poll would hold up the end of each small batch.
        .option("kafka.fetch.max.wait.ms", settings.stream.fetch_max_wait_ms)
        .option("kafka.request.timeout.ms", _ANSWER_SECONDS * 1000)
        .option("kafka.default.api.timeout.ms", _ANSWER_SECONDS * 1000)
        .option("fetchOffset.numRetries", _PATIENCE_SECONDS // _ANSWER_SECONDS)
        # Retention may pass offsets that a long outage left unread; that is reported, not fatal.
        .option("failOnDataLoss", "false")
    )
    return reader.load()
