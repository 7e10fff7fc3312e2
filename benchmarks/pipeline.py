"""Time and memory of each job from descriptors to a published bundle.

The descriptors are synthetic: a projection of the clustered vectors of benchmarks/catalogue.py to as many
correlated numbers of different scales as the audio code has. `bench features` measures decoding and
describing.
"""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

import numpy as np
from rich.console import Console

from segue.audio.descriptors import descriptor_names, features_version, names_version
from segue.batch_jobs import build_index, train_embeddings
from segue.benchmarks.catalogue import FMA, composed_track, track_id, vectors
from segue.benchmarks.usage import Usage, used
from segue.catalog.features import Features
from segue.catalog.stamp import Stamp
from segue.catalog.tracks import Tracks
from segue.index.published import PublishedBundles
from segue.local.stack import connected
from segue.places import LOCAL
from segue.settings import Settings, load_settings
from segue.storage.mongo import connect, pack
from segue.storage.store import Store

CORES = 2
NOISE = 0.05
"""The noise of a synthetic descriptor, as a share of its spread."""
PER_WRITE = 5000


def measure(*, quick: bool, console: Console, tracks: int | None = None) -> dict[str, float | bool]:
    """Seconds, processor seconds and peak memory of each step, and the recall of the published bundle."""
    count = tracks or (10_000 if quick else FMA)
    base = connected(load_settings(), kafka=False)
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        settings = base.model_copy(
            update={
                "mongo": base.mongo.model_copy(update={"database": f"bench_{uuid.uuid4().hex[:8]}"}),
                "spark": base.spark.model_copy(update={"master": f"local[{CORES},4]", "ui_port": 4050}),
                "index": base.index.model_copy(update={"folder": folder}),
            }
        )
        database = connect(settings.mongo)
        other = database.client[f"{database.name}_other"]
        steps: dict[str, Usage] = {}
        try:
            with used() as steps["fill"]:
                fill(Store(database), count, settings)
            console.print(f"{count:,} tracks are in MongoDB")
            with used() as steps["embeddings"]:
                space = train_embeddings.run(settings, Store(database))
            console.print(f"embedded in {steps['embeddings'].seconds:.1f} s")
            with used() as steps["index"]:
                built = build_index.run(Store(database), settings.index)
            with used() as steps["publish"]:  # a part of the previous step, here alone with an empty database
                PublishedBundles(Store(other)).publish(Path(folder) / built.manifest.version)
        finally:
            database.client.drop_database(database.name)
            database.client.drop_database(other.name)
    jobs = steps["embeddings"], steps["index"]
    return {
        "tracks": built.manifest.count,
        "dimension": space.dimension,
        "total_s": sum(step.seconds for step in jobs),
        "total_cpu_s": sum(step.cpu_s for step in jobs),
        "peak_mb": max(step.peak_mb for step in jobs),
        **{f"{name}_s": step.seconds for name, step in steps.items()},
        **{f"{name}_cpu_s": step.cpu_s for name, step in steps.items()},
        **{f"{name}_peak_mb": step.peak_mb for name, step in steps.items()},
        "build_s": built.manifest.build_s,
        "bundle_mb": sum(file.size for file in built.manifest.files.values()) / 1e6,
        "recall20": built.manifest.recall20,
    }


def _folder() -> Path:
    folder = LOCAL / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def descriptors(count: int, *, width: int, seed: int = 5) -> np.ndarray:
    """Descriptors of shape (count, width), float32: tracks in clusters, columns of different scales."""
    rng = np.random.default_rng(seed)
    latent = vectors(count)
    mixing = rng.standard_normal((latent.shape[1], width)).astype(np.float32)
    rows = latent @ mixing
    rows += NOISE * rng.standard_normal(rows.shape, dtype=np.float32)
    return rows * np.logspace(-2, 3, width, dtype=np.float32)


def fill(store: Store, count: int, settings: Settings) -> None:
    """Write tracks and features, as the preceding jobs do."""
    tracks, features = Tracks(store), Features(store)
    stamp = Stamp(features_version(settings.audio), size=1, modified_ns=1)
    rows = descriptors(count, width=len(descriptor_names(settings.audio)))
    for start in range(0, count, PER_WRITE):
        numbers = range(start, min(count, start + PER_WRITE))
        tracks.write(composed_track(n, artist=f"artist {n % max(1, count // 8)}") for n in numbers)
        features.write(
            ((track_id(n), pack(rows[n]), stamp) for n in numbers),
            names_version=names_version(settings.audio),
        )
