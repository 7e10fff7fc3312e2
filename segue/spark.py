"""The one place where a Spark session is made."""

from __future__ import annotations

import os
import re
import sys

from pyspark.sql import SparkSession

from segue.settings import ROOT, Kafka, Settings


def session(settings: Settings, *, app: str, tuned: bool = True, **conf: str) -> SparkSession:
    """Start Spark, or take the session that spark-submit has prepared.

    Values come from conf/spark-defaults.conf, then the settings, then `conf` (with `__` for a dot). Under
    spark-submit, which starts Python with a gateway of its own, its master and memory stand. `tuned=False`
    leaves out the part of spark-defaults.conf that is for latency.
    """
    builder = SparkSession.builder.appName(app)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    values = defaults(tuned=tuned)
    if not submitted:
        values |= {
            "spark.master": settings.spark.master,
            "spark.driver.memory": settings.spark.driver_memory,
            "spark.ui.port": str(settings.spark.ui_port),
        }
        if settings.spark.master.startswith("local"):
            values |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # not what PATH has for python3
    values |= {key.replace("__", "."): value for key, value in conf.items()}
    for key, value in values.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


_TUNING = "# Low latency"
"""The line of conf/spark-defaults.conf below which everything is there for latency."""


def defaults(*, tuned: bool = True) -> dict[str, str]:
    """The key-value lines of conf/spark-defaults.conf, the file that spark-submit reads too."""
    text = (ROOT / "conf" / "spark-defaults.conf").read_text()
    values = {}
    for line in (text if tuned else text.partition(_TUNING)[0]).splitlines():
        if line.strip() and not line.startswith("#"):
            key, value = line.split(maxsplit=1)
            values[key] = _from_any_folder(value.strip(), options=key.endswith("JavaOptions"))
    return values


def _from_any_folder(value: str, *, options: bool) -> str:
    """The file's paths count from the project's folder, where spark-submit is run; a job may run anywhere.

    `options` are split at spaces, so one with a path in it is quoted.
    """
    if options:
        return " ".join(f'"{_absolute(option)}"' for option in value.split())
    return _absolute(value)


def _absolute(value: str) -> str:
    return re.sub(r"(?<![\w/])(conf/|\.local/)", lambda found: f"{ROOT}/{found[1]}", value)


def kafka_options(settings: Kafka) -> dict[str, str]:
    """What Spark's Kafka source needs to reach the brokers.

    The certificate files are read where the work is done: on a cluster, every machine has them at the same
    path. The JAAS text holds the password; Spark redacts it wherever it shows options.
    """
    options = {"bootstrap.servers": settings.bootstrap, "security.protocol": settings.security.upper()}
    if settings.ca_file:
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": settings.ca_file}
    if settings.client_file:
        options |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": settings.client_file}
    if settings.sasl:
        options |= {"sasl.mechanism": settings.mechanism, "sasl.jaas.config": _jaas(settings)}
    return {f"kafka.{key}": value for key, value in options.items()}


def _jaas(settings: Kafka) -> str:
    kind = "plain.Plain" if settings.mechanism == "PLAIN" else "scram.Scram"
    user, password = (
        value.replace("\\", "\\\\").replace('"', '\\"')
        for value in (settings.user, settings.password.get_secret_value())
    )
    module = f"org.apache.kafka.common.security.{kind}LoginModule"
    return f'{module} required username="{user}" password="{password}";'
