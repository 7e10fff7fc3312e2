"""Spark's progress as it is kept and told to Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import generate_latest
from pymongo.collection import Collection
from pymongo.database import Database

from segue.operations.stream_minutes import Minutes, StreamMinutes
from segue.operations.stream_progress import MicroBatch
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.progress import as_document, keepers

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
    metrics.count_rejected("malformed")
    text = generate_latest(metrics.registry).decode()
    assert 'segue_state_rows{query="recommend"} 3.0' in text
    assert 'segue_batch_milliseconds{phase="addBatch",query="recommend"} 70.0' in text
    assert 'segue_watermark_delay_seconds{query="recommend"} 7200.25' in text
    assert "segue_freshness_milliseconds_count 2.0" in text
    assert 'segue_plays_rejected_total{reason="malformed"} 1.0' in text


def test_how_long_progress_is_kept_can_be_changed(database: Database[Document]) -> None:
    keepers(Store(database), single=timedelta(hours=6), summed=timedelta(days=14))
    keepers(Store(database), single=timedelta(hours=2), summed=timedelta(days=3))
    assert _kept_for(database.stream_progress) == 2 * 3600
    assert _kept_for(database.stream_minutes) == 3 * 86400


def _kept_for(collection: Collection[Document]) -> int:
    return int(collection.index_information()["at_1"]["expireAfterSeconds"])


def test_micro_batches_are_summed_up_by_query_and_minute(database: Database[Document]) -> None:
    first = as_document(PROGRESS)
    second: MicroBatch = {
        **first,
        "batch": 8,
        "duration_ms": {"triggerExecution": 40},
        "state_rows": 4,
        "backlog": 2,
    }
    later: MicroBatch = {**first, "batch": 9, "at": first["at"] + timedelta(minutes=1)}
    minutes, now, kept = Minutes(), first["at"], StreamMinutes(Store(database))
    kept.add(minutes.updates([first], [80.0], {"late": 2}, now=now))
    kept.add(minutes.updates([second, later], [120.0], {"late": 1}, now=now))
    found = {one["_id"]: one for one in database.stream_minutes.find()}
    assert sorted(found) == [
        "recommend:2026-03-01T12:00",
        "recommend:2026-03-01T12:01",
        "rejected plays:2026-03-01T12:00",
    ]
    minute = found["recommend:2026-03-01T12:00"]
    assert (minute["batches"], minute["input_rows"], minute["late_rows"]) == (2, 10, 4)
    assert minute["phases_ms"] == {"triggerExecution": 130, "addBatch": 70}
    assert (minute["slowest_ms"], minute["backlog"], minute["state_rows"]) == (90, 7, 4)
    assert minute["freshness_ms"]["p50"] == 100.0
    assert found["rejected plays:2026-03-01T12:00"]["rejected"] == {"late": 3}


def test_progress_since_the_last_report_is_reported_once() -> None:
    metrics = Metrics()
    metrics.planned([80.0])
    metrics.count_rejected("late")
    metrics.count_rejected("late")
    assert metrics.since_last() == ([80.0], {"late": 2})
    assert metrics.since_last() == ([], {})
