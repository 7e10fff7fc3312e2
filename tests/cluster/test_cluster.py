"""The streaming job on a cluster of processes, of which one after the other is killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError

from segue.local.jars import ensure_jars
from segue.places import ROOT
from segue.settings import Settings, load_settings
from segue.spark.pack import pack
from segue.storage.kafka import ensure_topics
from segue.storage.mongo import connect
from tests.cluster.kafka import Brokers
from tests.cluster.mongo import ReplicaSet
from tests.cluster.processes import SHORT_LIVED, WARM_UP, Server, bare_environment
from tests.cluster.spark import HOME, Standalone
from tests.streaming import reference, test_engagement
from tests.streaming.conftest import publish_made_up
from tests.streaming.test_faults import FaultyFeeder
from tests.streaming.test_recommend import check_against_reference
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]
_WHERE = """
import json
from segue.settings import load_settings
from segue.spark.session import session

def where(batches):
    import numpy, os, pyarrow, segue.udfs.replan
    files = [os.path.abspath(module.__file__) for module in (numpy, pyarrow, segue.udfs.replan)]
    for batch in batches:
        yield pyarrow.RecordBatch.from_pydict({"files": [json.dumps(files)]})

spark = session(load_settings(), app="where")
# A barrier starts both tasks at once, so that each worker gets one.
rows = spark.range(2, numPartitions=2).mapInArrow(where, "files string", barrier=True).collect()
print(json.dumps([json.loads(files) for files in {row.files for row in rows}]))
"""
_VALUES = """
import json
from segue.settings import load_settings
from segue.spark.session import session

spark = session(load_settings(), app="values")
keys = ["spark.sql.shuffle.partitions", "spark.sql.streaming.checkpoint.fileChecksum.enabled"]
keys += ["spark.sql.session.timeZone", "spark.master"]
print(json.dumps([spark.conf.get(key, None) for key in keys]))
spark.stop()
"""
LISTENERS = 8


@dataclass
class Cluster:
    spark: Standalone
    kafka: Brokers
    mongo: ReplicaSet


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    ensure_jars()
    folder = tmp_path_factory.mktemp("cluster")
    found = Cluster(Standalone(folder), Brokers(folder), ReplicaSet(folder))
    try:
        with ThreadPoolExecutor() as pool:
            for one in [pool.submit(part.start) for part in (found.mongo, found.kafka, found.spark)]:
                one.result()
        yield found
    finally:
        found.spark.stop()
        found.kafka.stop()
        found.mongo.stop()


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("packs")
    yield pack(folder)
    shutil.rmtree(folder)


@pytest.fixture
def conf(cluster: Cluster, tmp_path: Path) -> Path:
    """The settings file of a service on the cluster."""
    file = tmp_path / "segue.toml"
    file.write_text(
        f"""
        [kafka]
        bootstrap_servers = "{cluster.kafka.bootstrap}"
        replication_factor = 3
        [mongo]
        uri = "{cluster.mongo.uri}"
        database = "cluster"
        [spark]
        ui_port = 0
        checkpoint_location = "{(tmp_path / "checkpoint").as_uri()}"
        [index]
        folder = "{tmp_path / "driver" / "index"}"
        [stream]
        max_driver_listeners = 0  # every listener is planned by the workers
        metrics_port = 0
        [ranking]
        # The reference knows the topic only, not the intermediate results of the counting.
        feedback_skip_weight = 0.0
        feedback_like_weight = 0.0
        [engagement]
        trigger_interval = "5 seconds"
        """
    )
    return file


@pytest.fixture
def service(conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same settings, with topics and a published index."""
    monkeypatch.setenv("SEGUE_CONF", str(conf))
    settings = load_settings()
    ensure_topics(settings.kafka)
    publish_made_up(connect(settings.mongo), tmp_path / "built")
    return settings


@pytest.fixture
def job(cluster: Cluster, service: Settings, packed: Path, conf: Path, tmp_path: Path) -> Iterator[Server]:
    """spark-submit with the pack, from a machine that is not told where the project is."""
    command = [str(HOME / "bin" / "spark-submit"), "--master", cluster.spark.master]
    command += ["--deploy-mode", "client", "--properties-file", str(packed / "spark.conf")]
    command += ["--driver-memory", "1g", "--executor-memory", "700m", "--total-executor-cores", "2"]
    for own in (
        "spark.driver.host=127.0.0.1",
        "spark.ui.enabled=false",
        "spark.sql.shuffle.partitions=2",
        # Compiling would not pay in such short runs.
        "spark.sql.codegen.wholeStage=false",
        "spark.sql.codegen.factoryMode=NO_CODEGEN",
        f"spark.driver.defaultJavaOptions={SHORT_LIVED}",
        f"spark.executor.defaultJavaOptions={SHORT_LIVED}",
    ):
        command += ["--conf", own]
    environment = bare_environment(SPARK_HOME=str(HOME), SPARK_LOCAL_IP="127.0.0.1", SEGUE_CONF=str(conf))
    submitted = Server(
        [*command, str(packed / "stream.py")], folder=tmp_path / "driver", environment=environment
    )
    yield submitted
    submitted.kill()


