"""The state of a million listeners in the heap and in RocksDB: sizes, traffic, time of a batch and restart.

The query `recommend` reads plays from files in place of Kafka and writes nothing, so that all time and
all bytes are those of its state. Each phase is a process: first the plays of all listeners, then small
batches by listeners who are already in the state, then a restart with one more.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from rich.console import Console

from segue.benchmarks.bars import track
from segue.benchmarks.catalogue import FMA, track_id
from segue.benchmarks.service import FOLDER
from segue.errors import SegueError
from segue.places import ROOT
from segue.settings import load_settings
from segue.spark.session import session
from segue.spark.state_store import choose_state_store
from segue.streaming_jobs import recommend

STORES = ("heap", "rocksdb")
PLAYS = 1
"""Plays of each listener in the state."""
FILLS = 10
"""Micro-batches among which the first plays of all listeners are divided."""
SMALL = 1000
"""Plays in each of the small batches that follow."""
SECONDS_BETWEEN = 3
MEMORY = "4 GiB"
_SCHEMA = "value binary, key binary, topic string, partition int, offset bigint, timestamp timestamp"
Figures = dict[str, float | bool]


def measure(*, quick: bool, console: Console, listeners: int | None = None) -> Figures:
    """Sizes, bytes written for each batch, and seconds, by state store."""
    count = listeners or (100_000 if quick else 1_000_000)
    batches = 20 if quick else 40
    place = FOLDER / f"state-{uuid.uuid4().hex[:8]}"
    figures: Figures = {"state_listeners": count, "state_plays": PLAYS * count, "small_batch_plays": SMALL}
    try:
        _write_plays(place / "plays", count, batches)
        for store in STORES:
            for phase in ("fill", "small", "restart"):
                console.print(f"{store}: {phase}")
                measured = _phase(phase, store, place, batches)
                figures |= {f"{key}_{store}": value for key, value in measured.items()}
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return figures


def _write_plays(folder: Path, listeners: int, batches: int) -> None:
    """A file for each micro-batch, in folders by phase."""
    rng = np.random.default_rng(9)
    each = -(-listeners // FILLS)
    for number in track(range(FILLS), description="Plays of all listeners"):
        own = np.arange(number * each, min((number + 1) * each, listeners))
        _write_file(folder / "fill" / f"{number:03}.parquet", np.repeat(own, PLAYS), rng)
    for number in range(batches):
        _write_file(folder / "small" / f"{number:03}.parquet", rng.integers(listeners, size=SMALL), rng)
    _write_file(folder / "restart" / "000.parquet", rng.integers(listeners, size=SMALL), rng)


def _write_file(file: Path, listeners: np.ndarray, rng: np.random.Generator) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    at = round(now.timestamp() * 1000)
    tracks = (rng.zipf(1.3, size=len(listeners)) * 7919 + listeners * 31) % FMA
    ids = rng.bytes(16 * len(listeners))
    values = [
        f'{{"event_id":"{uuid.UUID(bytes=ids[16 * place : 16 * place + 16])}",'
        f'"user_id":"listener-{listener}","track_id":"{track_id(number)}","type":"complete",'
        f'"ms_played":200000,"position_ms":200000,"duration_ms":200000,"occurred_at":{at},'
        f'"session_id":"bench","source":"home"}}'.encode()
        for place, (listener, number) in enumerate(zip(listeners.tolist(), tracks.tolist(), strict=True))
    ]
    rows = len(values)
    pq.write_table(
        pa.table(
            {
                "value": values,
                "key": [f"listener-{listener}".encode() for listener in listeners.tolist()],
                "topic": ["plays"] * rows,
                "partition": pa.array([0] * rows, pa.int32()),
                "offset": pa.array(range(rows), pa.int64()),
                "timestamp": pa.array([now] * rows, pa.timestamp("us", tz="UTC")),
            }
        ),
        file,
    )


def _phase(phase: str, store: str, place: Path, batches: int) -> Figures:
    """Run a phase as a process; returns its figures."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "SEGUE_SPARK__CHECKPOINT_LOCATION": str(place / store),
        "SEGUE_SPARK__STATE_STORE": store,
        "SEGUE_SPARK__DRIVER_MEMORY": MEMORY,
        "SEGUE_SPARK__UI_PORT": "0",
    }
    command = [sys.executable, "-m", "segue.benchmarks.state", phase, str(place), str(batches)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SegueError(f"the phase {phase} with {store} failed: {done.stderr[-2000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def main(phase: str, place: Path, batches: int) -> None:
    """The work of a phase: process its files, one in each micro-batch, and print the figures as JSON."""
    settings = load_settings()
    # The values for small batches would slow down the large ones that fill the state.
    spark = session(settings, app="bench state", tuned=phase != "fill")
    choose_state_store(spark, settings.spark, listeners=0)
    checkpoint = Path(settings.spark.checkpoint_location)
    before = _files(checkpoint)
    files = sorted((place / "plays" / phase).iterdir())
    source = place / f"source-{checkpoint.name}"
    source.mkdir(exist_ok=True)
    query = None
    took: list[float] = []
    seen = dict(before)
    for file in files:
        began = time.perf_counter()
        # A file appears complete, with a name that no former phase has used.
        (source / f"{phase}-{file.name}").hardlink_to(file)
        if query is None:
            query = _start(spark, source)
        query.processAllAvailable()
        took.append(time.perf_counter() - began)
        seen |= _files(checkpoint)
        if phase == "small":
            time.sleep(max(0.0, SECONDS_BETWEEN - took[-1]))
    assert query is not None
    progress = query.lastProgress
    seen |= _files(checkpoint)
    written = sum(seen.values()) - sum(before.values())
    assert progress is not None
    state = progress["stateOperators"][0]
    jvm = [child for child in psutil.Process().children(recursive=True) if child.name() == "java"]
    figures: dict[str, dict[str, float]] = {
        "fill": {"fill_s": sum(took), "state_memory_mb": state["memoryUsedBytes"] / 1e6},
        "small": {
            "written_mb_per_batch": written / len(files) / 1e6,
            "batch_ms": float(np.median(took[len(took) // 4 :])) * 1000,
            "slowest_batch_ms": max(took[len(took) // 4 :]) * 1000,
            "state_rows": state["numRowsTotal"],
            "jvm_mb": max(child.memory_info().rss for child in jvm) / 1e6,
            "checkpoint_mb": sum(_files(checkpoint).values()) / 1e6,
        },
        "restart": {"restart_s": took[0]},
    }
    query.stop()
    spark.stop()
    print(json.dumps(figures[phase]))


def _start(spark: SparkSession, source: Path) -> Any:
    settings = load_settings()
    records = spark.readStream.schema(_SCHEMA).option("maxFilesPerTrigger", 1).parquet(source.as_uri())
    return (
        recommend.transform(records, settings=settings)
        .writeStream.outputMode("update")
        .option("checkpointLocation", f"{settings.spark.checkpoint_location}/{recommend.NAME}")
        .format("noop")
        .start()
    )


def _files(folder: Path) -> dict[tuple[str, float], int]:
    """The files of a checkpoint with their sizes, by path and time of the last change."""
    found = {}
    for file in folder.rglob("*"):
        try:
            if file.is_file():
                status = file.stat()
                found[str(file), status.st_mtime] = status.st_size
        except FileNotFoundError:  # removed by Spark meanwhile
            continue
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
