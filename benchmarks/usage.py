"""Measures time, processor time and memory of this process and its descendants during a block."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from segue.processor_time import processor_time

INTERVAL = 0.2
"""Seconds between two samples of the memory."""


@dataclass
class Usage:
    """The measurements, complete when the block has ended."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    """Processor seconds, user and system, including the JVM and the Python workers."""
    peak_mb: float = 0.0
    """The peak of the total memory of the processes; shared pages are divided among them."""


@contextmanager
def used() -> Iterator[Usage]:
    """Measure the body of a `with`."""
    usage, done = Usage(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(usage, done), daemon=True)
    began, cpu = time.perf_counter(), processor_time(os.getpid())
    watcher.start()
    try:
        yield usage
    finally:
        usage.seconds, usage.cpu_s = time.perf_counter() - began, processor_time(os.getpid()) - cpu
        done.set()
        watcher.join()


def _watch(usage: Usage, done: threading.Event) -> None:
    while True:
        usage.peak_mb = max(usage.peak_mb, _memory_mb())
        if done.wait(INTERVAL):
            return


def _memory_mb() -> float:
    total = 0
    own = psutil.Process()
    for process in [own, *own.children(recursive=True)]:
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 1e6
