"""A shell in a folder that stands in for a fresh checkout, and the comparison of its output with a page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from segue.local.spark_pages import ensure_filter
from segue.places import LOCAL, ROOT
from tests.docs.blocks import Block, steps

_LINKED = ("venv", "jars", "spark-pages", "java", "java-home")
"""Parts of `.local` that are set up once."""
_LEFT_OUT = (".local", ".git", "site", "dist", "__pycache__", ".*_cache", ".hypothesis")
"""Parts of the checkout that its copy does without."""
_COMMIT = (
    "git init -q && git add -A && git -c user.name=reader -c user.email=reader@localhost commit -qm checkout"
)
PATIENCE = 1500.0
"""Seconds for one command, against a hang."""


def matches(expected: str, output: str) -> bool:
    """Whether output is as a page shows it; `...` is any text or none, and runs of white space are equal."""
    text = " ".join(output.split())
    first, *others = (" ".join(part.split()) for part in expected.split("..."))
    if not others:
        return text == first
    *between, last = others
    if not text.startswith(first):
        return False
    at = len(first)
    for part in between:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return text.endswith(last) and len(text) - len(last) >= at


class Shell:
    """A bash that keeps its variables and background jobs between blocks.

    The folder has a copy of the project, which a tutorial may change and which git knows, and a `.local` of
    its own, in which only packages, Java and jars are shared. `./run.sh` there sets nothing up.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._prepare()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
        environment |= {
            "SEGUE_HOME": str(folder / ".local"),
            "PYTHONPATH": str(folder),
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "COLUMNS": "200",
        }
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._count = 0

    def _prepare(self) -> None:
        left_out = shutil.ignore_patterns(*_LEFT_OUT)
        shutil.copytree(ROOT, self.folder, symlinks=True, ignore=left_out, dirs_exist_ok=True)
        local = self.folder / ".local"
        local.mkdir(parents=True, exist_ok=True)
        ensure_filter()
        for name in _LINKED:
            if (LOCAL / name).exists():
                (local / name).symlink_to((LOCAL / name).resolve())
        script = self.folder / "run.sh"
        script.write_text(
            "#!/bin/bash\n"
            f'if [ "$1" = deploy ]; then shift; exec {self.folder}/deploy/deploy.sh "$@"; fi\n'
            f'exec {sys.executable} -P -m segue "$@"\n'
        )
        script.chmod(0o755)
        subprocess.run(["bash", "-c", _COMMIT], cwd=self.folder, check=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._bash.poll() is None:
                self.run("./run.sh down")
        finally:
            members = [
                process for process in psutil.process_iter() if _session(process.pid) == self._bash.pid
            ]
            for process in members:
                process.kill()
            assert self._bash.stdin is not None
            self._bash.stdin.close()
            self._bash.wait()

    @contextmanager
    def variables_of_their_own(self) -> Iterator[None]:
        """Leave the variables of the shell unchanged; files and servers stay."""
        self._send("bash --norc")
        try:
            yield
        finally:
            self._send("exit")

    def run_block(self, block: Block) -> None:
        """Run a block and compare its output with that on the page.

        Raises
        ------
        AssertionError
            A command failed, or its output differs.
        """
        if block.language == "sh":
            self._succeed(block.text, block)
        elif block.language == "python":
            file = self.folder / f"example-{block.line}.py"
            file.write_text(block.text)
            self._succeed(f"{sys.executable} -P {file}", block)
        elif block.comment("background") is not None:
            (step,) = steps(block)
            output = self.start(step.command)
            self._wait_for(step.expected, output, block)
        else:
            for step in steps(block):
                output_text = self._succeed(step.command, block)
                if step.expected:
                    different = f"the page shows:\n{step.expected}\nreal:\n{output_text}"
                    assert matches(step.expected, output_text), (
                        f"{block.place}: $ {step.command}\n{different}"
                    )

    def _succeed(self, script: str, block: Block) -> str:
        status, output = self.run(script)
        assert status == 0, f"{block.place}: {script}\nstatus {status}\n{output}"
        return output

    def run(self, script: str) -> tuple[int, str]:
        """Run a script in the shell; its exit status and its output."""
        self._count += 1
        file = self.folder / ".local" / f"block-{self._count}"
        file.write_text(f"{script}\n")
        output, done = file.with_suffix(".output"), file.with_suffix(".status")
        self._send(f". {file} >{output} 2>&1; echo $? >{done}.new; mv {done}.new {done}")
        limit = time.monotonic() + PATIENCE
        while not done.exists():
            assert self._bash.poll() is None, f"the shell has ended: {output.read_text()}"
            assert time.monotonic() < limit, f"not done: {script}\n{output.read_text()}"
            time.sleep(0.1)
        return int(done.read_text()), output.read_text()

    def start(self, command: str) -> Path:
        """Start a command in the background; the file that gets its output."""
        self._count += 1
        output = self.folder / ".local" / f"background-{self._count}.output"
        output.touch()
        self._send(f"{command} >{output} 2>&1 &")
        return output

    def _wait_for(self, expected: str, output: Path, block: Block) -> None:
        limit = time.monotonic() + PATIENCE
        while not matches(expected, output.read_text()):
            assert time.monotonic() < limit, (
                f"{block.place}: the page shows:\n{expected}\nreal:\n{output.read_text()}"
            )
            time.sleep(1)

    def _send(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{line}\n")
        self._bash.stdin.flush()


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
