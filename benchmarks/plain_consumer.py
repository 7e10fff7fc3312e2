"""The baseline without Spark: kafka-python, numpy, annoy and pymongo, with the same taste and result.

It keeps its windows in memory and commits offsets after writing, so its state is lost if it crashes. It
exists only as a baseline.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from segue.index.active import ActiveBundle
from segue.operations.stream_progress import MicroBatch, StreamProgress
from segue.plays.event import fault
from segue.plays.event_types import signal_weight
from segue.ranking.plan import plan
from segue.replanning.service import Replanning
from segue.settings import Settings, milliseconds
from segue.storage.kafka_client import client_options
from segue.storage.kafka_records import flat_object
from segue.storage.mongo import connect
from segue.storage.store import Store
from segue.taste.history import History, Window, prune
from segue.taste.profile import ListenerHistory


class Windows:
    """The windows of each listener in memory: window start -> track -> (weight, last at, last type)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._length = int(settings.stream.window.total_seconds() * 1000)
        self._sums: dict[str, dict[int, dict[str, tuple[float, int, str]]]] = defaultdict(dict)
        self._seen: set[str] = set()

    def add(self, play: dict[str, Any]) -> str | None:
        """Count an event once; returns the listener if their taste has changed."""
        if play["event_id"] in self._seen:
            return None
        self._seen.add(play["event_id"])
        weight = signal_weight(
            play["type"],
            ms_played=play["ms_played"],
            duration_ms=play["duration_ms"],
            signals=self._settings.signals,
        )
        if weight is None:
            return None
        at = play["occurred_at"]
        window = self._sums[play["user_id"]].setdefault(at // self._length * self._length, {})
        total, last, kind = window.get(play["track_id"], (0.0, -1, ""))
        newest = (at, play["type"]) if at >= last else (last, kind)
        window[play["track_id"]] = (total + weight, *newest)
        return str(play["user_id"])

    def history(self, user: str) -> History:
        return prune(
            {
                start: Window(
                    sorted(tracks),
                    [tracks[t][0] for t in sorted(tracks)],
                    [tracks[t][1] for t in sorted(tracks)],
                    [tracks[t][2] for t in sorted(tracks)],
                )
                for start, tracks in self._sums[user].items()
            },
            taste=self._settings.taste,
            signals=self._settings.signals,
        )


def _micro_batch(began: datetime, taken: int, took_ms: float) -> MicroBatch:
    """The progress of a poll in the form of the stream's; values that only Spark has are 0."""
    return {
        "_id": f"plain:{began.timestamp()}",
        "query": "plain",
        "batch": 0,
        "at": began,
        "input_rows": taken,
        "input_rate": 0.0,
        "processed_rate": taken / took_ms * 1000 if took_ms else 0.0,
        "duration_ms": {"triggerExecution": round(took_ms)},
        "state_rows": 0,
        "state_bytes": 0,
        "late_rows": 0,
        "watermark": None,
        "backlog": 0,
    }


def consume(
    settings: Settings, stop: threading.Event, *, part: tuple[int, int] = (0, 1), batch: int = 10_000
) -> None:
    """Consume until `stop` is set. `part` (i, n) takes every n-th partition, for several processes."""
    database = connect(settings.mongo)
    bundle = ActiveBundle(Store(database), folder=settings.index.folder).current()
    consumer = KafkaConsumer(
        **client_options(settings.kafka),
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=milliseconds(settings.stream.fetch_max_wait),
        max_poll_records=batch,
    )
    topic = settings.kafka.plays_topic
    partitions = sorted(consumer.partitions_for_topic(topic) or ())[part[0] :: part[1]]
    consumer.assign([TopicPartition(topic, partition) for partition in partitions])
    consumer.seek_to_beginning()
    windows, progress = Windows(settings), StreamProgress(Store(database))
    service = Replanning(Store(database), settings)
    while not stop.is_set():
        began, taken = datetime.now(UTC), 0
        moved: dict[str, None] = {}
        for records in consumer.poll(timeout_ms=200).values():
            taken += len(records)
            for record in records:
                play = flat_object(record.value or b"")
                if play and fault(play) is None and (user := windows.add(play)):
                    moved[user] = None
        if moved:
            plans = plan(
                [ListenerHistory(user, windows.history(user), settings.taste) for user in moved],
                bundle=bundle,
                ranking=settings.ranking,
                experiments=settings.experiments,
            )
            service.write(plans, space=bundle.space)
            took = (datetime.now(UTC) - began).total_seconds() * 1000
            progress.write([_micro_batch(began, taken, took)])
