"""Processes that a benchmark starts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.errors import SegueError
from segue.local.process import accepts


@contextmanager
def ended(process: subprocess.Popen[bytes], *, seconds: float = 30) -> Iterator[None]:
    """End a process behind the block: by SIGTERM, and after some seconds by SIGKILL."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_server(
    process: subprocess.Popen[bytes], port: int, *, name: str, log: Path, seconds: float
) -> None:
    """Wait until a process accepts connections.

    Raises
    ------
    SegueError
        It has ended, or does not accept any in time.
    """
    end = time.monotonic() + seconds
    while not accepts(port):
        if process.poll() is not None or time.monotonic() > end:
            raise SegueError(f"{name} did not start: see {log}")
        time.sleep(0.1)
