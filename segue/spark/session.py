"""The only module that creates a Spark session."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from segue.errors import SegueError
from segue.local.class_archive import driver_archive, reading
from segue.local.jars import ensure_jars
from segue.local.java import java_home
from segue.local.scratch import scratch
from segue.local.spark_pages import FILTER, ensure_filter
from segue.local.spark_pages import FOLDER as PAGES
from segue.settings import KafkaSettings, Settings
from segue.spark.checkpoint_files import BARE_FILE_SYSTEM, checkpoint_defaults, refuse_unsafe
from segue.spark.configuration import configuration
from segue.spark.defaults import cluster_defaults, defaults, values_of
from segue.spark.pack import pack

log = logging.getLogger(__name__)
PARTITIONS = "spark.sql.shuffle.partitions"
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_KAFKA_SOURCE = "org.apache.spark.sql.kafka010.KafkaSourceProvider"
_BEFORE_THE_JVM = ("spark.driver.", "spark.submit.", "spark.pyspark.")
"""Prefixes of keys that have no effect once spark-submit has started the driver's JVM."""


def session(settings: Settings, *, app: str, tuned: bool = True, **conf: str) -> SparkSession:
    """Start Spark, or take the session that spark-submit has prepared.

    The user's values come first (:mod:`segue.spark.configuration`), then Segue's defaults: those of
    conf/spark-defaults.conf on this machine, those of the pack that the workers get on a cluster
    (:mod:`segue.spark.pack`), and those for the checkpoint's file system
    (:mod:`segue.spark.checkpoint_files`). A new checkpoint gets a partition for each core; an existing one
    keeps its partitions.

    Parameters
    ----------
    tuned
        False leaves out the part of conf/spark-defaults.conf that is for latency.
    conf
        Values of this job, with `__` for a dot; they replace the user's.

    Raises
    ------
    SegueError
        The pack for a cluster cannot be made, the Kafka source is not on spark-submit's class path, or the
        checkpoint is not safe at its location.
    """
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if submitted:
        given, own = _submitted(settings, tuned=tuned)
    else:
        given, own = _started_here(settings, tuned=tuned)
    given |= {key.replace("__", "."): value for key, value in conf.items()}
    values = configuration(given=given, defaults=own)
    refuse_unsafe(settings.spark.checkpoint_location, values)
    builder = SparkSession.builder.appName(app)
    for key, value in values.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    if PARTITIONS not in values:
        spark.conf.set(PARTITIONS, str(_cores(spark)))
    return spark


def _submitted(settings: Settings, *, tuned: bool) -> tuple[dict[str, str], dict[str, str]]:
    """The values that spark-submit was given, and the defaults that still have an effect after it."""
    # Only a running gateway knows the values that spark-submit was given.
    SparkContext._ensure_initialized()
    given = dict(SparkConf().getAll())
    if not _loads(_KAFKA_SOURCE):
        raise SegueError(
            "Spark's Kafka source is not on the class path: give spark-submit --properties-file with "
            "conf/spark-defaults.conf or a pack's spark.conf, or name the jars with --jars"
        )
    local = is_local(given.get("spark.master"))
    own = defaults(tuned=tuned) if local else cluster_defaults()
    if not _loads(FILTER):
        own |= _without_pages(f"add {PAGES}/* to the driver's class path, or its jar to --jars")
        given.pop("spark.ui.filters", None)
    own |= checkpoint_defaults(
        settings.spark.checkpoint_location, local=local and tuned, bare=_loads(BARE_FILE_SYSTEM)
    )
    return given, {key: value for key, value in own.items() if not key.startswith(_BEFORE_THE_JVM)}


def _loads(name: str) -> bool:
    """Whether the JVM of spark-submit finds a class."""
    jvm = SparkContext._jvm
    assert jvm is not None
    try:
        jvm.org.apache.spark.util.Utils.classForName(name, False, False)
    except Py4JError:
        return False
    return True


def _started_here(settings: Settings, *, tuned: bool) -> tuple[dict[str, str], dict[str, str]]:
    """The values of `[spark.conf]`, and the defaults of a session whose JVM starts now."""
    spark, local = settings.spark, is_local(settings.spark.master)
    own = _shipped() if not local and spark.package_workers else defaults(tuned=tuned)
    own |= checkpoint_defaults(spark.checkpoint_location, local=local and tuned)
    own |= {
        "spark.master": spark.master,
        "spark.driver.memory": f"{spark.driver_memory // 2**20}m",
        "spark.ui.port": str(spark.ui_port),
    }
    own |= _pages(dict(spark.conf))
    if local:
        own |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        own |= _temporary_files(own)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # not the python3 in PATH
        # run.sh has done both already; for an installed package it is done here.
        ensure_jars()
        if "JAVA_HOME" not in os.environ:
            os.environ["JAVA_HOME"] = str(java_home())
        own |= _with_class_archive(Path(os.environ["JAVA_HOME"]))
    if settings.logs.format == "json":
        own[_JAVA_OPTIONS] = own[_JAVA_OPTIONS].replace("log4j2.properties", "log4j2-json.properties")
    return dict(spark.conf), own


