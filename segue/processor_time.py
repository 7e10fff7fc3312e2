"""The processor time of a process and its descendants."""

from __future__ import annotations

from contextlib import suppress

import psutil


def processor_time(process_id: int) -> float:
    """User and system time in seconds of a process and its descendants, including those that have ended.

    Raises
    ------
    psutil.NoSuchProcess
        The process does not exist.
    """
    process = psutil.Process(process_id)
    total = _own(process)
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += _own(child)
    return total


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
