"""Checks that need the packages: versions, settings, servers, topics, index, folders, ports, clock."""

from __future__ import annotations

import importlib.metadata
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from segue.counted import counted
from segue.demo.place import demo_name, demo_settings
from segue.doctor.check import Check, ok, problem, warning
from segue.doctor.checkpoints import checkpoint_checks
from segue.doctor.permissions import groups_of_jobs, job_of, kafka_permissions, mongo_permissions
from segue.doctor.writing import writable
from segue.errors import SegueError
from segue.index.published import PublishedBundles
from segue.local.jars import jars_ready
from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.local.process import RUN, port_is_free, read_record, running
from segue.places import CHECKOUT, ROOT
from segue.settings import KafkaSettings, Settings, load_settings
from segue.settings.contradictions import contradictions
from segue.storage.inspection import KafkaState, TopicState, inspect_kafka, inspect_mongo
from segue.storage.mongo import shown
from segue.storage.store import Job, open_store
from segue.storage.topic_faults import faults

SHOWN_PACKAGES = ("pyspark", "pymongo", "kafka-python", "numpy", "streamlit")
OLDEST_MONGODB = (5, 0)
_CLOCK_SKEW = timedelta(seconds=5)
_PATIENCE = timedelta(seconds=5)


def installation_checks() -> list[Check]:
    """All checks of this module, each of the servers only where the settings can be read."""
    checks = [_packages(), _jars()]
    try:
        settings = load_settings()
    except SegueError as error:
        return [*checks, problem("settings", str(error), "correct the setting that the message names")]
    checks += [*_settings(settings), *_demo(settings)]
    settings = _with_running(settings)
    mongo_checks, job = _mongo(settings)
    checks += [*_kafka(settings, job=job), *mongo_checks]
    return [*checks, _spark(settings), *checkpoint_checks(settings), *_folders(settings), *_ports(settings)]


def _settings(settings: Settings) -> list[Check]:
    found = [
        warning(f"setting {each.keys[0]}", each.text, "correct it, then run ./run.sh settings check FILE")
        for each in contradictions(settings)
    ]
    return found or [ok("settings", os.environ.get("SEGUE_CONF") or "defaults and SEGUE_ variables")]


def _demo(settings: Settings) -> list[Check]:
    of_demos = demo_settings(settings, demo_name(None)).mongo.database
    name = settings.mongo.database
    if name.startswith(of_demos) or not running(read_record(RUN / "demo.json")):
        return []
    return [
        warning(
            "demo",
            "it runs with a separate database and topics, which were not checked",
            "run the export line that the demo printed, then ./run.sh doctor",
        )
    ]


def _packages() -> Check:
    found = {}
    for name in SHOWN_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return problem("packages", f"{name} is not installed", "run ./run.sh setup")
    text = ", ".join(f"{name} {version}" for name, version in found.items())
    wrong = [
        f"{name} {found[name]} instead of {pinned}"
        for name, pinned in _pinned().items()
        if found.get(name, pinned) != pinned
    ]
    if wrong:
        return warning(
            "packages", f"versions differ from the pinned ones: {', '.join(wrong)}", "run ./run.sh setup"
        )
    return ok("packages", text)


def _pinned() -> dict[str, str]:
    lock = ROOT / "requirements.txt"
    if not CHECKOUT or not lock.is_file():
        return {}
    pinned = (line.split()[0].split("==") for line in lock.read_text().splitlines() if "==" in line[:60])
    return {pair[0]: pair[1].rstrip(";") for pair in pinned if len(pair) == 2}


def _jars() -> Check:
    if jars_ready():
        return ok("jars", "Kafka and Spark's Kafka source are installed")
    return warning("jars", "not downloaded yet", "run ./run.sh setup with a network connection")


def _with_running(settings: Settings) -> Settings:
    """The settings with the addresses of the embedded servers that run."""
    kafka, mongo = settings.kafka, settings.mongo
    return settings.model_copy(
        update={
            "kafka": kafka.model_copy(
                update={"bootstrap_servers": kafka.bootstrap_servers or Broker().address() or ""}
            ),
            "mongo": mongo.model_copy(
                update={
                    "uri": mongo.uri or Mongod().address() or "",
                    "timeout": min(mongo.timeout, _PATIENCE),
                }
            ),
        }
    )


def _kafka(settings: Settings, *, job: Job | None = None) -> list[Check]:
    kafka = settings.kafka
    if not kafka.bootstrap_servers:
        fix = "run ./run.sh up, or set SEGUE_KAFKA__BOOTSTRAP_SERVERS to your own brokers"
        return [warning("Kafka", "the embedded Kafka is not running", fix)]
    try:
        state = inspect_kafka(kafka, groups=groups_of_jobs(kafka))
    except SegueError as error:
        return [problem("Kafka", str(error), "start Kafka, or correct the section [kafka] of your settings")]
    release = f"Kafka {state.version}" if state.version else "older than Kafka 3.3"
    found = f"{kafka.bootstrap_servers}, {counted(state.brokers, 'broker')}, {release}"
    return [
        ok("Kafka", found),
        *kafka_permissions(kafka, state, job=job),
        *_topics(settings, kafka, state),
    ]


