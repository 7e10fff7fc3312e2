"""A producer that floods topics with malformed records: a process that takes orders from standard input.

It writes through Spark's Kafka sink, since kafka-python cannot send fast enough. An order is a line with a
topic, a number of records and a rate a second; the answer is a line with the seconds that it took.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from segue.places import ROOT
from segue.settings import Settings, load_settings
from segue.spark.session import session, sink_options

RECORD_BYTES = 1024
_EVERY = 0.5
"""Seconds between two writes."""


def main() -> None:
    settings = load_settings()
    spark = session(settings, app="bench flood", spark__ui__enabled="false")
    spark.sparkContext.setLogLevel("ERROR")
    print("ready", flush=True)
    for line in sys.stdin:
        topic, count, rate = line.split()
        began = time.monotonic()
        _flood(spark, settings, topic, count=int(count), rate=float(rate))
        print(time.monotonic() - began, flush=True)
    spark.stop()


def _flood(spark: SparkSession, settings: Settings, topic: str, *, count: int, rate: float) -> None:
    """Records of four kinds: text, a truncated object, an object without the fields of a play, no UTF-8."""
    number = F.col("id").cast("string")
    kinds = (
        F.concat(F.lit("no JSON "), number),
        F.concat(F.lit('{"event_id": "'), number),
        F.concat(
            F.lit('{"event": '), number, F.lit(', "junk": "'), F.repeat(F.lit("x"), F.lit(980)), F.lit('"}')
        ),
        F.concat(F.lit(b"\xff\xfe"), number.cast("binary")),
    )
    value = F.element_at(
        F.array(*(F.rpad(kind.cast("binary"), RECORD_BYTES, F.lit(b" ")) for kind in kinds)),
        (F.col("id") % len(kinds) + 1).cast("int"),
    )
    began = time.monotonic()
    for start in range(0, count, step := max(1, int(rate * _EVERY))):
        time.sleep(max(0.0, began + start / rate - time.monotonic()))
        rows = spark.range(start, min(count, start + step), numPartitions=1).select(value.alias("value"))
        writer = rows.write.format("kafka").options(**sink_options(settings.kafka, largest=2**20))
        writer.option("topic", topic).save()


class Flooder:
    """The process, as its starter sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, topic: str, *, count: int, rate: float) -> None:
        """Order a flood, which begins at once."""
        assert self._process.stdin
        self._process.stdin.write(f"{topic} {count} {rate}\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        """Wait for the end of the flood: the seconds that it took."""
        assert self._process.stdout
        return self._process.stdout.readline().strip()


@contextmanager
def flooder(settings: Settings) -> Iterator[Flooder]:
    """Start the process, and end it after the block."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "SEGUE_SPARK__MASTER": "local[1]",
        "SEGUE_SPARK__DRIVER_MEMORY": "512 MiB",
        "SEGUE_SPARK__UI_PORT": "0",
        "SEGUE_SPARK__CHECKPOINT_LOCATION": settings.spark.checkpoint_location,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "segue.benchmarks.flooding"],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    flooder = Flooder(process)
    try:
        while flooder.answer() not in ("ready", ""):
            pass
        yield flooder
    finally:
        process.communicate()


if __name__ == "__main__":
    main()
