"""Spark's progress as it is kept and told to Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prometheus_client import generate_latest
from pymongo.database import Database

from segue.storage.mongo import Document
from streaming_jobs.progress import Metrics, as_document, keep_for

PROGRESS: dict[str, Any] = {
    "name": "recommend",
    "batchId": 7,
    "timestamp": "2026-03-01T12:00:00.250Z",
    "numInputRows": 5,
    "inputRowsPerSecond": 20.0,
    "processedRowsPerSecond": "Infinity",
    "durationMs": {"triggerExecution": 90, "addBatch": 70},
    "eventTime": {"watermark": "2026-03-01T10:00:00.000Z"},
    "stateOperators": [{"numRowsTotal": 3, "memoryUsedBytes": 1000, "numRowsDroppedByWatermark": 2}],
    "sources": [
        {
            "endOffset": {"plays": {"0": 10, "1": 4}},
            "latestOffset": {"plays": {"0": 15, "1": 6}},
        }
    ],
}


def test_progress_becomes_one_flat_document_of_its_batch() -> None:
    document = as_document(PROGRESS)
    assert document["_id"] == "recommend:7"
    assert document["at"] == datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
    assert (document["state_rows"], document["late_rows"], document["backlog"]) == (3, 2, 7)
    assert document["processed_rate"] == 0.0


def test_an_empty_batch_without_state_or_watermark_is_fine() -> None:
    bare = {k: v for k, v in PROGRESS.items() if k not in ("eventTime", "stateOperators", "sources")}
    document = as_document({**bare, "inputRowsPerSecond": None})
    assert (document["watermark"], document["backlog"], document["input_rate"]) == (None, 0, 0.0)


def test_prometheus_is_told() -> None:
    metrics = Metrics()
    metrics.progressed(as_document(PROGRESS))
    metrics.planned([80.0, 120.0])
    metrics.rejected.labels("malformed").inc()
    text = generate_latest(metrics.registry).decode()
    assert 'segue_state_rows{query="recommend"} 3.0' in text
    assert 'segue_batch_milliseconds{phase="addBatch",query="recommend"} 70.0' in text
    assert 'segue_watermark_delay_seconds{query="recommend"} 7200.25' in text
    assert "segue_freshness_milliseconds_count 2.0" in text
    assert 'segue_plays_rejected_total{reason="malformed"} 1.0' in text


def test_how_long_progress_is_kept_can_be_changed(database: Database[Document]) -> None:
    keep_for(database, days=14)
    keep_for(database, days=3)
    kept = database.stream_progress.index_information()["at_1"]["expireAfterSeconds"]
    assert kept == 3 * 86400
