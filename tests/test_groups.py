"""Tests that share a resource take turns in one process."""

from __future__ import annotations

import pytest

from tests.conftest import dealt


def test_tests_in_parallel_processes_keep_their_groups(request: pytest.FixtureRequest) -> None:
    """pytest-xdist distributes by the end of a test's id; without it, each process starts all servers."""
    if not request.config.getoption("loadgroup", False):
        pytest.skip("these tests run in one process")
    without = [item.nodeid for item in request.session.items if "@" not in item.nodeid.rpartition("]")[2]]
    assert without == [], "this pytest-xdist does not set groups with this pytest"
    assert request.node.nodeid.endswith("@tests/test_groups.py")


def test_parts_take_as_long_whatever_the_number_of_their_tests() -> None:
    files = ["short"] * 8 + ["long"] + ["middle"] * 2
    parts = dealt(files, ("a", "b"), {"short": 1.0, "long": 20.0, "middle": 5.0})
    assert parts["short"] == parts["middle"] != parts["long"]
