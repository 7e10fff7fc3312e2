"""Processes of a cluster in a test: each with an environment, a folder and a log of its own, ended by pid."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from segue.local.java import java_home
from segue.local.process import last_line

SHORT_LIVED = "-XX:TieredStopAtLevel=1"
"""For JVMs that live a few minutes: the better compiler would cost more than it saves."""

WARM_UP = 600.0
"""Seconds; some ten processes start at once, on the few cores of the machine, beside other programs."""


def bare_environment(**own: str) -> dict[str, str]:
    """The environment of a machine without the project: plain tools, Java, and the variables `own`."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "JAVA_HOME": str(java_home())} | own


class Server:
    """One process that was started here."""

    def __init__(
        self, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.log = folder, folder / "log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ if environment is None else environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def runs(self) -> bool:
        return self._process.poll() is None

    def why(self) -> str:
        """Its output, for the message of a failure: Segue's own line, or the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        own = [line for line in lines if line.startswith("segue: ")]
        return f"{own[-1] if own else last_line(self.log)} (see {self.log})"

    def family(self) -> list[psutil.Process]:
        """The process and all that it has started, itself first."""
        try:
            own = psutil.Process(self.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """SIGKILL to the process and all that it has started, as when its machine is lost."""
        family = self.family() if self.runs() else []
        for one in family:
            if one.is_running():  # and not another process that got its pid
                one.kill()
        psutil.wait_procs(family[1:], timeout=20)
        self._process.wait(20)

    def wait(self, seconds: float) -> int:
        """Its exit status once it has ended."""
        return self._process.wait(seconds)
