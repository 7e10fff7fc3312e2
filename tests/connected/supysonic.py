"""Supysonic, another music server, as a program of its own: its licence is the AGPL; nothing is imported."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from segue.local.process import free_port
from tests.waiting import until

LOCK = Path(__file__).with_name("supysonic.txt")
PASSWORD = "pässwörd of ada"
_SETUP_SECONDS, _END_SECONDS, _FIRST_PORT = 600, 30, 15722


def environment(folder: Path) -> Path:
    """A virtual environment with the server, from the registry; returns the folder of its programs."""
    uv = [sys.executable, "-m", "uv"]
    for command in (
        [*uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [*uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(folder), "-r", str(LOCK)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SETUP_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "bin"


@dataclass(frozen=True)
class Supysonic:
    """A server with a folder of music."""

    programs: Path
    folder: Path
    music: Path
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> None:
        """Run its command-line tool."""
        done = subprocess.run(
            [str(self.programs / "supysonic-cli"), *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_SETUP_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def scan(self) -> None:
        """Read the folder of music."""
        self.command("folder", "scan", "--foreground")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within it, the server answers."""
        with (self.folder / "log").open("ab") as log:
            server = subprocess.Popen(
                [
                    *(str(self.programs / "supysonic-server"), "-S", "waitress"),
                    *("-h", "127.0.0.1", "-p", str(self.port)),
                ],
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
            )
        try:
            until(lambda: server.poll() is not None or self._answers(), "supysonic")
            assert server.poll() is None, (self.folder / "log").read_text()
            yield
        finally:
            server.terminate()
            server.wait(_END_SECONDS)

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.address}/rest/ping.view", timeout=5):
            return True
        return False

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.folder), "PYTHONPATH": "", "TMPDIR": str(self.folder)}


def made(programs: Path, folder: Path, music: Path) -> Supysonic:
    """A server with the accounts ada and ben that has read a folder of music."""
    folder.mkdir(parents=True)
    (folder / "supysonic.conf").write_text(
        f"[base]\ndatabase_uri = sqlite:///{folder / 'supysonic.db'}\n"
        f"[webapp]\ncache_dir = {folder / 'cache'}\n[daemon]\nsocket = {folder / 'daemon'}\n"
    )
    server = Supysonic(programs, folder, music, free_port(_FIRST_PORT))
    for name in ("ada", "ben"):
        server.command("user", "add", name, "-p", PASSWORD)
    server.command("folder", "add", "music", str(music))
    server.scan()
    return server
