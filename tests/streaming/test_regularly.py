"""The background work of the job."""

from __future__ import annotations

import threading

import pytest
from pymongo.errors import AutoReconnect

from segue.streaming_jobs.regularly import Regularly


@pytest.mark.parametrize(
    "error", [AutoReconnect("MongoDB is away"), OSError(28, "No space left on device"), ValueError("made up")]
)
def test_it_goes_on_after_an_error_and_does_it_a_last_time(error: Exception) -> None:
    done: list[int] = []
    third = threading.Event()

    def work() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise error
        if len(done) == 3:
            third.set()

    regularly = Regularly(work, name="work", seconds=0.01)
    assert third.wait(60)
    regularly.close()
    after = len(done)
    assert after >= 4
    assert not any(thread.name == "work" for thread in threading.enumerate())


def test_work_that_is_closed_at_once_is_still_done() -> None:
    done: list[int] = []
    Regularly(lambda: done.append(1), name="work", seconds=3600).close()
    assert done == [1]
