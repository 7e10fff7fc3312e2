"""Spark reads from protected brokers by the settings, whichever protection they use."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from segue.plays.delivery import PlayProducer
from segue.spark.session import sink_options, source_options
from segue.storage.kafka import ensure_topics
from segue.storage.kafka_records import records_of
from tests.plays.examples import a_play
from tests.security.certificates import Certificates
from tests.security.conftest import Load
from tests.security.servers import GuardedBroker
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("listener", "changes"),
    [
        ("sasl_ssl", {"SASL_MECHANISM": "SCRAM-SHA-256"}),
        ("sasl_ssl", {"SASL_MECHANISM": "SCRAM-SHA-512"}),
        ("sasl_plaintext", {"TLS_CA_FILE": ""}),
        ("ssl", {"USERNAME": "", "PASSWORD": "", "TLS_CERTIFICATE_KEY_FILE": "client.pem"}),
    ],
)
def test_spark_reads_the_sent_records(
    spark: SparkSession,
    load: Load,
    kafka_environment: dict[str, str],
    guarded_broker: GuardedBroker,
    certificates: Certificates,
    *,
    listener: str,
    changes: dict[str, str],
) -> None:
    folder = certificates.authority.parent
    changes = {
        **changes,
        "SECURITY_PROTOCOL": listener,
        "BOOTSTRAP_SERVERS": guarded_broker.addresses[listener],
        "TLS_CERTIFICATE_KEY_FILE": str(folder / changes["TLS_CERTIFICATE_KEY_FILE"])
        if "TLS_CERTIFICATE_KEY_FILE" in changes
        else "",
    }
    named = {f"SEGUE_KAFKA__{key}": value for key, value in changes.items()}
    kafka = load(kafka_environment | named).kafka
    ensure_topics(kafka)
    with PlayProducer(kafka) as producer:
        producer.send(a_play(user_id="ada")).get(PATIENCE)
    reader = spark.read.format("kafka").options(**source_options(kafka))
    records = reader.option("subscribe", kafka.plays_topic).load()
    assert [bytes(row.key) for row in records.collect()] == [b"ada"]
    rows = spark.createDataFrame([(b"place", b"junk")], "key binary, value binary")
    writer = rows.write.format("kafka").options(**sink_options(kafka, largest=2**20))
    writer.option("topic", kafka.rejected_topic).save()
    kept = [record.value for record in records_of(kafka, kafka.rejected_topic)]
    assert kept == [b"junk"]
