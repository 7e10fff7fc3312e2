"""The dashboard's metrics for Prometheus, and the middleware that measures requests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.plays.delivery import Result

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)
_METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
PAGE, STREAMLIT = "page", "streamlit"
"""Labels of the routes that are Streamlit's: a page that a browser opens, and all of its resources."""


class DashboardMetrics:
    """The metrics of a process. One registry an application, so that tests can create several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # The start of the process, its memory, processor time and open files.
        ProcessCollector(registry=self.registry)
        plain: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter(
            "segue_http_requests",
            "Requests by route and status.",
            labelnames=["method", "route", "status"],
            **plain,
        )
        self.latency = Histogram(
            "segue_http_request_seconds",
            "Time from a request to the beginning of its answer, in seconds.",
            labelnames=["route"],
            buckets=_SECONDS,
            **plain,
        )
        self.audio_streams = Gauge("segue_audio_streams", "Recordings that are being sent.", **plain)
        self.transcodings = Counter(
            "segue_transcodings",
            "Requests for converted recordings and conversions, by result: cached, shared (with a conversion "
            "in progress), converted, failed, abandoned by all listeners, refused.",
            labelnames=["result"],
            **plain,
        )
        self.transcodings_running = Gauge(
            "segue_transcodings_running", "Recordings that are being converted.", **plain
        )
        self.transcodings_waiting = Gauge(
            "segue_transcodings_waiting", "Recordings that wait to be converted.", **plain
        )
        self.transcoding_cache = Gauge(
            "segue_transcoding_cache_bytes", "Size of the cache of converted recordings, in bytes.", **plain
        )
        self.open_pages = Gauge("segue_open_pages", "Pages that are open in browsers.", **plain)
        self.plays = Counter("segue_plays_delivered", "Plays from players that Kafka has accepted.", **plain)
        self.refused_plays = Counter(
            "segue_plays_invalid", "Events from players that are not valid plays.", **plain
        )
        self.kafka_errors = Counter(
            "segue_kafka_errors", "Requests of players whose plays Kafka did not accept.", **plain
        )
        self.outbox = Histogram(
            "segue_outbox_events",
            "Events that wait in a player's outbox, reported with each delivery.",
            buckets=_EVENTS,
            **plain,
        )
        self.clock_ahead = Gauge(
            "segue_clock_ahead_seconds",
            "How far the dashboard's clock is ahead of Kafka's, in seconds; 0 if it is less than 5. "
            "Plays are corrected by it.",
            **plain,
        )
        self.player_clocks = Counter(
            "segue_player_clocks_corrected",
            "Deliveries of players whose clock is more than 5 seconds off; their plays are corrected.",
            **plain,
        )
        self.scrobbles = Counter(
            "segue_scrobbles",
            "Plays for other services, by service and result: sent, refused (for good), failed (deliveries "
            "that are repeated), playing_now (songs that a service was told to play now).",
            labelnames=["service", "result"],
            **plain,
        )
        self.scrobbles_waiting = Gauge(
            "segue_scrobbles_waiting_seconds",
            "How long ago the oldest play was heard that waits to be sent to another service, in seconds; 0 "
            "without any.",
            **plain,
        )
        self.mongo_away = Gauge("segue_mongo_away", "1 while MongoDB does not answer, else 0.", **plain)

    def count_events(self, result: Result, number: int) -> None:
        """Count events by what became of them (:class:`segue.plays.delivery.PlayDelivery`)."""
        {"delivered": self.plays, "refused": self.refused_plays, "failed": self.kafka_errors}[result].inc(
            number
        )


class Measured:
    """ASGI middleware: counts requests, and measures the time to their answers and the open audio streams."""

    def __init__(self, app: ASGIApp, metrics: DashboardMetrics, routes: Sequence[Route]) -> None:
        self._app, self._metrics, self._routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # each open page has one
            with self._metrics.open_pages.track_inprogress():
                await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route, began = self._route(scope), time.perf_counter()
        status, streaming = 500, False

        async def noting(message: Message) -> None:
            nonlocal status, streaming
            if message["type"] == "http.response.start":
                status, streaming = message["status"], "/audio/" in route
                self._metrics.latency.labels(route).observe(time.perf_counter() - began)
                if streaming:
                    self._metrics.audio_streams.inc()
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(method, route, str(status)).inc()
            if streaming:
                self._metrics.audio_streams.dec()

    def _route(self, scope: Scope) -> str:
        """The path of the route with its parameters unfilled, so that the number of labels is limited."""
        for route in self._routes:
            if route.matches(scope)[0] is not Match.NONE:
                return route.path
        headers = dict(scope["headers"])
        return PAGE if b"text/html" in headers.get(b"accept", b"") else STREAMLIT
