"""The streaming job as a process of its own that can be killed, and a supervisor that restarts it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from segue.places import ROOT
from segue.settings import Settings

_RUN = (
    "import pickle, sys; from segue.streaming_jobs.cli import run; "
    "run(pickle.loads(bytes.fromhex(sys.argv[1])))"
)


class RestartingJob:
    """Runs the job and starts it again whenever it ends, as an operator's service manager would."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._settings, self._log = settings, log
        self._stop = threading.Event()
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> RestartingJob:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.kill()

    def _supervise(self) -> None:
        document = pickle.dumps(self._settings).hex()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        while not self._stop.wait(0.2):
            if self._process is None or self._process.poll() is not None:
                with self._log.open("ab") as log:
                    self._process = subprocess.Popen(
                        [sys.executable, "-c", _RUN, document],
                        cwd=ROOT,
                        env=environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                self.starts += 1

    def kill(self) -> None:
        """SIGKILL to the driver and all that belongs to it."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def workers(self) -> list[psutil.Process]:
        """The Python workers that Spark has started."""
        assert self._process is not None
        return [one for one in psutil.Process(self._process.pid).children(recursive=True) if _is_worker(one)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "pyspark.daemon" in " ".join(process.cmdline())
    except psutil.Error:  # gone since it was listed
        return False
