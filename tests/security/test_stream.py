"""The streaming job with protected servers, as a separate process: its work, and its messages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.places import ROOT
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka import ensure_topics, read_rejected
from segue.storage.mongo import connect
from segue.storage.store import Store
from segue.streaming_jobs import recommend
from segue.streaming_jobs.query import kafka_records
from segue.streaming_jobs.supervision import cause_of
from tests.index.corpus import ANNOY
from tests.plays.examples import a_play
from tests.security.certificates import Certificates
from tests.security.conftest import Load
from tests.security.servers import PLAIN_PASSWORD, SECRETS
from tests.waiting import until

pytestmark = pytest.mark.integration
TRACKS = 40
JOB = """
import logging
from segue.settings import load_settings
from segue.streaming_jobs.cli import run
logging.basicConfig(level=logging.INFO)
settings = load_settings()
logging.info("%r %s", settings, settings)
run(settings)
"""
API = ("", "/jobs", "/stages", "/environment", "/allexecutors", "/storage/rdd")
SQL = "/sql?details=true&planDescription=true"


@pytest.fixture
def environment(
    kafka_environment: dict[str, str], mongo_environment: dict[str, str], tmp_path: Path
) -> dict[str, str]:
    """PLAIN, since only there the password itself goes over the line; listeners are planned by workers."""
    return {
        **kafka_environment,
        **mongo_environment,
        "SEGUE_KAFKA__SASL_MECHANISM": "PLAIN",
        "SEGUE_KAFKA__PASSWORD": PLAIN_PASSWORD,
        "SEGUE_SPARK__UI_PORT": "0",
        "SEGUE_SPARK__DRIVER_MEMORY": "1g",
        "SEGUE_SPARK__CHECKPOINT_LOCATION": str(tmp_path / "checkpoints"),
        "SEGUE_INDEX__FOLDER": str(tmp_path / "index"),
        "SEGUE_STREAM__METRICS_PORT": "0",
        "SEGUE_STREAM__MAX_DRIVER_LISTENERS": "0",
    }


def test_the_job_works_by_settings_alone_and_tells_no_secret(
    load: Load, environment: dict[str, str], tmp_path: Path
) -> None:
    settings, log = load(environment), tmp_path / "job.log"
    ensure_topics(settings.kafka)
    database = connect(settings.mongo)
    _publish_index(settings)
    with _job(environment, log) as process:
        with PlayProducer(settings.kafka) as producer:
            producer.send(a_play(user_id="ada", track_id="t001"))
            producer.send_bytes(b"no play")
        made = _wait(lambda: database.recommendations.find_one({"_id": "ada"}), process, log)
        _wait(lambda: list(read_rejected(settings.kafka)), process, log)
        pages = _crawl(str((database.stream_progress.find_one({"_id": "stream"}) or {})["ui"]))
        process.send_signal(signal.SIGTERM)
        assert process.wait(600) == 0, log.read_text()
    assert made["items"]

    # The places that could show a secret were searched: the plan of a batch, its query, Spark's settings.
    for address, text in (("/SQL/execution", ""), ("/StreamingQuery/stat", ""), (SQL, "KafkaScan")):
        assert any(page.startswith(address) and text in pages[page] for page in pages), address
    assert "spark.driver.memory" in pages["/environment/"]
    told = {**pages, "log": log.read_text(), "checkpoint": _contents(tmp_path / "checkpoints")}
    assert [(place, secret) for place, text in told.items() for secret in SECRETS if secret in text] == []


@pytest.fixture
def ready(load: Load, environment: dict[str, str]) -> Settings:
    settings = load(environment)
    ensure_topics(settings.kafka)
    _publish_index(settings)
    return settings


def test_a_query_whose_password_was_changed_says_so_without_it(
    spark: SparkSession, ready: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = SecretStr(f"wrong {PLAIN_PASSWORD}")
    told = _failure(spark, ready, {"password": wrong}, expected="Authentication failed")
    assert [secret for secret in SECRETS if secret in told + "".join(capfd.readouterr())] == []


def test_a_query_that_does_not_trust_the_broker_says_so_without_the_password(
    spark: SparkSession, ready: Settings, certificates: Certificates, capfd: pytest.CaptureFixture[str]
) -> None:
    stranger = {"tls_ca_file": str(certificates.stranger)}
    told = _failure(spark, ready, stranger, expected="SSL handshake failed")
    assert [secret for secret in SECRETS if secret in told + "".join(capfd.readouterr())] == []


def _failure(spark: SparkSession, ready: Settings, changes: Mapping[str, object], *, expected: str) -> str:
    """Start the query past the checks at the start, as after a change; all that its end says."""
    refused = ready.model_copy(update={"kafka": ready.kafka.model_copy(update=changes)})
    query = recommend.start(spark, refused)
    with pytest.raises(StreamingQueryException) as caught:
        query.awaitTermination(600)
    assert expected in cause_of(query)
    return f"{caught.value} {caught.value!r} {cause_of(query)}"


def test_a_plan_in_full_has_the_login_redacted(
    spark: SparkSession, load: Load, environment: dict[str, str]
) -> None:
    """Spark recognises the option by the word password in it, which JAAS prescribes."""
    records = kafka_records(spark, load(environment), name="x")
    plan = records._jdf.queryExecution().toString()
    assert "sasl.jaas.config=*********(redacted)" in plan
    assert [secret for secret in SECRETS if secret in plan] == []


@contextmanager
def _job(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", JOB],
            env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _publish_index(settings: Settings) -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(TRACKS, 8))
    folder = Path(settings.index.folder)
    manifest = write_bundle(
        folder,
        Contents(
            vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
            track_ids=encode_ids([f"t{n:03d}" for n in range(TRACKS)]),
            artists=np.arange(TRACKS, dtype=np.int32),
            cold_start=np.arange(0, TRACKS, 5, dtype=np.int32),
        ),
        space="s1",
        backend=ANNOY,
    )
    PublishedBundles(Store(connect(settings.mongo))).publish(folder / manifest.version)


def _wait(ready: Callable[[], Any], process: subprocess.Popen[bytes], log: Path) -> Any:
    """The first true result of `ready`; the log's end if the job ends before."""
    until(lambda: ready() or process.poll() is not None, f"the job, see {log}")
    if found := ready():
        return found
    raise AssertionError(log.read_text()[-3000:])


def _crawl(ui: str, *, most: int = 60) -> dict[str, str]:
    """The pages of the Spark UI that links lead to, and the answers of its REST interface."""
    app = re.search(r'"id" : "([^"]+)"', _get(f"{ui}/api/v1/applications"))
    assert app
    pages = {path: _get(f"{ui}/api/v1/applications/{app[1]}{path}") for path in (*API, SQL)}
    ahead = ["/jobs/"]
    while ahead and len(pages) < most:
        path = ahead.pop(0)
        if path not in pages:
            pages[path] = _get(ui + path)
            ahead += [
                link.replace("&amp;", "&")
                for link in re.findall(r"""href=["'](/[^"'#]+)""", pages[path])
                if not re.search(r"kill|/static/|sort=", link)
            ]
    return pages


def _get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=600) as answer:
        return str(answer.read().decode())


def _contents(folder: Path) -> str:
    return "".join(file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file())
