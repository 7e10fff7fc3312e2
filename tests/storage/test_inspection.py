"""The release of Kafka that the doctor reports."""

from __future__ import annotations

from typing import Any, cast

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from segue.storage.inspection import _version


class Broker:
    """A client of a broker with these features."""

    def __init__(self, features: dict[str, Any] | None) -> None:
        self._features = features

    def describe_features(self) -> dict[str, Any]:
        if self._features is None:
            raise KafkaError
        return self._features


@pytest.mark.parametrize(
    ("newest", "release"),
    [(7, "3.3"), (14, "3.6"), (25, "4.0"), (27, "4.1"), (30, "4.3"), (33, "4.4"), (34, "4.4 or newer")],
)
def test_the_release_follows_from_the_newest_metadata(newest: int, release: str) -> None:
    broker = Broker({"metadata.version": {"supported": (7, newest), "finalized": (7, 7)}})
    assert _version(cast("KafkaAdminClient", broker)) == release


@pytest.mark.parametrize("features", [{}, None])
def test_an_old_broker_does_not_report_it(features: dict[str, Any] | None) -> None:
    assert _version(cast("KafkaAdminClient", Broker(features))) == ""
