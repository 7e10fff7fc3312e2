"""A published index of made-up tracks, and a way to run the streaming queries over the records of a topic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import recommend, rejected_plays
from tests.index.corpus import ANNOY
from tests.streaming.rests import Rests

TRACKS = 60
STYLES = 6


def track_id(number: int) -> str:
    return f"t{number:03d}"


def made_up_vectors() -> np.ndarray:
    """(TRACKS, 8) unit rows; track n is of style n % STYLES."""
    rng = np.random.default_rng(5)
    vectors = np.eye(8)[np.arange(TRACKS) % STYLES] + rng.normal(0, 0.1, (TRACKS, 8))
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32)


def publish_made_up(database: Database[Document], folder: Path | str) -> None:
    """Build and publish an index of the made-up tracks: two of each artist, no model of plays."""
    manifest = write_bundle(
        folder,
        Contents(
            vectors=made_up_vectors(),
            track_ids=encode_ids([track_id(n) for n in range(TRACKS)]),
            artists=np.arange(TRACKS, dtype=np.int32) // 2,
            cold_start=np.arange(0, TRACKS, 7, dtype=np.int32),
        ),
        space="s1",
        backend=ANNOY,
    )
    PublishedBundles(Store(database)).publish(Path(folder) / manifest.version)


@pytest.fixture
def published(broker: Settings, database: Database[Document]) -> Settings:
    """The settings of a service with an index, ready to stream."""
    publish_made_up(database, broker.index.folder)
    return broker


def run_until_all_is_taken(
    spark: SparkSession, settings: Settings, jobs: Sequence[ModuleType] = (recommend, rejected_plays)
) -> None:
    """Run the jobs' queries until everything in the topic has been taken, then stop them.

    They do not rest after a long micro-batch: on a busy machine, the rests would take most of the time.
    """
    queries = [job.start(spark, settings, gate=Rests()) for job in jobs]
    try:
        for query in queries:
            query.processAllAvailable()
    finally:
        for query in queries:
            query.stop()


Drain = Callable[[], None]


@pytest.fixture
def drain(spark: SparkSession, published: Settings) -> Drain:
    """:func:`run_until_all_is_taken` with the settings of the service."""
    return lambda: run_until_all_is_taken(spark, published)
