"""A library to listen to: three styles in five formats, with vectors in which a style is a direction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pymongo.database import Database

from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import melody, write
from tests.index.corpus import ANNOY

STYLES = ("Waltz", "House", "Metal")
EACH = 8
SECONDS = 50.0
"""So long that a busy machine does not come to the end before a test does; tests of an end seek it."""
ON_ALBUM = range(4)
"""The songs of Waltz that tests put on an album of two discs."""
FORMATS = (".wav", ".mp3", ".ogg", ".flac", ".m4a")


def title(style: str, number: int) -> str:
    return f"{style} {number}"


def track_id(style: str, number: int) -> str:
    return f"{style.lower()}{number}"


def make_files(folder: Path) -> dict[str, Path]:
    """Write each track's file, its format by its number; by track id. One melody is in all of them."""
    sound = melody(seconds=SECONDS)
    written = [write(folder / f"melody{ending}", sound) for ending in FORMATS]
    files = {}
    for own_id, number in ((track_id(style, n), n) for style in STYLES for n in range(EACH)):
        of_format = written[number % len(FORMATS)]
        files[own_id] = folder / f"{own_id}{of_format.suffix}"
        files[own_id].hardlink_to(of_format)
    return files


def make_music(database: Database[Document], settings: Settings, files: dict[str, Path]) -> None:
    """Write the catalogue of these files and a published index."""
    rng = np.random.default_rng(7)
    names = sorted((track_id(s, n), s, n) for s in STYLES for n in range(EACH))
    vectors = np.array([np.eye(4)[STYLES.index(style)] for _, style, _ in names])
    vectors += rng.normal(0, 0.1, vectors.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    database.tracks.insert_many(
        {
            "_id": own_id,
            "title": title(style, number),
            "artist": f"{style} Band {number}",
            "album": None,
            "genres": [style],
            "duration_ms": round(SECONDS * 1000),
            "path": str(files[own_id]),
            "state": "present",
            "modified_ns": i,
        }
        for i, (own_id, style, number) in enumerate(names)
    )
    manifest = write_bundle(
        settings.index.folder,
        Contents(
            vectors=vectors,
            track_ids=encode_ids([own_id for own_id, _, _ in names]),
            artists=np.arange(len(names), dtype=np.int32),
            cold_start=np.array([i for n in range(EACH) for i in range(n, len(names), EACH)], dtype=np.int32),
        ),
        space="s",
        recall_queries=4,
        backend=ANNOY,
    )
    PublishedBundles(Store(database)).publish(Path(settings.index.folder) / manifest.version)
