"""The limit of open files, and workers whose parent is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.waiting import until

LIMIT = """
import resource
from segue.processes import raise_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 2048))
raise_file_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
POOL = """
import sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from segue.processes import attach_to_parent

if __name__ == "__main__":
    context = get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context, initializer=attach_to_parent) as pool:
        work = [pool.submit(time.sleep, n) for n in (0, 0, 600, 600)]
        work[0].result(), work[1].result()
        print("works", flush=True)
        work[2].result()
"""


def test_the_soft_limit_of_open_files_becomes_the_hard_one() -> None:
    done = subprocess.run([sys.executable, "-c", LIMIT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2048", "2048"]


@pytest.fixture(params=["spawn", "forkserver"])
def working(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[psutil.Process]:
    """A process with a pool that works."""
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    with subprocess.Popen(
        [sys.executable, str(script), request.param], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout and parent.stdout.readline() == "works\n"
        process = psutil.Process(parent.pid)
        yield process
        with suppress(psutil.NoSuchProcess):
            process.kill()


def test_workers_end_when_their_parent_is_killed(working: psutil.Process) -> None:
    workers = working.children(recursive=True)
    assert len(workers) >= 2
    working.kill()
    until(
        lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers), "all end"
    )
