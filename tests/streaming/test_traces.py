"""A trace from a player's request to the written recommendations."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from kafka import KafkaProducer
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pymongo.database import Database
from pyspark.sql import SparkSession
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue import tracing
from segue.dashboard.app import make_middleware, make_routes
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE
from segue.settings import Settings
from segue.storage.kafka_records import records_of
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.progress import ProgressKeeper
from tests.dashboard.test_player_routes import a_play, envelope
from tests.plays.examples import encoded
from tests.streaming.conftest import run_until_all_is_taken, track_id

FOREIGN = [
    None,
    b"",
    b"\xff\x00",
    b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",  # not sampled
    b"01-x" * 1000,
]


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    found = InMemorySpanExporter()
    with tracing.traced_to(found, service="test", share=1.0):
        yield found


def finished(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """The spans by name; the batches of the processors are sent first."""
    active = tracing.active()
    assert active
    active.flush()
    return {span.name: span for span in exporter.get_finished_spans()}


@pytest.fixture
def player(published: Settings, database: Database[Document]) -> Iterator[TestClient]:
    services = Services(Store(database), published)
    app = Starlette(routes=make_routes(services), middleware=make_middleware(services))
    client = TestClient(app)
    client.cookies.set(COOKIE, services.login_sessions.open(user_id="ada", name="Ada"))
    yield client
    services.delivery.close()


@pytest.mark.integration
def test_a_request_is_followed_to_the_document(
    exporter: InMemorySpanExporter,
    player: TestClient,
    published: Settings,
    spark: SparkSession,
    database: Database[Document],
) -> None:
    play = a_play(track_id=track_id(3), type="complete")
    assert player.post("/api/events", json=envelope(play)).status_code == 200
    with_foreign_headers(published)
    keeper = ProgressKeeper(Store(database), Metrics(), single=timedelta(hours=1), summed=timedelta(days=1))
    keeper.listen(spark)
    run_until_all_is_taken(spark, published)
    keeper.close()
    spans = finished(exporter)
    request, send = spans["POST /api/events"], spans["send plays"]
    batch, processed = spans["recommend: micro-batch"], spans["recommend: process play"]
    written = spans["write recommendations"]
    [trace] = {span.context.trace_id for span in (request, send, processed, written) if span.context}
    assert batch.context
    assert batch.context.trace_id != trace
    assert attributes(request)["http.response.status_code"] == 200
    chain = [(one.parent and one.parent.span_id) for one in (send, processed, written)]
    assert chain == [span.context.span_id for span in (request, send, processed) if span.context]
    assert [link.context.trace_id for link in batch.links] == [trace], "the play, and no foreign record"
    assert [link.context.span_id for link in processed.links] == [batch.context.span_id]
    document = database.recommendations.find_one({"_id": attributes(written)["segue.document"]})
    assert document
    assert document["recommendation_id"] == attributes(written)["segue.recommendation_id"]
    assert database.recommendations.count_documents({}) == 1 + len(FOREIGN), "foreign headers do no harm"


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def with_foreign_headers(settings: Settings) -> None:
    """Plays of another producer, with headers of every kind."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers)
    for number, value in enumerate(FOREIGN):
        headers = [("traceparent", value)] if value is not None else []
        play = encoded(user_id=f"other{number}", track_id=track_id(number))
        producer.send(settings.kafka.plays_topic, value=play, key=b"k", headers=headers)
    producer.flush()
    producer.close()


@pytest.mark.integration
def test_without_traces_records_have_no_headers(player: TestClient, published: Settings) -> None:
    assert tracing.active() is None
    assert player.post("/api/events", json=envelope(a_play())).status_code == 200
    [record] = records_of(published.kafka, published.kafka.plays_topic)
    assert not record.headers


def test_a_visitor_cannot_raise_the_share() -> None:
    exporter = InMemorySpanExporter()
    with tracing.traced_to(exporter, service="test", share=1e-9):
        for n in range(200):
            parent = f"00-{n + 1:032x}-00f067aa0ba902b7-01"
            # The ids of real traces are random; these are the largest, which no share below 1 takes.
            parent = parent.replace(f"{n + 1:032x}", f"{2**128 - 1 - n:032x}")
            with tracing.span("request", kind="server", parent=parent):
                assert tracing.headers() == []
    assert exporter.get_finished_spans() == ()


def test_spans_reach_a_collector() -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """No lines."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
    with tracing.traced("segue-test", endpoint=endpoint, share=1.0), tracing.span("a request", kind="server"):
        pass
    server.shutdown()
    server.server_close()
    assert {path for path, _ in received} == {"/v1/traces"}
    assert b"a request" in received[0][1]
    assert b"segue-test" in received[0][1]


def test_they_are_off_without_a_collector() -> None:
    with tracing.traced("segue-test", endpoint="", share=1.0):
        assert tracing.active() is None
        with tracing.span("nothing") as span:
            assert span is None
