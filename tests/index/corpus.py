"""Seeded music: clusters of vectors as embeddings have them, and the arrays of a bundle around them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pymongo.database import Database

from segue.index.bundle import Manifest, write_bundle
from segue.index.publish import publish
from segue.index.track_ids import encode_ids
from segue.storage.mongo import Document


def clustered(count: int, dimension: int, *, clusters: int = 40, seed: int = 1) -> np.ndarray:
    """(count, dimension) float32 unit rows around random centres, as wide as the centres lie apart."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, dimension))
    rows = centres[rng.integers(clusters, size=count)] + rng.normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def contents(count: int = 60, dimension: int = 8, *, seed: int = 1) -> dict[str, np.ndarray]:
    """The arrays of a small bundle: tracks t00000, t00001..., three of each artist."""
    return {
        "vectors": clustered(count, dimension, seed=seed),
        "track_ids": encode_ids([f"t{row:05d}" for row in range(count)]),
        "artists": (np.arange(count) // 3).astype(np.int32),
        "cold_start": np.arange(0, count, 7, dtype=np.int32),
    }


def write(folder: Path, *, seed: int = 1, **settings: Any) -> Manifest:
    """Write a small bundle; `settings` are for `write_bundle`, or arrays in place of those of `contents`."""
    return write_bundle(folder, **{"space": "space1", "trees": 10, **contents(seed=seed), **settings})


def published(
    database: Database[Document], folder: Path, *, seed: int = 1, day: int = 1, **settings: Any
) -> str:
    """Write a small bundle, dated that day, and publish it; its version."""
    manifest = write(folder, seed=seed, created_at=datetime(2024, 5, day, tzinfo=UTC), **settings)
    return publish(database, folder / manifest.version).version


def stored_files(database: Database[Document]) -> list[str]:
    """The files of all bundles in MongoDB."""
    return sorted(document["filename"] for document in database["bundles.files"].find())
