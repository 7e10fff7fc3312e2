"""A full disk below the checkpoint ends the stream with one line, and costs no play."""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from pymongo.database import Database

from segue.places import ROOT
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka import read_rejected
from segue.storage.mongo import Document
from tests.plays.examples import encoded
from tests.streaming.conftest import track_id
from tests.waiting import PATIENCE, until

_RUN = """
import pickle, sys
from segue import logs
from segue.spark.causes import explained
from segue.streaming_jobs.cli import run
with logs.service("text", level="INFO"), explained():
    run(pickle.loads(bytes.fromhex(sys.argv[1])))
"""

pytestmark = pytest.mark.xdist_group("servers that are killed")


@contextmanager
def mounted(folder: Path) -> Iterator[str]:
    """A disk of 16 MB at a new folder, which only root can mount; gives the fault, or an empty text."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        yield done.stderr.strip()
        return
    try:
        yield ""
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """The disk is full."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.strerror == "No space left on device"
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def no_file_grows(process: psutil.Process) -> Iterator[None]:
    """A process and its children can write no more, as on a full disk: where no disk can be mounted."""
    for one in (process, *process.children(recursive=True)):
        _, hard = one.rlimit(resource.RLIMIT_FSIZE)
        one.rlimit(resource.RLIMIT_FSIZE, (0, hard))
    yield


class Stream:
    """The stream as a process. Its standard error is a pipe, which a full disk does not concern."""

    def __init__(self, settings: Settings) -> None:
        self.process = psutil.Popen(
            [sys.executable, "-c", _RUN, pickle.dumps(settings).hex()],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> str:
        """Wait for its end, and return the line that names the cause."""
        log: str = self.process.communicate(timeout=PATIENCE)[1]
        assert self.process.returncode == 1, log
        assert "Traceback" not in log, log
        *_, line = log.splitlines()
        assert " CRITICAL " in line, log
        return line

    def stop(self) -> None:
        """End the process and its children."""
        for one in (*self.process.children(recursive=True), self.process):
            one.kill()
        self.process.communicate()


@contextmanager
def running(settings: Settings) -> Iterator[Stream]:
    stream = Stream(settings)
    try:
        yield stream
    finally:
        if stream.process.poll() is None:
            stream.stop()


def send(settings: Settings, user: str) -> None:
    now = time.time_ns() // 1_000_000
    with PlayProducer(settings.kafka) as producer:
        for number in range(20):
            value = encoded(user_id=user, track_id=track_id(number), occurred_at=now)
            producer.send_bytes(value, key=user.encode())
        producer.send_bytes(b"{", key=user.encode())
        producer.flush()


def on(disk: Path, settings: Settings) -> Settings:
    """The settings of a stream with its checkpoint on a disk."""
    spark = settings.spark.model_copy(update={"checkpoint_location": str(disk / "checkpoint"), "ui_port": 0})
    stream = settings.stream.model_copy(update={"metrics_port": 0})
    return settings.model_copy(update={"spark": spark, "stream": stream})


def test_a_start_on_a_full_disk_ends_with_one_line(published: Settings, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk) as fault:
        if fault:
            pytest.skip(f"no disk can be mounted here: {fault}")
        with full(disk), running(on(disk, published)) as job:
            line = job.end()
        assert "a disk is full (" in line and "free space on the disks of the checkpoint" in line


def test_a_full_disk_ends_the_stream_with_one_line_and_costs_no_play(
    published: Settings,
    database: Database[Document],
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"

    def counted() -> dict[str, int]:
        return {
            one["user_id"]: sum(row["completions"] for row in one["rows"])
            for one in database.listening.find()
        }

    with mounted(disk) as fault:
        settings = on(disk, published)
        with running(settings) as job:
            send(settings, "ada")
            until(lambda: counted() == {"ada": 20}, "the first plays")
            with no_file_grows(job.process) if fault else full(disk):
                send(settings, "ben")
                line = job.end()
                assert "the query 'recommend' failed: a disk is full (" in line
                assert "free space on the disks of the checkpoint" in line
        with running(settings):
            send(settings, "cleo")
            everyone = dict.fromkeys(("ada", "ben", "cleo"), 20)
            until(lambda: counted() == everyone, "the plays from before, during and after")
            until(lambda: database.recommendations.count_documents({}) == 3, "their recommendations")
            until(lambda: sum(1 for _ in read_rejected(settings.kafka)) == 3, "the rejected records")
