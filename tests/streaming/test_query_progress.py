"""When a query counts as hung, and the page on which others ask for it."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from segue.local.process import free_port
from segue.operations.health import Health, ask, serve
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.query_progress import QueryProgress

MINUTE = timedelta(minutes=1)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def queries(clock: Clock, registry: CollectorRegistry) -> QueryProgress:
    at, stalled = (Gauge(name, name, labelnames=["query"], registry=registry) for name in ("at", "stalled"))
    return QueryProgress(at=at, stalled=stalled, timeout=MINUTE, clock=clock)


def stalled(registry: CollectorRegistry, query: str) -> float | None:
    return registry.get_sample_value("stalled", {"query": query})


def test_without_queries_the_stream_is_starting(queries: QueryProgress) -> None:
    assert queries.health().status == "starting"
    queries.progressed("recommend")
    assert queries.health().status == "starting", "no query is expected yet"


def test_a_query_without_progress_is_named_with_the_time_of_its_last(
    queries: QueryProgress, clock: Clock, registry: CollectorRegistry
) -> None:
    for query in ("recommend", "engagement"):
        queries.expect(query, every=timedelta(0))
    clock.now += 59
    assert (queries.health().status, stalled(registry, "recommend")) == ("healthy", 0.0)
    queries.progressed("engagement")
    clock.now += 2
    health = queries.health()
    assert health.status == "unhealthy"
    assert health.problems == (
        "the query 'recommend' has made no progress since 1970-01-12T13:46:40+00:00 (61 s)",
    )
    assert (stalled(registry, "recommend"), stalled(registry, "engagement")) == (1.0, 0.0)
    queries.progressed("recommend")
    assert (queries.health().status, stalled(registry, "recommend")) == ("healthy", 0.0)
    assert registry.get_sample_value("at", {"query": "recommend"}) == clock.now


def test_a_query_with_a_slow_trigger_may_wait_for_it(queries: QueryProgress, clock: Clock) -> None:
    queries.expect("engagement", every=timedelta(minutes=10))
    clock.now += 10 * 60 + 59
    assert queries.health().status == "healthy"
    clock.now += 2
    assert queries.health().status == "unhealthy"


def test_a_query_that_waits_for_its_next_start_does_not_hang(
    queries: QueryProgress, clock: Clock, registry: CollectorRegistry
) -> None:
    """A restart of the whole stream would end the queries that run."""
    for query in ("recommend", "rejected plays"):
        queries.expect(query, every=timedelta(0))
    queries.ended("rejected plays")
    clock.now += 3600
    queries.progressed("recommend")
    health = queries.health()
    assert (health.status, stalled(registry, "rejected plays")) == ("degraded", 0.0)
    assert health.problems == ("the query 'rejected plays' has ended and waits for its next start",)
    queries.started("rejected plays")
    assert queries.health().status == "healthy"


@pytest.fixture
def served() -> Iterator[tuple[str, list[Health]]]:
    port, states = free_port(24041), [Health("healthy")]
    server = serve(port, registry=Metrics().registry, health=lambda: states[-1])
    yield f"http://127.0.0.1:{port}", states
    server.shutdown()
    server.server_close()


def test_the_page_of_the_health_has_a_status_that_probes_understand(
    served: tuple[str, list[Health]],
) -> None:
    address, states = served
    with urllib.request.urlopen(f"{address}/health") as answer:
        assert json.loads(answer.read()) == {"status": "healthy", "problems": []}
    states.append(Health("unhealthy", ("the query 'recommend' …",), {"queries": {"recommend": {}}}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{address}/health")
    with caught.value as error:
        assert error.code == 503
        assert json.loads(error.read())["queries"] == {"recommend": {}}
    assert ask(f"{address}/health") == Health("unhealthy", ("the query 'recommend' …",))


def test_the_other_page_has_the_metrics_of_the_process_too(served: tuple[str, list[Health]]) -> None:
    with urllib.request.urlopen(f"{served[0]}/metrics") as answer:
        text = answer.read().decode()
    for name in ("process_start_time_seconds", "process_open_fds", "segue_stream_starts_total"):
        assert f"\n{name}" in text


def test_a_page_of_another_site_cannot_read_them_under_its_own_name(
    served: tuple[str, list[Health]],
) -> None:
    address = urllib.parse.urlsplit(served[0])
    foreign, known = (
        ("evil.example", "127.0.0.1.evil.example:80", "["),
        (address.netloc, "localhost", "nas.lan"),
    )
    for path in ("/metrics", "/health"):
        statuses = {}
        for host in (*foreign, *known):
            connection = http.client.HTTPConnection(address.netloc)
            connection.request("GET", path, headers={"Host": host})
            statuses[host] = connection.getresponse().status
            connection.close()
        assert list(statuses.values()) == [421, 421, 421, 200, 200, 200], (path, statuses)


def test_a_process_that_does_not_answer_is_unhealthy() -> None:
    health = ask(f"http://127.0.0.1:{free_port(24141)}/health")
    assert health.status == "unhealthy"
    assert "no answer" in health.problems[0]


def test_the_time_of_the_last_progress_is_a_metric() -> None:
    metrics = Metrics()
    metrics.queries.expect("recommend", every=timedelta(0))
    text = generate_latest(metrics.registry).decode()
    assert 'segue_query_progress_timestamp_seconds{query="recommend"}' in text
    assert 'segue_query_stalled{query="recommend"} 0.0' in text
