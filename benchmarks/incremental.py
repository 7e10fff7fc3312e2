"""The cost of a pass for 100 new tracks in a catalogue of FMA's size, as a share of a complete run.

The catalogue's descriptors are synthetic; the new tracks are audio files, which one pass of `library update`
reads, describes, places and indexes. The time to describe the catalogue is extrapolated from that of the same
files, described alone in the same run.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from segue.audio.describe_here import Describers
from segue.audio.describing import WHOLE
from segue.audio.descriptors import descriptor_names, features_version, names_version
from segue.audio.levels import Level
from segue.batch_jobs import build_index, train_embeddings, update_library
from segue.benchmarks.catalogue import composed_track, track_id, vectors
from segue.catalog.features import Features
from segue.catalog.gathering import gather
from segue.catalog.levels import level_document
from segue.catalog.library import Library
from segue.catalog.measured_tracks import MeasuredTracks
from segue.catalog.stamp import Stamp
from segue.catalog.track_files import TrackFiles
from segue.catalog.tracks import Tracks
from segue.local.mongod import Mongod
from segue.places import LOCAL
from segue.settings import Settings, load_settings
from segue.storage.mongo import pack
from segue.storage.store import Store, open_store

TRACKS, NEW, GONE = 106_474, 100, 10
SECONDS, RATE = 30, 44_100
"""Length and sample rate of the new tracks, the same as for FMA's clips."""


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Seconds of each step, for the whole catalogue and for the new tracks, and their ratio."""
    tracks = 5_000 if quick else TRACKS
    with _settings() as settings:
        store = open_store(settings)
        with console.status(f"Writing {tracks:,} composed tracks"):
            _write_catalogue(store, settings, tracks)
        with console.status(f"From nothing: {tracks:,} tracks"):
            began = time.perf_counter()
            train_embeddings.run(settings, store)
            embeddings_s = time.perf_counter() - began
            first = build_index.run(store, settings.index)
            index_s = time.perf_counter() - began - embeddings_s
        with tempfile.TemporaryDirectory(dir=settings.index.folder) as folder:
            with console.status(f"Composing {NEW} files"):
                _compose(Path(folder))
            TrackFiles(store).mark_vanished(track_id(number) for number in range(GONE))
            with console.status(f"Describing {NEW} files"):
                files = [(file.name, str(file), WHOLE) for file in sorted(Path(folder).iterdir())]
                began = time.perf_counter()
                with Describers(settings.audio) as describers:
                    assert all(one.vector for one in describers.describe(files))
                    assert not any(row["reason"] for _, row in describers.measure(files))
                decoding_s = (time.perf_counter() - began) / NEW * tracks
            with console.status(f"{NEW} new tracks"):
                began = time.perf_counter()
                passed = update_library.run(
                    settings, store, [Library(name="new", folder=Path(folder))], quiet=True
                )
                new_s = time.perf_counter() - began
            steps = passed.steps
    return {
        "tracks": tracks,
        "new": passed.new,
        "described": passed.described,
        "embedded": passed.embedded,
        "published": passed.index != first.manifest.version,
        "extended": passed.extended,
        "indexed": passed.indexed,
        "full_embeddings_s": embeddings_s,
        "full_index_s": index_s,
        "full_decoding_s_estimated": decoding_s,
        "new_ingest_s": steps["reading"],
        "new_features_s": steps["describing"],
        "new_embeddings_s": steps["placing"],
        "new_index_s": steps["indexing"],
        "new_s": new_s,
        "share_without_decoding": (steps["placing"] + steps["indexing"]) / (embeddings_s + index_s),
        "share": new_s / (embeddings_s + index_s + decoding_s),
    }


@contextmanager
def _settings() -> Iterator[Settings]:
    """Settings with a separate MongoDB and separate folders."""
    base = load_settings()
    (LOCAL / "bench").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LOCAL / "bench") as folder:
        server = Mongod(Path(folder) / "mongod")
        (Path(folder) / "index").mkdir()
        try:
            yield base.model_copy(
                update={
                    "mongo": base.mongo.model_copy(update={"uri": server.start(), "database": "bench"}),
                    "spark": base.spark.model_copy(update={"ui_port": 0}),
                    "index": base.index.model_copy(update={"folder": f"{folder}/index"}),
                    # The files were written a moment ago.
                    "library": base.library.model_copy(update={"settle_time": timedelta(microseconds=1)}),
                }
            )
        finally:
            server.stop()


def _write_catalogue(store: Store, settings: Settings, tracks: int) -> None:
    """Write descriptors with clusters of genres and artists, in as many dimensions as real ones."""
    width, version = len(descriptor_names(settings.audio)), features_version(settings.audio)
    rng = np.random.default_rng(5)
    mixing = rng.normal(size=(64, width)) * np.logspace(-2, 3, width)
    rows = vectors(tracks).astype(np.float64) @ mixing
    rows += 0.1 * rows.std(axis=0) * rng.standard_normal(rows.shape)
    stamp = Stamp(version, size=1, modified_ns=1)
    Tracks(store).write(
        composed_track(number, artist=f"Artist {number % (tracks // 8)}") for number in range(tracks)
    )
    Features(store).write(
        ((track_id(number), pack(row), stamp) for number, row in enumerate(rows)),
        names_version=names_version(settings.audio),
    )
    level = level_document(Level(integrated=-14.0, peak=0.9, blocks=pack(np.ones(60, np.float32))), stamp)
    MeasuredTracks(store).write_levels((track_id(number), level) for number in range(tracks))
    gather(store)


def _compose(folder: Path) -> None:
    for number in range(NEW):
        source = ["-f", "s16le", "-ar", str(RATE), "-ac", "2", "-i", "pipe:0"]
        subprocess.run(
            [
                *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source),
                *("-b:a", "128k", f"file:{folder}/{number:06d}.mp3"),
            ],
            input=_sound(number).tobytes(),
            check=True,
        )


def _sound(number: int) -> NDArray[np.int16]:
    """A melody over noise, shape (samples, 2)."""
    rng = np.random.default_rng(number)
    time_ = np.arange(SECONDS * RATE) / RATE
    pitch = 110 * 2 ** (rng.integers(0, 24, SECONDS * 4) / 12)
    phase = 2 * np.pi * np.cumsum(np.repeat(pitch, RATE // 4)) / RATE
    tone = (np.sin(phase) + 0.5 * np.sin(2 * phase)) * np.exp(-3 * (time_ * 4 % 1))
    stereo = 0.2 * tone[:, None] + rng.uniform(0.001, 0.05) * rng.standard_normal((len(time_), 2))
    return (np.clip(stereo, -1, 1) * 32767).astype(np.int16)
