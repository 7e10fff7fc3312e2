"""What a piece of work takes: time, processor time and memory of this process and all that it has started."""

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
"""Seconds between two looks at the memory."""


@dataclass
class Usage:
    """Filled in when the work has ended."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    """Processor seconds, user and system, of the JVM and the Python workers too."""
    peak_mb: float = 0.0
    """The most that the processes held together; what they share is divided among them."""


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
