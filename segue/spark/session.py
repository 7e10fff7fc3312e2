"""The one place where a Spark session is made."""

from __future__ import annotations

import os
import sys

from pyspark import SparkConf
from pyspark.sql import SparkSession

from segue.local.jars import ensure_jars
from segue.local.java import java_home
from segue.settings import KafkaSettings, Settings
from segue.spark.defaults import defaults, values_of
from segue.spark.pack import pack


def session(settings: Settings, *, app: str, tuned: bool = True, **conf: str) -> SparkSession:
    """Start Spark, or take the session that spark-submit has prepared.

    Values come from conf/spark-defaults.conf, then the settings, then `conf` (with `__` for a dot); for the
    master of a cluster, from the pack that its workers get (segue.spark.pack), unless they have the same
    folder (`spark.package_workers`). Under spark-submit, which starts Python with a gateway of its own, its
    master and memory stand, and on a cluster all that it was given. `tuned=False` leaves out the part of
    spark-defaults.conf that is for latency.

    Raises
    ------
    SegueError
        The pack for a cluster cannot be made.
    """
    builder = SparkSession.builder.appName(app)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    master = SparkConf().get("spark.master") if submitted else settings.spark.master
    local = is_local(master)
    values: dict[str, str] = {}
    if local:
        values = defaults(tuned=tuned)
    elif not submitted:
        values = _shipped() if settings.spark.package_workers else defaults(tuned=tuned)
    if not submitted:
        values |= {
            "spark.master": settings.spark.master,
            "spark.driver.memory": f"{settings.spark.driver_memory // 2**20}m",
            "spark.ui.port": str(settings.spark.ui_port),
        }
        if local:
            values |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # not what PATH has for python3
            # run.sh has done both before; an installed package does it here.
            ensure_jars()
            if "JAVA_HOME" not in os.environ:
                os.environ["JAVA_HOME"] = str(java_home())
        values |= dict(settings.spark.conf)
    values |= {key.replace("__", "."): value for key, value in conf.items()}
    for key, value in values.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def is_local(master: str | None) -> bool:
    """Whether Spark does all work in the driver's own process, on this machine."""
    return master is None or master.startswith("local")


def _shipped() -> dict[str, str]:
    values = values_of(pack() / "spark.conf")
    # run.sh has named this machine's Python, which the workers' machines do not have.
    os.environ["PYSPARK_PYTHON"] = values["spark.pyspark.python"]
    return values


def on_workers(settings: Settings, *, master: str | None) -> Settings:
    """The settings for the workers of `master`: those of a cluster keep bundles in a place of their own."""
    if is_local(master):
        return settings
    index = settings.index.model_copy(update={"folder": settings.index.worker_folder})
    return settings.model_copy(update={"index": index})


def kafka_options(settings: KafkaSettings) -> dict[str, str]:
    """What Spark's Kafka source needs to reach the brokers.

    The certificate files are read where the work is done: on a cluster, every machine has them at the same
    path. The JAAS text holds the password; Spark redacts it wherever it shows options.
    """
    options = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol.upper(),
    }
    if settings.tls_ca_file:
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": settings.tls_ca_file}
    if settings.tls_certificate_key_file:
        options |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": settings.tls_certificate_key_file}
    if settings.sasl:
        options |= {"sasl.mechanism": settings.sasl_mechanism, "sasl.jaas.config": _jaas(settings)}
    return {f"kafka.{key}": value for key, value in options.items()}


def _jaas(settings: KafkaSettings) -> str:
    kind = "plain.Plain" if settings.sasl_mechanism == "PLAIN" else "scram.Scram"
    user, password = (
        value.replace("\\", "\\\\").replace('"', '\\"')
        for value in (settings.username, settings.password.get_secret_value())
    )
    module = f"org.apache.kafka.common.security.{kind}LoginModule"
    return f'{module} required username="{user}" password="{password}";'
