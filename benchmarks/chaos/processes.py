"""The processes of the service under test, and their supervisor.

The supervisor restarts an ended process after five seconds, without a limit, as the systemd units in
deploy/hosts do (`Restart=always`, `RestartSec=5`); compose does the same with `restart: unless-stopped`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from segue.local.process import PATIENCE
from segue.places import ROOT

RESTART_SECONDS = 5.0
SEGUE = (sys.executable, "-P", "-m", "segue")


class Supervised:
    """A process that is started again whenever it has ended."""

    def __init__(
        self,
        name: str,
        command: Callable[[], Sequence[str]],
        *,
        log: Path,
        folder: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`command` is called at each start, and prepares it."""
        self.name, self.log, self.starts = name, log, 0
        self._command, self._folder = command, folder
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_at = 0.0

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1
        self._ended_at = 0.0

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def revive(self) -> None:
        """Start the process again if it ended :data:`RESTART_SECONDS` ago."""
        if self.runs():
            return
        if not self._ended_at:
            self._ended_at = time.monotonic()
        elif time.monotonic() - self._ended_at >= RESTART_SECONDS:
            self.start()

    def family(self) -> list[psutil.Process]:
        """The process and its descendants, itself first; empty if it has ended."""
        if self._process is None or not self.runs():
            return []
        with suppress(psutil.Error):
            own = psutil.Process(self._process.pid)
            return [own, *own.children(recursive=True)]
        return []

    def terminate(self) -> None:
        for process in self.family()[:1]:
            process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the end after :meth:`terminate`, and kill the processes that still run after `seconds`."""
        _, alive = psutil.wait_procs(self.family(), timeout=seconds)
        for process in alive:
            process.kill()
        if self._process is not None:
            self._process.wait()


class Supervisor:
    """Watches several processes from a thread."""

    def __init__(self, processes: Sequence[Supervised]) -> None:
        self.processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.25):
            for process in self.processes:
                process.revive()

    def stop(self) -> None:
        """End the watch, then the processes: those that need others first, each group at once."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        for needed in (False, True):
            group = [one for one in self.processes if one.name.startswith(("mongod", "broker")) == needed]
            for process in group:
                process.terminate()
            for process in group:
                process.wait(PATIENCE)


def until(true: Callable[[], bool], seconds: float, *, every: float = 0.5) -> bool:
    """Wait until something is true; False if it was not within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(every)
    return true()


def workers(family: Sequence[psutil.Process]) -> Iterator[psutil.Process]:
    """Spark's Python workers among the descendants of a driver."""
    for process in family:
        with suppress(psutil.Error):
            if "pyspark.daemon" in process.cmdline():
                yield process


def jvms(family: Sequence[psutil.Process]) -> Iterator[psutil.Process]:
    for process in family:
        with suppress(psutil.Error):
            if process.name() == "java":
                yield process
