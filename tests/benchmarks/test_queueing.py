"""The simulated queue, against the theory of queues."""

from __future__ import annotations

import pytest

from segue.benchmarks.queueing import Costs, simulate

COSTS = Costs(batch_ms=100.0, event_ms=1.0)


def test_alone_an_event_takes_a_batch_of_its_own() -> None:
    found = simulate(COSTS, per_second=0.05, seconds=4000)
    assert found.p50_ms == pytest.approx(101.0)
    assert found.backlog == 0


def test_below_its_capacity_a_queue_keeps_up_and_waits_longer_the_nearer_it_comes() -> None:
    found = [simulate(COSTS, per_second=rate, seconds=300) for rate in (100, 500, 900)]
    assert [one.p50_ms for one in found] == sorted(one.p50_ms for one in found)
    # A batch of b ms takes the 0.9 b events of the one before: b = 100 + 0.9 b.
    assert found[2].p99_ms == pytest.approx(2 * 1000, rel=0.35)
    assert all(one.p50_ms < one.p99_ms for one in found)


def test_above_its_capacity_it_falls_behind() -> None:
    assert simulate(COSTS, per_second=1500, seconds=60).backlog > 10_000