def test_a_job_that_is_started_without_spark_submit_brings_the_same_pack(
    cluster: Cluster, tmp_path: Path
) -> None:
    own = {"spark.executor.memory": "700m", "spark.cores.max": "2", "spark.driver.host": "127.0.0.1"}
    own["spark.sql.shuffle.partitions"] = "5"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,  # as run.sh has it
        "SEGUE_SPARK__MASTER": cluster.spark.master,
        "SEGUE_SPARK__DRIVER_MEMORY": "600m",
        "SEGUE_SPARK__CONF": json.dumps(own),
        "SEGUE_SPARK__UI_PORT": "0",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _WHERE + _VALUES],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *_, where, values = done.stdout.splitlines()
    # A cluster's checkpoint is not on the driver's disk, so that Spark writes its files in its own way.
    assert json.loads(values) == ["5", None, "UTC", cluster.spark.master]
    places = json.loads(where)
    assert len(places) == 2, "both workers computed"
    for worker, place in zip(cluster.spark.workers, sorted(places), strict=True):
        work = str(worker.folder / "work")
        assert all(file.startswith(work) for file in place), "from what the job brought, and nothing else"


def test_values_submitted_with_the_pack_apply(cluster: Cluster, packed: Path, tmp_path: Path) -> None:
    script = tmp_path / "values.py"
    script.write_text(_VALUES)
    done = subprocess.run(
        [
            *(str(HOME / "bin" / "spark-submit"), "--master", cluster.spark.master),
            *("--properties-file", str(packed / "spark.conf"), "--executor-memory", "700m"),
            *("--total-executor-cores", "3", "--conf", "spark.driver.host=127.0.0.1"),
            *("--conf", "spark.ui.enabled=false", "--conf", "spark.sql.session.timeZone=Europe/Berlin"),
            *("--conf", "spark.sql.streaming.checkpoint.fileChecksum.enabled=false", str(script)),
        ],
        env=bare_environment(SPARK_HOME=str(HOME), SPARK_LOCAL_IP="127.0.0.1", SEGUE_ROOT=str(packed)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    values = next(line for line in done.stdout.splitlines() if line.startswith("["))
    # A new checkpoint gets a partition for each core.
    assert json.loads(values) == ["3", "false", "UTC", cluster.spark.master]


def test_whatever_is_lost_of_the_cluster_nothing_is_lost_and_nothing_counts_twice(
    cluster: Cluster, service: Settings, job: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    database = connect(service.mongo)
    version = str(database.models.find_one({"_id": "active:index"})["version"])  # type: ignore[index]

    def reflecting(moment: float) -> int:
        """How many listeners have recommendations that reflect a play after `moment`, in epoch seconds."""
        assert job.runs(), f"the job has ended: {job.why()}"
        with contextlib.suppress(PyMongoError):
            return database.recommendations.count_documents({"reflects_at": {"$gt": int(moment * 1000)}})
        return 0

    def recovery(lost: Callable[[], None]) -> tuple[float, float]:
        """Seconds from a loss to the first new recommendation, and until all listeners have one."""
        moment = time.time()
        lost()
        until(lambda: reflecting(moment) > 0, "there is a new recommendation")
        first = time.time() - moment
        until(lambda: reflecting(moment) == LISTENERS, "all have new ones")
        return first, time.time() - moment

    def both_plan() -> bool:
        """Whether both workers have fetched the index from MongoDB, which is the first thing they need."""
        bundle = f"work/*/*/index/{version}/manifest.json"
        return job.runs() and all(any(worker.folder.glob(bundle)) for worker in cluster.spark.workers)

    def lose_primary() -> None:
        primary = cluster.mongo.primary()
        assert primary
        cluster.mongo.kill(primary)

    def lose(what: str, how: Callable[[], None]) -> None:
        first, everyone = recovery(how)
        with capsys.disabled():
            print(f"\nlost: {what}: new recommendations after {first:.1f} s, for all after {everyone:.1f} s")

    with FaultyFeeder(service, per_second=20) as feeder:
        until(lambda: reflecting(0) == LISTENERS, "all listeners are served", seconds=WARM_UP)
        until(both_plan, "both workers plan", seconds=WARM_UP)
        for _ in range(5):  # the first micro-batches are slower
            recovery(lambda: None)
        lose("nothing", lambda: None)
        lose("a Spark worker", cluster.spark.workers[0].kill)
        leader = cluster.kafka.leader(service.kafka.plays_topic)
        lose("a broker", lambda: cluster.kafka.kill(leader))
        lose("the primary", lose_primary)

    records = reference.contents(service)
    assert all(future.succeeded() for future in feeder.sent)
    assert len(records) == len(feeder.sent), "every acknowledged record is in the topic, once"
    until(lambda: agrees(service), "all is as the topic says")
    check(service)
    assert job.runs()


def check(settings: Settings) -> None:
    database = connect(settings.mongo)
    check_against_reference(settings, database)
    test_engagement.check_against_reference(settings, database, catalogue={})


def agrees(settings: Settings) -> bool:
    with contextlib.suppress(AssertionError, PyMongoError):
        check(settings)
        return True
    return False
