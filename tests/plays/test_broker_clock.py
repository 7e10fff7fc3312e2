"""A sender whose clock is wrong, and a topic that starts again under its producer, against a real broker."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from segue.plays.broker_clock import BrokerClock
from segue.plays.delivery import PlayDelivery, PlayProducer
from segue.plays.newest_offsets import NewestOffsets
from segue.settings import Settings
from segue.storage.kafka import Place
from segue.storage.kafka_records import records_of
from segue.storage.store import Store
from tests.plays.examples import a_play

HOURS = 3_600_000


@pytest.mark.parametrize("ahead", [2 * HOURS, -2 * HOURS])
def test_plays_of_a_wrong_clock_reach_kafka_with_the_right_time(
    broker: Settings, store: Store, ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    with delivery_of(broker, store, ahead=ahead) as deliver:
        first, second = deliver(), deliver()
    records = recorded(broker)
    # Nothing was known before the first acknowledgement: the play is sent again, and counts once by its id.
    assert [error > HOURS for error in errors(records, first)] == [True, False]
    assert [error > HOURS for error in errors(records, second)] == [False]
    assert caplog.text.count("7200 s ahead" if ahead > 0 else "7200 s behind") == 1


def test_plays_of_a_right_clock_are_sent_as_they_are(broker: Settings, store: Store) -> None:
    with delivery_of(broker, store, ahead=1000) as deliver:
        sent = deliver()
    [play] = [play for play, _ in recorded(broker) if play["event_id"] == sent]
    assert play["occurred_at"] == 1000 + BEGAN


def test_small_differences_and_slow_answers_change_nothing() -> None:
    clock = BrokerClock()
    clock.measure(sent=10_000, acknowledged=10_020, dated=6_000)
    assert clock.ahead_ms == 0
    clock.measure(sent=10_000, acknowledged=90_000, dated=10_000)
    assert clock.ahead_ms == 0


def test_a_difference_is_steady_until_the_clock_is_set() -> None:
    clock = BrokerClock()
    for late in (0, 300, 100):
        clock.measure(sent=60_000, acknowledged=60_010, dated=late)
        assert clock.ahead_ms == 60_005
    clock.measure(sent=60_000, acknowledged=60_010, dated=60_003)
    assert clock.ahead_ms == 0


def test_offsets_that_start_again_are_recognised_and_overtaking_ones_are_not() -> None:
    offsets = NewestOffsets()
    assert not offsets.take([Place(0, 7, 1_000_000), Place(1, 3, 1_000_000)])
    assert not offsets.take([Place(0, 6, 1_000_000 - 20), Place(0, 8, 1_100_000)])
    assert offsets.take([Place(0, 0, 1_300_000)])
    assert not offsets.take([Place(0, 1, 1_300_001)])


BEGAN = time.time_ns() // 1_000_000


class delivery_of:  # noqa: N801
    """Delivers plays with a clock that is `ahead` milliseconds ahead; gives a function that sends one now."""

    def __init__(self, settings: Settings, store: Store, *, ahead: int) -> None:
        self._ahead = ahead
        self._delivery = PlayDelivery(
            store,
            lambda: PlayProducer(settings.kafka),
            accepted=settings.stream,
            clock=lambda: time.time() + ahead / 1000,
        )

    def __enter__(self) -> Any:
        return self._deliver

    def __exit__(self, *_: object) -> None:
        self._delivery.close()

    def _deliver(self) -> str:
        event_id = str(uuid.uuid4())
        play = a_play(event_id=event_id, occurred_at=BEGAN + self._ahead)
        delivered, refused = self._delivery.send([play])
        assert not refused
        assert [play["event_id"] for play in delivered] == [event_id]
        return event_id


def recorded(settings: Settings) -> list[tuple[dict[str, Any], int]]:
    """The plays of the topic in order, each with the broker's time."""
    records = sorted(records_of(settings.kafka, settings.kafka.plays_topic), key=lambda r: r.timestamp)
    return [(json.loads(record.value), record.timestamp) for record in records]


def errors(records: list[tuple[dict[str, Any], int]], event_id: str) -> Iterator[int]:
    return (abs(play["occurred_at"] - at) for play, at in records if play["event_id"] == event_id)
