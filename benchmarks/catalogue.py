"""Synthetic catalogues with clusters, and plays with the skew of real listening."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from segue.catalog.track import Track
from segue.index.backends import chosen_backend
from segue.index.bundle import Contents, write_bundle
from segue.index.track_ids import encode_ids
from segue.index.transition_rules import artist_tracks_of, transition_rules_of
from segue.places import LOCAL
from segue.settings import load_settings

DIMENSION = 64
FMA = 106_574
"""Tracks in the Free Music Archive's data set."""
TRACKS_OF_ARTIST = 8
"""Tracks per artist, about as in the Free Music Archive."""
RULES = 50
"""Rules per track: the maximum of the settings."""
FOLDER = LOCAL / "bench" / "bundles"


def vectors(tracks: int, *, seed: int = 11) -> np.ndarray:
    """Unit rows of shape (tracks, 64), float32, in nested clusters: genres, artists, tracks."""
    rng = np.random.default_rng(seed)
    genres = rng.normal(size=(32, DIMENSION))
    artists = genres[rng.integers(32, size=max(1, tracks // TRACKS_OF_ARTIST))]
    artists = artists + rng.normal(0, 0.7, artists.shape)
    rows = artists[np.arange(tracks) % len(artists)] + rng.normal(0, 0.35, (tracks, DIMENSION))
    units: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return units.astype(np.float32)


def track_id(number: int) -> str:
    return f"{number:08d}"


def composed_track(number: int, **others: Any) -> Track:
    """A synthetic track without a file; `others` override its fields."""
    values: dict[str, Any] = {
        "track_id": track_id(number),
        "library": "composed",
        "path": f"/nowhere/{number}",
        "title": f"Track {number}",
        "artist": f"Artist {number}",
        "album": None,
        "genres": (),
        "duration_ms": 200_000,
        "track": None,
        "year": None,
        "cover_id": None,
        "size": 1,
        "modified_ns": 1,
    }
    return Track(**(values | others))


def bundle_of(tracks: int, *, console: Console, rules: bool = False) -> Path:
    """The folder of a bundle with `tracks` tracks, by sound only or with transition rules; built once.

    The index has the configured backend, since its search takes much of the time of a plan.
    """
    index = load_settings().index
    known = "sessions" if rules else "sound"
    backend = chosen_backend(index)
    parameters = "-".join(str(value) for value in (backend.name, *backend.parameters.values()))
    folder = FOLDER / f"{tracks}-{known}-{parameters}"
    built = sorted(folder.glob("*/manifest.json"))
    if built:
        return built[0].parent
    ids = encode_ids([track_id(n) for n in range(tracks)])
    artists = (np.arange(tracks) % max(1, tracks // TRACKS_OF_ARTIST)).astype(np.int32)
    model = rule_model(ids) if rules else None
    with console.status(f"Building an index of {tracks:,} tracks"):
        contents = Contents(
            vectors=vectors(tracks),
            track_ids=ids,
            artists=artists,
            cold_start=np.arange(0, tracks, max(1, tracks // 100), dtype=np.int32)[:100],
            transition_rules=transition_rules_of(model, track_ids=ids) if model else None,
            artist_tracks=artist_tracks_of(model, track_ids=ids, artists=artists) if model else None,
        )
        manifest = write_bundle(folder, contents, space="bench", backend=backend)
    return folder / manifest.version


def rule_model(ids: np.ndarray) -> dict[str, np.ndarray]:
    """A model with transition rules between tracks with similar numbers."""
    rng, tracks = np.random.default_rng(4), len(ids)
    source = np.repeat(np.arange(tracks, dtype=np.int32), RULES)
    return {
        "track_ids": ids,
        "listeners": rng.integers(0, 100, size=tracks),
        "tracks": source,
        "next": ((source + rng.integers(1, 2000, size=len(source))) % tracks).astype(np.int32),
        "scores": rng.random(len(source), dtype=np.float32),
    }


def plays(*, listeners: int, tracks: int, seed: int = 3) -> Iterator[dict[str, Any]]:
    """An endless stream of completions and skips, without `occurred_at`; tracks follow Zipf's law."""
    rng = np.random.default_rng(seed)
    # As in real logs of five days, where the 99th percentile listens twelve times as much as the median.
    weight = rng.lognormal(0, 1.07, listeners)
    while True:
        chosen_listeners = rng.choice(listeners, size=10_000, p=weight / weight.sum())
        chosen_tracks = (rng.zipf(1.3, size=10_000) * 7919 + chosen_listeners * 31) % tracks
        skipped = rng.random(10_000) < 0.25
        ids = rng.bytes(16 * 10_000)
        for i in range(10_000):
            yield {
                "event_id": str(uuid.UUID(bytes=ids[16 * i : 16 * i + 16])),
                "user_id": f"listener-{chosen_listeners[i]}",
                "track_id": track_id(int(chosen_tracks[i])),
                "type": "skip" if skipped[i] else "complete",
                "ms_played": 5000 if skipped[i] else 200_000,
                "position_ms": 0,
                "duration_ms": 200_000,
                "session_id": "bench",
                "source": "home",
            }
