"""Visitors cause lines of the log, and cannot fill it."""

from __future__ import annotations

import logging

import pytest
from starlette.testclient import TestClient

from segue.dashboard.log_lines import A_MINUTE, LONGEST, Few
from tests.dashboard.conftest import Enter


def test_a_few_lines_of_a_kind_pass_in_a_minute() -> None:
    now = 0.0
    few = Few(clock=lambda: now)

    def passed(message: str, number: int) -> list[str]:
        given = ((one,) for one in range(number))
        made = [logging.LogRecord("x", logging.WARNING, "", 0, message, one, None) for one in given]
        return [record.getMessage() for record in made if few.filter(record)]

    first = passed("refused %d", 100)
    assert len(first) == A_MINUTE
    assert first[0] == "refused 0"
    assert first[-1].endswith("left out)")
    assert passed("another %d", 3) == ["another 0", "another 1", "another 2"]
    assert passed("refused %d", 1) == []
    now = 61.0
    assert passed("refused %d", 1) == ["refused 0"]


def test_a_long_text_of_a_visitor_is_cut() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "refused %r", ("x" * 60_000,), None)
    assert Few().filter(record)
    assert len(record.getMessage()) == LONGEST + 1


@pytest.mark.integration
@pytest.mark.usefixtures("spared")
def test_requests_of_other_sites_do_not_fill_the_log(enter: Enter, caplog: pytest.LogCaptureFixture) -> None:
    """Each wrote its headers, of 64 kB, to the log."""
    client: TestClient = enter()
    for _ in range(3 * A_MINUTE):
        foreign = {"origin": "http://evil.example/" + "x" * 10_000}
        assert client.post("/api/people/log-in", json={}, headers=foreign).status_code == 403
    lines = [record.getMessage() for record in caplog.records if "refused a request" in record.getMessage()]
    assert len(lines) == A_MINUTE
    assert max(map(len, lines)) < 2 * LONGEST
