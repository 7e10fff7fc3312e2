"""Real failures of queries: the line that the stream ends with names the cause and the remedy."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pyspark.sql import DataFrame, SparkSession

from segue.places import ROOT
from segue.spark.causes import explain

Work = Callable[[DataFrame, int], None]


def line_of(spark: SparkSession, work: Work, *, checkpoint: Path, rows: DataFrame | None = None) -> str:
    """The line for the error that ends a query."""
    rows = rows or spark.readStream.format("rate").option("rowsPerSecond", 50).load()
    query = rows.writeStream.option("checkpointLocation", str(checkpoint)).foreachBatch(work).start()
    try:
        query.awaitTermination(120)
    except Exception as error:
        return explain(str(error))
    finally:
        query.stop()
    raise AssertionError("the query did not fail")


def raising(error: Exception) -> Work:
    def work(rows: DataFrame, batch: int) -> None:
        raise error

    return work


def on_worker(act: Callable[[], None]) -> Work:
    """A micro-batch that acts in a Python worker."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        act()
        yield from batches

    def work(rows: DataFrame, batch: int) -> None:
        rows.mapInArrow(run, "value long").collect()

    return work


def _fills_the_disk() -> None:
    raise OSError(28, "No space left on device", "/data/block")


def _is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _asks_mongo(rows: DataFrame, batch: int) -> None:
    pymongo.MongoClient("mongodb://127.0.0.1:1", serverSelectionTimeoutMS=200).segue.tastes.find_one()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """As on a full disk, writes of more than `size` bytes into a file fail for this process.

    Python ignores the signal that would end the process.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _writes_much(folder: Path) -> Work:
    def work(rows: DataFrame, batch: int) -> None:
        with file_size_limit(1000), (folder / "large").open("wb") as file:
            file.write(bytes(10_000))

    return work


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (raising(OSError(28, "No space left on device", "/data")), "a disk is full (OSError: [Errno 28]"),
        (on_worker(_fills_the_disk), "a disk is full (OSError: [Errno 28] No space left"),
        (on_worker(_is_killed), "a Python worker was killed"),
        (_asks_mongo, "MongoDB does not answer (ServerSelectionTimeoutError: 127.0.0.1:1"),
        (raising(PermissionError(13, "Permission denied", "/data/x")), "a file or folder may not be"),
        (raising(OSError(24, "Too many open files")), "the process may not open more files"),
        (raising(ValueError("no such variant")), "ValueError: no such variant"),
        (raising(KeyError("windows")), "KeyError: 'windows'"),
    ],
)
def test_a_failure_in_python_is_named(spark: SparkSession, tmp_path: Path, work: Work, expected: str) -> None:
    line = line_of(spark, work, checkpoint=tmp_path / "checkpoint")
    assert line.startswith(expected)
    assert "\n" not in line and "Traceback" not in line and "Proxy" not in line


def test_a_write_that_does_not_fit_is_a_full_disk(spark: SparkSession, tmp_path: Path) -> None:
    assert line_of(spark, _writes_much(tmp_path), checkpoint=tmp_path / "c").startswith("a disk is full")


@pytest.mark.parametrize("folder", ["offsets", "commits"])
def test_a_damaged_checkpoint_names_the_command_that_repairs_it(
    spark: SparkSession, tmp_path: Path, folder: str
) -> None:
    checkpoint = tmp_path / "checkpoint"

    def fails_at_last(rows: DataFrame, batch: int) -> None:
        if batch == 2:
            raise ValueError("the third")

    line_of(spark, fails_at_last, checkpoint=checkpoint)
    newest = max((checkpoint / folder).glob("[0-9]*"), key=lambda path: int(path.name))
    newest.write_bytes(b"")
    for checksum in (checkpoint / folder).glob(".*.crc"):
        checksum.unlink()
    line = line_of(spark, raising(AssertionError("not reached")), checkpoint=checkpoint)
    assert line.startswith("the checkpoint is damaged (") and "./run.sh stream repair" in line


def test_brokers_that_are_away_are_named(spark: SparkSession, tmp_path: Path) -> None:
    rows = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", "127.0.0.1:1")
        .option("subscribe", "plays")
        .option("kafka.request.timeout.ms", 500)
        .option("kafka.default.api.timeout.ms", 500)
        .option("fetchOffset.numRetries", 1)
        .load()
    )
    line = line_of(spark, raising(AssertionError("not reached")), checkpoint=tmp_path / "c", rows=rows)
    assert line.startswith("Kafka does not answer (TimeoutException: ")


def test_a_folder_that_cannot_be_made_is_named(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    rows = spark.readStream.format("rate").load()
    writer = rows.writeStream.option("checkpointLocation", str(tmp_path / "file" / "c"))
    with pytest.raises(Exception) as caught:
        writer.foreachBatch(raising(AssertionError("not reached"))).start()
    line = explain(str(caught.value))
    assert "cannot be made" in line and "file" in line and "spark.checkpoint_location" in line


_KILLS_ITS_JAVA = """\
import os, signal
from segue.errors import one_line_errors
from segue.settings import load_settings
from segue.spark.causes import explained
from segue.spark.session import session

with one_line_errors(), explained():
    spark = session(load_settings(), app="killed", spark__ui__enabled="false", spark__ui__port="0")
    os.kill(spark._jvm.java.lang.ProcessHandle.current().pid(), signal.SIGKILL)
    try:
        spark.range(1).count()
    finally:
        spark.stop()
"""


def test_a_killed_java_process_is_named() -> None:
    command = [sys.executable, "-c", _KILLS_ITS_JAVA]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("segue: ")]
    assert line.startswith("segue: Spark's Java process has ended")


def test_an_error_without_text_is_said_to_have_none() -> None:
    assert explain("") == "it ended without a reason"
