"""Seeded music: clusters of vectors as embeddings have them, and the arrays of a bundle around them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pymongo.database import Database

from segue.index.annoy_index import AnnoyBackend
from segue.index.backend import Backend
from segue.index.backends import BACKENDS
from segue.index.bundle import Contents, Manifest, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.settings import AnnoySettings, load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store

OTHER_THAN_DEFAULT = {"annoy": {"search_k": -1}}
"""By backend: settings that differ in tests from those of conf/default.toml."""


def clustered(count: int, dimension: int, *, clusters: int = 40, seed: int = 1) -> np.ndarray:
    """(count, dimension) float32 unit rows around random centres, as wide as the centres lie apart."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, dimension))
    rows = centres[rng.integers(clusters, size=count)] + rng.normal(size=(count, dimension))
    units: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return units.astype(np.float32)


def annoy(*, trees: int = 10, search_k: int = -1) -> AnnoyBackend:
    return AnnoyBackend(AnnoySettings(n_trees=trees, search_k=search_k))


def backend_named(name: str, **settings: int) -> Backend[Any]:
    """A registered backend with its default settings, but for those given by their stored names."""
    backend = BACKENDS[name]
    default = getattr(load_settings().index, name).stored()
    return backend(backend.settings_type.from_stored(default | OTHER_THAN_DEFAULT.get(name, {}) | settings))


ANNOY = annoy(trees=50)


def columns(count: int = 60, dimension: int = 8, *, seed: int = 1) -> dict[str, Any]:
    """The required columns of a small bundle: tracks t00000, t00001..., three of each artist."""
    return {
        "vectors": clustered(count, dimension, seed=seed),
        "track_ids": encode_ids([f"t{row:05d}" for row in range(count)]),
        "artists": (np.arange(count) // 3).astype(np.int32),
        "cold_start": np.arange(0, count, 7, dtype=np.int32),
    }


def write(
    folder: Path,
    *,
    seed: int = 1,
    space: str = "space1",
    backend: Backend[Any] | None = None,
    recall_queries: int = 500,
    created_at: datetime | None = None,
    **changed: Any,
) -> Manifest:
    """Write a small bundle by Annoy, or another backend; `changed` are columns in place of those above."""
    return write_bundle(
        folder,
        Contents(**{**columns(seed=seed), **changed}),
        space=space,
        backend=backend or annoy(),
        recall_queries=recall_queries,
        created_at=created_at,
    )


def published(
    database: Database[Document], folder: Path, *, seed: int = 1, day: int = 1, **settings: Any
) -> str:
    """Write a small bundle, dated that day, and publish it; its version."""
    manifest = write(folder, seed=seed, created_at=datetime(2024, 5, day, tzinfo=UTC), **settings)
    return PublishedBundles(Store(database)).publish(folder / manifest.version).version


def stored_files(database: Database[Document]) -> list[str]:
    """The files of all bundles in MongoDB."""
    return sorted(document["filename"] for document in database["bundles.files"].find())
