"""The metrics of the stream for Prometheus."""

from __future__ import annotations

import logging
import threading
from collections import Counter as Counts
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from segue.operations.health import serve
from segue.operations.stream_progress import MicroBatch
from segue.spark.plays import REASONS
from segue.streaming_jobs.query_progress import QueryProgress
from segue.streaming_jobs.rejections import Rejections

log = logging.getLogger(__name__)
_FRESHNESS_BUCKETS = (50, 75, 100, 125, 150, 200, 300, 500, 1000, 2000, 5000, 15000, 60000, 300000)


class Metrics:
    """The metrics for Prometheus. One registry a job, so that tests can create several."""

    def __init__(self, *, stall_timeout: timedelta = timedelta(seconds=75)) -> None:
        """A query counts as hung after `stall_timeout` without progress."""
        self.registry = CollectorRegistry()
        # The start of the process, its memory, processor time and open files.
        ProcessCollector(registry=self.registry)
        by_query: dict[str, Any] = {"labelnames": ["query"], "registry": self.registry}
        plain: dict[str, Any] = {"registry": self.registry}
        self.input = Counter("segue_records_read", "Records read from Kafka.", **by_query)
        self.input_rate = Gauge(
            "segue_input_records_per_second", "Records that arrive per second.", **by_query
        )
        self.processed_rate = Gauge(
            "segue_processed_records_per_second", "Records processed per second of work.", **by_query
        )
        self.duration = Gauge(
            "segue_batch_milliseconds",
            "Duration of a phase of the last micro-batch, in milliseconds.",
            labelnames=["query", "phase"],
            registry=self.registry,
        )
        self.state_rows = Gauge("segue_state_rows", "Windows in the state.", **by_query)
        self.state_bytes = Gauge("segue_state_bytes", "Memory that the state uses, in bytes.", **by_query)
        self.late = Counter(
            "segue_rows_behind_watermark", "Rows dropped because they are behind the watermark.", **by_query
        )
        self.watermark = Gauge(
            "segue_watermark_delay_seconds", "Time from the watermark to the clock, in seconds.", **by_query
        )
        self.backlog = Gauge(
            "segue_backlog_records",
            "Records in Kafka that the query has not read yet, sampled every 5 seconds and after each "
            "micro-batch.",
            **by_query,
        )
        self.topic_end = Gauge(
            "segue_topic_end_offset",
            "Sum of the next offsets of a topic's partitions, sampled every 5 seconds, also while a "
            "micro-batch hangs.",
            labelnames=["topic"],
            registry=self.registry,
        )
        self.topics_sampled = Gauge(
            "segue_topics_sampled_timestamp_seconds",
            "When the brokers last answered a sample of the topics, in seconds since 1970.",
            **plain,
        )
        self.records_lost = Counter(
            "segue_records_lost",
            "Records that a query will never read, at least: of a topic that was deleted or truncated, or "
            "expired unread. Noted in the checkpoint.",
            labelnames=["query", "cause"],
            registry=self.registry,
        )
        self.records_lost_at = Gauge(
            "segue_records_lost_timestamp_seconds",
            "When the query continued after its last loss of records, in seconds since 1970; 0 if it never "
            "lost any.",
            **by_query,
        )
        self.listeners = Counter(
            "segue_listeners_planned",
            "Recommendations written, one for each listener and micro-batch.",
            **plain,
        )
        self.freshness = Histogram(
            "segue_freshness_milliseconds",
            "Time from a play to the recommendations that reflect it, in milliseconds.",
            buckets=_FRESHNESS_BUCKETS,
            **plain,
        )
        self.rejected = Counter(
            "segue_plays_rejected",
            "Records that were rejected because they are not valid plays.",
            labelnames=["reason"],
            registry=self.registry,
        )
        # A counter that appears with its first record shows no increase to Prometheus.
        for reason in REASONS:
            self.rejected.labels(reason)
        self.rejected_dropped = Counter(
            "segue_rejected_records_dropped",
            "Rejected records that are counted but not kept: stream.max_rejected_per_second was exceeded.",
            **plain,
        )
        self.delayed = Counter(
            "segue_plays_delayed",
            "Plays that arrived after stream.allowed_lateness and count for their listener only.",
            **plain,
        )
        self.running = Gauge(
            "segue_query_running",
            "1 while the query runs, 0 while it waits for its next start after a failure.",
            **by_query,
        )
        self.failures = Counter(
            "segue_query_failures", "Failures after which the query starts again alone.", **by_query
        )
        self.index = Info("segue_index", "The version of the index in use.", **plain)
        self.index_refused = Gauge(
            "segue_index_refused",
            "1 while the stream refuses a published index and keeps the previous one, else 0.",
            **plain,
        )
        self.damaged_documents = Gauge(
            "segue_damaged_documents",
            "Documents of a collection that are set aside and not rebuilt.",
            labelnames=["collection"],
            registry=self.registry,
        )
        self.facts = Counter("segue_facts_written", "Facts of listeners and windows written.", **plain)
        self.feedback_at = Gauge(
            "segue_feedback_timestamp_seconds",
            "Time of the last feedback for the ranking, in epoch seconds.",
            **plain,
        )
        self.feedback_seconds = Gauge(
            "segue_feedback_seconds", "Duration of the last computation of the feedback, in seconds.", **plain
        )
        self.progress_at = Gauge(
            "segue_query_progress_timestamp_seconds",
            "Time of the query's last progress, in epoch seconds.",
            **by_query,
        )
        self.stalled = Gauge(
            "segue_query_stalled",
            "1 while a query makes no progress (stream.stall_timeout), else 0.",
            **by_query,
        )
        self.queries = QueryProgress(at=self.progress_at, stalled=self.stalled, timeout=stall_timeout)
        self.starts = Counter(
            "segue_stream_starts", "Starts of the stream since its first; kept in MongoDB.", **plain
        )
        # The figures for Operations: plain numbers since the last report.
        self._fresh: deque[float] = deque(maxlen=100_000)
        self._reasons: Counts[str] = Counts()
        self._lock = threading.Lock()
        self.rejections = Rejections(count=self.count_rejected, dropped=self.rejected_dropped.inc)

    def serve(self, port: int) -> str:
        """Answer on the loopback address; returns the address of the health page, "" if there is none.

        Port 0 disables it.
        """
        if not port:
            return ""
        try:
            serve(port, registry=self.registry, health=self.queries.health)
        except OSError as error:
            # The stream runs without its metrics.
            log.warning("no metrics on port %d: %s; set SEGUE_STREAM__METRICS_PORT", port, error.strerror)
            return ""
        return f"http://127.0.0.1:{port}/health"

    def planned(self, freshness_ms: Sequence[float]) -> None:
        self.listeners.inc(len(freshness_ms))
        self._fresh.extend(freshness_ms)
        for milliseconds in freshness_ms:
            self.freshness.observe(milliseconds)

    def report_damaged(self, counts: Mapping[str, int]) -> None:
        """Report the number of damaged documents by collection."""
        self.damaged_documents.clear()
        for collection, count in counts.items():
            self.damaged_documents.labels(collection).set(count)

    def count_rejected(self, reason: str, count: int = 1) -> None:
        self.rejected.labels(reason).inc(count)
        with self._lock:
            self._reasons[reason] += count

    def since_last(self) -> tuple[list[float], dict[str, int]]:
        """Freshness in ms, and the rejected records by reason, since the last call."""
        fresh = [self._fresh.popleft() for _ in range(len(self._fresh))]
        with self._lock:
            reasons, self._reasons = self._reasons, Counts()
        return fresh, dict(reasons)

    def progressed(self, progress: MicroBatch) -> None:
        query = progress["query"]
        self.input.labels(query).inc(progress["input_rows"])
        self.input_rate.labels(query).set(progress["input_rate"])
        self.processed_rate.labels(query).set(progress["processed_rate"])
        for phase, milliseconds in progress["duration_ms"].items():
            self.duration.labels(query, phase).set(milliseconds)
        self.state_rows.labels(query).set(progress["state_rows"])
        self.state_bytes.labels(query).set(progress["state_bytes"])
        self.late.labels(query).inc(progress["late_rows"])
        self.backlog.labels(query).set(progress["backlog"])
        if progress["watermark"]:
            delay = progress["at"] - progress["watermark"]
            self.watermark.labels(query).set(delay.total_seconds())