def _pages(given: Mapping[str, str]) -> dict[str, str]:
    """The values that turn Spark's web pages off, if the filter of their visitors cannot be loaded."""
    if given.get("spark.ui.enabled") == "false":
        return {}
    if PAGES.name not in given.get("spark.driver.extraClassPath", PAGES.name):
        return _without_pages(f"add {PAGES}/* to spark.driver.extraClassPath")
    try:
        ensure_filter()
    except SegueError as error:
        return _without_pages(str(error))
    return {}


def _without_pages(remedy: str) -> dict[str, str]:
    """Spark starts with no filter that it cannot load; without one, other sites could read its pages."""
    log.warning("Spark's web pages are off, since their filter is missing: %s", remedy)
    return {"spark.ui.enabled": "false", "spark.ui.filters": ""}


def _with_class_archive(home: Path) -> dict[str, str]:
    options = [f'"{option}"' for option in reading(driver_archive(home))]
    return {"spark.driver.defaultJavaOptions": " ".join(options)} if options else {}


def _temporary_files(own: Mapping[str, str]) -> dict[str, str]:
    """The values that put the temporary files of Spark and its JVM into :func:`scratch`."""
    try:
        folder = scratch()
    except OSError as error:
        log.warning("temporary files stay in the system's folder: %s", error)
        return {}
    options = f'{own.get("spark.driver.extraJavaOptions", "")} "-Djava.io.tmpdir={folder}"'
    # Without spark.local.dir, Spark's own folders are there, too.
    return {"spark.driver.extraJavaOptions": options.strip()}


def _shipped() -> dict[str, str]:
    values = values_of(pack() / "spark.conf")
    # run.sh has set this machine's Python, which the workers' machines do not have.
    os.environ["PYSPARK_PYTHON"] = values["spark.pyspark.python"]
    return values


def _cores(spark: SparkSession) -> int:
    """The cores that the session's executors have or may have; at least one."""
    conf, context = spark.sparkContext.getConf(), spark.sparkContext
    most = int(conf.get("spark.cores.max") or 0)
    requested = int(conf.get("spark.executor.instances") or 0) * int(conf.get("spark.executor.cores") or 1)
    return max(1, most or max(context.defaultParallelism, requested))


def is_local(master: str | None) -> bool:
    """Whether Spark does all work in the driver's process."""
    return master is None or master.startswith("local")


def on_workers(settings: Settings, *, master: str | None) -> Settings:
    """The settings for the workers of `master`: on a cluster, they keep bundles in a separate folder."""
    if is_local(master):
        return settings
    index = settings.index.model_copy(update={"folder": settings.index.worker_folder})
    return settings.model_copy(update={"index": index})


def source_options(settings: KafkaSettings) -> dict[str, str]:
    """The options of Spark's Kafka source: the brokers, and the records of committed transactions only.

    The source does not create a missing topic: the brokers would do it with their own settings.
    """
    return {
        **kafka_options(settings),
        "kafka.isolation.level": "read_committed",
        "kafka.allow.auto.create.topics": "false",
    }


def sink_options(settings: KafkaSettings, *, largest: int) -> dict[str, str]:
    """The options of Spark's Kafka sink, for records of up to `largest` bytes.

    A task fails after some seconds without an answer, so that it does not keep a core from other queries.
    """
    return {
        **kafka_options(settings),
        "kafka.max.request.size": str(largest),
        "kafka.request.timeout.ms": "5000",
        "kafka.delivery.timeout.ms": "15000",
        "kafka.max.block.ms": "10000",
        "kafka.linger.ms": "5",
        "kafka.batch.size": str(2**17),
    }


def kafka_options(settings: KafkaSettings) -> dict[str, str]:
    """The options that Spark's Kafka source and sink need to reach the brokers.

    The certificate files are read on the machines that do the work: on a cluster, all have them at the same
    path. The JAAS text contains the password; Spark redacts it wherever it shows options.
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
