"""The state store of a new checkpoint: in the JVM's heap, or RocksDB with its changelog.

The heap is faster for a small state. With a large state, the heap holds it all, collects its garbage, and
writes it completely to the checkpoint about every ten batches. RocksDB keeps it outside of the heap, partly
on disk, and writes changes only (decision 0140; `bench state` measures both).

Spark notes the store in the checkpoint and uses it again, regardless of these values.
"""

from __future__ import annotations

import logging

from pyspark.sql import SparkSession

from segue.settings import SparkSettings

log = logging.getLogger(__name__)

PROVIDER = "spark.sql.streaming.stateStore.providerClass"
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
CHANGELOG = "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled"
MANY_LISTENERS = 100_000
"""The number of listeners from which `auto` chooses RocksDB. By the assumptions of the capacity page, their
state takes about half a gigabyte as Spark counts it, a quarter of the driver's default memory."""


def uses_rocksdb(settings: SparkSettings, *, listeners: int) -> bool:
    """Whether a new checkpoint gets RocksDB, for a number of listeners with a taste."""
    if settings.state_store == "auto":
        return listeners >= MANY_LISTENERS
    return settings.state_store == "rocksdb"


def choose_state_store(spark: SparkSession, settings: SparkSettings, *, listeners: int) -> None:
    """Set the state store for queries that start with a new checkpoint, unless the user has set one."""
    given = spark.sparkContext.getConf()
    # Spark does not note this in the checkpoint, so a checkpoint in RocksDB needs it at each start.
    if not given.contains(CHANGELOG):
        spark.conf.set(CHANGELOG, "true")
    if given.contains(PROVIDER):
        return
    if uses_rocksdb(settings, listeners=listeners):
        log.info("a new checkpoint keeps its state in RocksDB (listeners with a taste: %s)", f"{listeners:,}")
        spark.conf.set(PROVIDER, ROCKSDB)
