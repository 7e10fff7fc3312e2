"""The threads of the dashboard over Kafka: plays are read once by a group, and sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import anyio.to_thread
import pytest
from starlette.testclient import TestClient

from segue.dashboard.opensubsonic.serve import make_app
from segue.dashboard.scrobbling import sending_scrobbles
from segue.dashboard.services import Services
from segue.plays.delivery import PlayProducer
from segue.scrobbling.reading import group_of
from segue.scrobbling.working import Work
from segue.settings import Settings
from segue.storage.kafka import RecordProducer, ensure_topics
from segue.storage.kafka_group import GroupReader
from tests.asynchronous import run
from tests.plays.examples import a_play
from tests.scrobbling.conftest import LENGTH, World
from tests.streaming.test_foreign_records import Undecodable
from tests.waiting import until

pytestmark = pytest.mark.integration


class Figures:
    def __init__(self) -> None:
        self.results: list[tuple[str, str, int]] = []
        self.seconds = -1.0

    def delivered(self, service: str, result: str, count: int) -> None:
        self.results += [(service, result, count)] if count else []

    def waiting(self, seconds: float) -> None:
        self.seconds = seconds


@pytest.fixture
def works() -> Iterator[list[Work]]:
    started: list[Work] = []
    yield started
    for work in started:
        work.close()


def start(works: list[Work], world: World, settings: Settings, **options: Any) -> Work:
    work = Work(world.store, settings, look=0.05, **options)
    work.start()
    works.append(work)
    return work


def heard(settings: Settings, *songs: int) -> None:
    """Plays of the listener, in Kafka."""
    now = round(time.time() * 1000)
    with PlayProducer(settings.kafka) as producer:
        for number in songs:
            common = {"user_id": "ada", "track_id": f"t{number}", "session_id": "s", "duration_ms": LENGTH}
            began = now - LENGTH
            producer.send(a_play(**common, type="play", ms_played=0, position_ms=0, occurred_at=began))
            producer.send(a_play(**common, type="complete", ms_played=LENGTH, occurred_at=now))
        producer.flush()


def test_plays_go_from_kafka_to_the_service_once(world: World, broker: Settings, works: list[Work]) -> None:
    ensure_topics(broker.kafka)
    heard(broker, 9)  # before the connection
    figures = Figures()
    first = start(works, world, broker, figures=figures)
    world.connect("listenbrainz")
    now = {"$set": {"connected_at": world.connections._clock()}}
    world.store.database.scrobble_connections.update_one({}, now)
    heard(broker, 0, 1)
    until(lambda: len(world.service.taken()) == 2, "two plays at the service")
    first.close()
    until(lambda: figures.seconds == 0, "nothing to wait")
    assert sum(count for _, result, count in figures.results if result == "sent") == 2
    heard(broker, 2)
    start(works, world, broker)
    until(lambda: len(world.service.taken()) == 3, "the third play at the service")
    assert sorted(world.service.taken()) == ["Song 0", "Song 1", "Song 2"]
    names = [
        listen["track_metadata"]["track_name"]
        for path, content in world.service.requests
        if path.endswith("submit-listens")
        for listen in content["payload"]
    ]
    assert sorted(names) == ["Song 0", "Song 1", "Song 2"], "each was sent once"


def test_what_plays_now_goes_from_kafka_to_the_service(
    world: World, broker: Settings, works: list[Work]
) -> None:
    ensure_topics(broker.kafka)
    world.connect("listenbrainz")
    figures = Figures()
    start(works, world, broker, figures=figures)

    def begun() -> bool:
        """A song begins; until the group has its partitions, the plays that it reads may be too old."""
        with PlayProducer(broker.kafka) as producer:
            common = {"user_id": "ada", "track_id": "t0", "session_id": "s", "duration_ms": LENGTH}
            now = round(time.time() * 1000)
            producer.send(a_play(**common, type="play", ms_played=0, position_ms=0, occurred_at=now))
            producer.flush()
        return bool(world.service.now)

    until(begun, "the service to be told")
    assert set(world.service.now) == {"Song 0"}
    until(lambda: ("listenbrainz", "playing_now", 1) in figures.results, "the figures")
    assert world.service.taken() == []


def test_the_api_alone_sends_too_and_with_the_dashboard_each_play_goes_once(
    world: World, broker: Settings
) -> None:
    """Their applications, with all that they start."""
    ensure_topics(broker.kafka)
    world.connect("listenbrainz")
    now = {"$set": {"connected_at": world.connections._clock()}}
    world.store.database.scrobble_connections.update_one({}, now)
    with TestClient(make_app(broker)):
        heard(broker, 0, 1)
        until(lambda: len(world.service.taken()) == 2, "two plays at the service")
        services = Services(world.store, broker)

        async def beside_a_dashboard() -> None:
            async with sending_scrobbles(services):
                heard(broker, *range(2, 30))
                done = lambda: len(world.service.taken()) == 30  # noqa: E731
                await anyio.to_thread.run_sync(until, done, "all plays at the service")

        run(beside_a_dashboard)
        services.close()
    names = [
        listen["track_metadata"]["track_name"]
        for path, content in world.service.requests
        if path.endswith("submit-listens") and content["listen_type"] != "playing_now"
        for listen in content["payload"]
    ]
    assert sorted(names) == sorted(f"Song {number}" for number in range(30)), "each was sent once"


def test_a_group_reads_on_and_skips_what_cannot_be_decoded(world: World, broker: Settings) -> None:
    ensure_topics(broker.kafka)
    topic = broker.kafka.plays_topic
    group = group_of(topic)

    def send(*values: bytes) -> None:
        with RecordProducer(broker.kafka, topic=topic) as producer:
            producer.deliver_bytes([(value, b"ada") for value in values], seconds=60)

    def read(reader: GroupReader, count: int) -> list[bytes]:
        values: list[bytes] = []

        def enough() -> bool:
            values.extend(reader.poll(seconds=0.5))
            return len(values) >= count

        until(enough, "the records")
        return values

    send(b"1", b"2")
    with GroupReader(broker.kafka, topic, group=group, since=lambda: 0) as reader:
        assert read(reader, 2) == [b"1", b"2"]
        reader.commit()
    with RecordProducer(broker.kafka, topic=topic) as producer:
        wrong = [(Undecodable("x"), b"x")]
        producer._producer.send(topic, value=b"wrong", key=b"ada", headers=wrong).get(60)
    send(b"3")
    send(b"4")
    with GroupReader(broker.kafka, topic, group=group, since=lambda: 0) as reader:
        assert read(reader, 2) == [b"3", b"4"]
    with GroupReader(broker.kafka, topic, group=group, since=lambda: 0) as reader:
        assert read(reader, 2) == [b"3", b"4"], "what was not committed is read again"
    later = round(time.time() * 1000) + 3_600_000
    with GroupReader(broker.kafka, topic, group=f"{group}.other", since=lambda: later) as reader:
        until(lambda: reader.poll(seconds=0.2) == [] and reader._consumer.assignment(), "an assignment")
        send(b"5")
        assert read(reader, 1) == [b"5"], "what is older is skipped"
