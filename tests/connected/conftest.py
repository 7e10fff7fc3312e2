"""A small server, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from segue.connected.client import LogIn, OpenSubsonic, Pace
from tests.connected.small_server import PASSWORD, USER, SmallServer, serving
from tests.jobs import conftest as jobs

kept_describers, shared_describers = jobs.kept_describers, jobs.shared_describers

PACE = Pace(timeout=30, per_second=100_000)


@pytest.fixture
def small() -> Iterator[SmallServer]:
    with serving(SmallServer()) as server:
        yield server


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that the client has made."""
    return []


@pytest.fixture
def client(small: SmallServer, pauses: list[float]) -> Iterator[OpenSubsonic]:
    log_in = LogIn(user=USER, secret=PASSWORD)
    with OpenSubsonic(small.address, log_in, pace=PACE, sleep=pauses.append) as made:
        yield made