def _topics(settings: Settings, kafka: KafkaSettings, state: KafkaState) -> list[Check]:
    checks = []
    for name in (kafka.plays_topic, kafka.rejected_topic):
        topic = state.topics.get(name)
        if topic is None:
            fix = "run ./run.sh stream run or ./run.sh plays replay, which create it"
            hidden = ", or this user may not see it" if kafka.sasl else ""
            checks.append(warning(f"topic {name}", f"does not exist yet{hidden}", fix))
        else:
            checks += _topic(name, topic, settings, brokers=state.brokers)
    return checks


def _topic(name: str, topic: TopicState, settings: Settings, *, brokers: int) -> list[Check]:
    """A check for each fault of a topic; one if there is none."""
    found = faults(name, topic, settings, brokers)
    if not found:
        days = None if topic.retention_ms is None else topic.retention_ms / 86_400_000
        shown_days = (
            "unknown"
            if days is None
            else "unlimited"
            if days < 0
            else f"{days:g} {'day' if days == 1 else 'days'}"
        )
        text = (
            f"{counted(topic.partitions, 'partition')}, replication factor {topic.replication}, "
            f"timestamp type {topic.timestamp_type or 'unknown'}, retention {shown_days}"
        )
        return [ok(f"topic {name}", text)]
    return [
        (problem if fault.severe else warning)(f"topic {name}", fault.found, fault.remedy) for fault in found
    ]


def _mongo(settings: Settings) -> tuple[list[Check], Job | None]:
    """The checks of MongoDB, and the job whose user the settings name."""
    mongo = settings.mongo
    if not mongo.uri:
        fix = "run ./run.sh up, or set SEGUE_MONGO__URI to your own server"
        return [
            warning("MongoDB", "the embedded MongoDB is not running", fix),
            warning("index", "not checked: it is stored in MongoDB", fix),
        ], None
    try:
        state = inspect_mongo(mongo)
    except SegueError as error:
        fix = "start MongoDB, or correct the section [mongo] of your settings"
        return [problem("MongoDB", str(error), fix)], None
    found = f"{shown(mongo.uri)}, version {state.version}, replica set {state.replica_set or 'none'}"
    version = tuple(int(part) for part in state.version.split(".")[:2])
    checks = [ok("MongoDB", found)]
    if version < OLDEST_MONGODB:
        checks = [problem("MongoDB", found, "upgrade MongoDB to 5.0 or newer")]
    elif state.replica_set is None:
        fix = "make it a replica set (one member is enough): ./run.sh backup create needs a replica set"
        checks = [warning("MongoDB", found, fix)]
    if state.clock is not None:
        checks.append(_clock(abs(datetime.now(UTC) - state.clock)))
    checks += mongo_permissions(mongo.database, state)
    return [*checks, _index(settings)], job_of(mongo.database, state)


def _clock(apart: timedelta) -> Check:
    found = f"{apart.total_seconds():.1f} s difference from MongoDB's clock"
    if apart <= _CLOCK_SKEW:
        return ok("clock", found)
    return warning("clock", found, "synchronise the clocks of all machines by NTP, for instance with chrony")


def _index(settings: Settings) -> Check:
    bundles = PublishedBundles(open_store(settings))
    try:
        version = bundles.active_version()
        manifest = bundles.whole_manifest(version) if version else None
    except SegueError as error:
        return problem("index", str(error), "run ./run.sh index build, or ./run.sh index rollback")
    if version is None:
        return warning(
            "index", "no index is published yet", "run ./run.sh index build after ./run.sh embeddings train"
        )
    if manifest is None:
        fix = "run ./run.sh index build, or ./run.sh index rollback"
        return problem("index", f"{version} is incomplete in MongoDB", fix)
    found = f"{version}, {counted(manifest.count, 'track')}, recall@20 {manifest.recall20:.3f}"
    return ok("index", found)


def _spark(settings: Settings) -> Check:
    master = settings.spark.master
    version = importlib.metadata.version("pyspark")
    if not master.startswith("spark://"):
        return ok("Spark", f"{version}, master {master}")
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.partition(":")
        try:
            with socket.create_connection((host, int(port or 7077)), timeout=3):
                return ok("Spark", f"{version}, master {master} answers")
        except (OSError, ValueError):
            continue
    return problem("Spark", f"the master {master} does not answer", "start it, or correct spark.master")


def _folders(settings: Settings) -> list[Check]:
    folders: dict[str, Path] = {
        "index.folder": Path(settings.index.folder),
        "models.folder": Path(settings.models.folder),
    }
    return [
        writable(f"folder {name}", folder, found=str(folder), setting=name)
        for name, folder in folders.items()
    ]


def _ports(settings: Settings) -> list[Check]:
    wanted: dict[str, tuple[int, Callable[[], bool]]] = {
        "dashboard": (settings.dashboard.port, lambda: _runs("dashboard")),
        "metrics of the stream": (settings.stream.metrics_port, lambda: _runs("stream")),
        "metrics of the dashboard": (settings.dashboard.metrics_port, lambda: _runs("dashboard")),
    }
    checks = []
    for name, (port, ours) in wanted.items():
        if not port or port_is_free(port):
            checks.append(ok(f"port {port} ({name})", "free"))
        elif ours():
            checks.append(ok(f"port {port} ({name})", "in use by Segue"))
        else:
            fix = f"stop the other program (ss -ltnp 'sport = :{port}'), or change the port in your settings"
            checks.append(warning(f"port {port} ({name})", "in use by another program", fix))
    return checks


def _runs(name: str) -> bool:
    return running(read_record(RUN / f"{name}.json")) is not None
