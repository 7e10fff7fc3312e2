"""Topics that lose records under a checkpoint, against a real broker, mongod and Spark.

Nothing is lost without a message, the records left in the topic are read, and earlier counts stay.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.doctor import checkpoints
from segue.local.process import free_port
from segue.places import ROOT
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka import ensure_topics, read_rejected
from segue.storage.mongo import Document
from segue.storage.topic_sample import TopicSampler
from segue.streaming_jobs import engagement, recommend, rejected_plays
from segue.streaming_jobs.checkpoint_folder import Folder
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.positions import move, position
from segue.streaming_jobs.topic_guard import RecordsLost, TopicGuard
from segue.streaming_jobs.topic_note import read_note
from segue.streaming_jobs.topic_repair import repair_positions
from segue.streaming_jobs.topic_watch import ReadOffsets
from tests.plays.examples import encoded
from tests.streaming.conftest import run_until_all_is_taken, track_id
from tests.streaming.job import RestartingJob
from tests.waiting import until

QUERIES = {
    "recommend": ("recommend", None),
    "rejected plays": ("rejected_plays", "rejected"),
    "engagement": ("engagement", None),
}
JOBS = (recommend, rejected_plays, engagement)


class Service:
    """The three queries over a topic, with the guard that checks each before its start."""

    def __init__(self, spark: SparkSession, settings: Settings, database: Database[Document]) -> None:
        self.spark, self.settings, self.database = spark, settings, database
        self.metrics = Metrics()
        self.folder = Folder(settings.spark.checkpoint_location)

    def admit(self, *, lost_records: str = "end") -> set[str]:
        """Check all queries as at a start; returns those whose place has changed."""
        stream = self.settings.stream.model_copy(update={"lost_records": lost_records})
        settings = self.settings.model_copy(update={"stream": stream})
        with self.sampler() as sampler:
            guard = TopicGuard(settings, self.folder, sampler, metrics=self.metrics, read=ReadOffsets())
            return {
                query
                for query, (folder, output) in QUERIES.items()
                if guard.admit(query, folder, output=output and self.settings.kafka.rejected_topic)
            }

    def run(self) -> None:
        """Take everything that the topic has."""
        run_until_all_is_taken(self.spark, self.settings, JOBS)

    def repair(self) -> bool:
        with self.sampler() as sampler:
            return repair_positions(self.folder, self.settings, sampler, yes=True)

    @contextmanager
    def sampler(self) -> Iterator[TopicSampler]:
        kafka = self.settings.kafka
        sampler = TopicSampler(kafka, [kafka.plays_topic, kafka.rejected_topic])
        yield sampler
        sampler.close()

    def send(self, count: int, *, bad: int = 0) -> None:
        """Send plays of many listeners, and records that are no plays."""
        with PlayProducer(self.settings.kafka) as producer:
            for _ in range(count):
                user = f"user{uuid.uuid4().hex[:8]}"
                producer.send_bytes(encoded(user_id=user, track_id=track_id(3)), key=user.encode())
            for number in range(bad):
                producer.send_bytes(b"{", key=str(number).encode())
            producer.flush()

    def counted(self) -> tuple[int, int, int]:
        """Listeners with a taste, completions in the facts, and rejected records that are kept."""
        facts = sum(row["completions"] for fact in self.database.listening.find() for row in fact["rows"])
        kept = sum(1 for _ in read_rejected(self.settings.kafka))
        return self.database.tastes.count_documents({}), facts, kept

    def recreate(self, *topics: str) -> None:
        self.admin(lambda admin: admin.delete_topics(list(topics)))
        ensure_topics(self.settings.kafka)

    def admin(self, work: Callable[[KafkaAdminClient], object]) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.settings.kafka.bootstrap_servers)
        try:
            work(admin)
        finally:
            admin.close()

    def lost(self, cause: str) -> float:
        value = self.metrics.registry.get_sample_value
        return value("segue_records_lost_total", {"query": "recommend", "cause": cause}) or 0


@pytest.fixture
def service(spark: SparkSession, published: Settings, database: Database[Document]) -> Service:
    running = Service(spark, published, database)
    running.send(20, bad=4)
    assert running.admit() == set()
    running.run()
    assert running.counted() == (20, 20, 4)
    return running


def test_a_topic_created_again_while_the_stream_was_stopped_ends_it_and_the_repair_loses_nothing(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """Again and again, with fewer, as many and more records than the topic had before."""
    good, rejected = 20, 4
    for number, (fresh, bad) in enumerate([(5, 1), (5, 1), (60, 9)], start=1):
        service.recreate(service.settings.kafka.plays_topic)
        service.send(fresh, bad=bad)
        with pytest.raises(RecordsLost, match=r"was deleted and created again.*stream repair") as ended:
            service.admit()
        assert "\n" not in str(ended.value)
        found = checkpoints._places(service.folder, service.settings)
        assert [check.state for check in found] == ["problem"] * len(QUERIES)
        assert service.repair()
        assert checkpoints._places(service.folder, service.settings) == []
        assert "created again" in capsys.readouterr().out
        assert not service.repair()
        assert service.admit() == set()
        service.run()
        good, rejected = good + fresh, rejected + bad
        assert service.counted() == (good, good, rejected)
        assert [loss.cause for loss in read_note(service.folder, "recommend").lost] == ["recreated"] * number


def test_by_a_setting_the_queries_continue_by_themselves_and_count(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.recreate(service.settings.kafka.plays_topic)
    service.send(30, bad=2)
    assert service.admit(lost_records="continue") == set(QUERIES)
    assert "was deleted and created again" in caplog.text
    service.run()
    assert service.counted() == (50, 50, 6)
    at = service.metrics.registry.get_sample_value(
        "segue_records_lost_timestamp_seconds", {"query": "engagement"}
    )
    assert at


def test_a_topic_that_is_gone_is_created_by_the_repair(service: Service) -> None:
    service.admin(lambda admin: admin.delete_topics([service.settings.kafka.plays_topic]))
    with pytest.raises(RecordsLost, match=r"does not exist any more.*stream repair"):
        service.admit()
    assert service.repair()
    service.send(7, bad=1)
    assert service.admit() == set()
    service.run()
    assert service.counted() == (27, 27, 5)


def test_records_that_expired_unread_are_counted(service: Service) -> None:
    service.send(40)
    with service.sampler() as sampler:
        ends = sampler.sample()[service.settings.kafka.plays_topic].ends
    service.admin(lambda admin: admin.delete_records(_up_to(service, ends)))
    service.send(10)
    with pytest.raises(RecordsLost, match=r"retention.*: 40 records lost for recommend.*stream repair"):
        service.admit()
    assert service.admit(lost_records="continue") == set(QUERIES)
    assert service.lost("expired") == 40
    service.run()
    assert service.counted() == (30, 30, 4)


def _up_to(service: Service, ends: Mapping[int, int]) -> dict[TopicPartition, int]:
    return {TopicPartition(service.settings.kafka.plays_topic, n): end for n, end in ends.items()}


def test_a_topic_that_ends_before_the_records_read_is_a_loss(service: Service) -> None:
    topic = service.settings.kafka.plays_topic
    for folder, _ in QUERIES.values():
        place = position(service.folder, folder, topic=topic)
        assert place is not None
        move(service.folder, place, {n: offset + 3 for n, offset in place.offsets.items()}, topic=topic)
    with pytest.raises(RecordsLost, match=r"ends before records that were read.*at least 12 records"):
        service.admit()
    assert service.repair()
    assert service.admit() == set()
    service.send(6)
    service.run()
    assert service.counted() == (26, 26, 4)


def test_added_partitions_are_read_and_lose_nothing(service: Service) -> None:
    topic = service.settings.kafka.plays_topic
    service.admin(lambda admin: admin.create_partitions({topic: 7}))
    service.send(60, bad=5)
    assert service.admit() == set()
    service.run()
    assert service.counted() == (80, 80, 9)
    place = position(service.folder, "recommend", topic=topic)
    assert place is not None and set(place.offsets) == set(range(7))
    assert service.admit() == set()


def test_rejected_records_are_found_again_after_their_topic_was_created_again(service: Service) -> None:
    service.recreate(service.settings.kafka.rejected_topic)
    assert service.counted()[2] == 0
    assert service.admit() == {"rejected plays"}
    service.run()
    assert service.counted() == (20, 20, 4)


def test_a_checkpoint_without_a_note_gets_the_id_of_its_topic(service: Service) -> None:
    for folder, _ in QUERIES.values():
        (service.folder.move(f"{folder}/topic.json", into="aside"))
    assert service.admit() == set()
    assert read_note(service.folder, "recommend").id
    service.recreate(service.settings.kafka.plays_topic)
    with pytest.raises(RecordsLost):
        service.admit()


def test_a_new_checkpoint_has_lost_nothing(
    spark: SparkSession, published: Settings, database: Database[Document]
) -> None:
    new = Service(spark, published, database)
    assert new.admit() == set()
    names: Sequence[str] = [folder for folder, _ in QUERIES.values()]
    assert all(read_note(new.folder, name).id for name in names)


def run_command(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command with these settings, as an operator would."""
    own = {
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "SEGUE_KAFKA__PLAYS_TOPIC": settings.kafka.plays_topic,
        "SEGUE_KAFKA__REJECTED_TOPIC": settings.kafka.rejected_topic,
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": settings.mongo.database,
        "SEGUE_SPARK__CHECKPOINT_LOCATION": settings.spark.checkpoint_location,
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-m", "segue", *words],
        env={**os.environ, **own},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


class Job:
    """The stream as a process; its service manager starts it again after each end."""

    def __init__(self, service: Service, folder: Path, *, lost_records: str) -> None:
        stream = service.settings.stream.model_copy(
            update={"lost_records": lost_records, "metrics_port": free_port(24041)}
        )
        self.settings = service.settings.model_copy(update={"stream": stream})
        self.log = folder / "job.log"
        self.process = RestartingJob(self.settings, self.log)

    def says(self, text: str) -> bool:
        return self.log.exists() and text in self.log.read_text()

    def metric(self, name: str) -> list[str]:
        """The lines of a metric."""
        address = f"http://127.0.0.1:{self.settings.stream.metrics_port}/metrics"
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            return [line for line in answer.read().decode().splitlines() if line.startswith(name)]
        return []


def test_a_topic_created_again_while_everything_runs_ends_the_stream_until_the_repair(
    service: Service, tmp_path: Path
) -> None:
    job = Job(service, tmp_path, lost_records="end")
    with job.process:
        service.send(10, bad=1)
        until(lambda: service.counted() == (30, 30, 5), "the first plays")
        service.recreate(service.settings.kafka.plays_topic)
        service.send(25, bad=3)
        until(lambda: job.says("was deleted and created again"), "the end")
        until(lambda: job.process.starts > 1, "the next start")
    assert "stream repair" in job.log.read_text()
    repaired = run_command(service.settings, "stream", "repair", "--yes")
    assert "was deleted and created again" in repaired.stdout, repaired.stderr
    assert "no record is missing" in run_command(service.settings, "stream", "repair").stdout
    service.run()
    assert service.counted() == (55, 55, 8)


def test_a_topic_created_again_while_everything_runs_is_continued_by_a_setting(
    service: Service, tmp_path: Path
) -> None:
    job = Job(service, tmp_path, lost_records="continue")
    with job.process:
        service.send(10, bad=1)
        until(lambda: service.counted() == (30, 30, 5), "the first plays")
        service.recreate(service.settings.kafka.plays_topic)
        service.send(25, bad=3)
        until(lambda: service.counted() == (55, 55, 8), "the plays of the new topic")
        lost = job.metric("segue_records_lost_timestamp_seconds")
        assert len(lost) == len(QUERIES) and not any(line.endswith(" 0.0") for line in lost)
        assert job.process.starts == 1


def test_records_that_expire_while_the_stream_is_behind_are_counted(service: Service, tmp_path: Path) -> None:
    job = Job(service, tmp_path, lost_records="continue")
    service.send(40)
    with service.sampler() as sampler:
        ends = sampler.sample()[service.settings.kafka.plays_topic].ends
    service.admin(lambda admin: admin.delete_records(_up_to(service, ends)))
    service.send(10)
    with job.process:
        until(lambda: service.counted() == (30, 30, 4), "the plays that are left")
        lost = {line.split("}")[0]: line.split()[-1] for line in job.metric("segue_records_lost_total")}
        assert lost == {
            f'segue_records_lost_total{{cause="expired",query="{query}"': "40.0" for query in QUERIES
        }
