"""Audio features: tracks described per second, beside plain librosa.

Both process the same composed mp3 files, from the file to the descriptors, in new single-threaded processes.
For Segue this is the function of the Python workers with the job's batches, without Spark's overhead.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import librosa
import numpy as np
from rich.console import Console
from threadpoolctl import threadpool_limits

from segue.audio.decode import decode
from segue.audio.descriptors import frame_descriptors
from segue.benchmarks.bars import track
from segue.benchmarks.feature_workers import Work, Workers, describe_batch, plain_batch, workers
from segue.benchmarks.plain_features import plain_frames
from segue.demo.library import STYLES, TRACKS, compose
from segue.demo.mp3 import encode
from segue.demo.synthesis import RATE
from segue.settings import AudioSettings, load_settings

SILENT = 1e-5
"""Root mean square of a silent frame, relative to full scale: -100 dB."""


@dataclass(frozen=True)
class Rounds:
    """The measurements of a variant's rounds."""

    per_s: list[float] = field(default_factory=list)
    cpu_per_track: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """The figures; each is the median of rounds in which the variants take turns."""
    return compare(clips=8 if quick else 16, seconds=30.0, rounds=2 if quick else 5, console=console)


def compare(*, clips: int, seconds: float, rounds: int, console: Console) -> dict[str, float | bool]:
    """Compose `clips` clips, and describe them with each variant in every round.

    Raises
    ------
    SegueError
        A file could not be described.
    """
    audio = load_settings().audio
    with tempfile.TemporaryDirectory() as temporary, threadpool_limits(1):
        with console.status(f"Composing {clips} clips"):
            files = composed(Path(temporary), clips=clips, seconds=seconds)
        difference = largest_difference(files, audio)
        natively = partial(plain_batch, sample_rate=None)
        same_rate = partial(plain_batch, sample_rate=audio.sample_rate)
        with (
            workers(1, describe_batch, files, audio) as single,
            workers(2, describe_batch, files, audio) as two,
            workers(1, natively, files, audio) as plain,
        ):
            variants: dict[str, tuple[Workers, Work]] = {
                "one": (single, describe_batch),
                "two": (two, describe_batch),
                "plain": (plain, natively),
                "same_rate": (plain, same_rate),
            }
            rounds_of = {name: Rounds() for name in variants}
            for _ in track(range(rounds), description="Describing"):
                for name, (pool, work) in variants.items():
                    _take(pool, work, files, rounds_of[name])
    return _figures(rounds_of, tracks=clips) | {"largest_difference": difference}


def _figures(rounds_of: dict[str, Rounds], *, tracks: int) -> dict[str, float | bool]:
    wall = {name: statistics.median(rounds.per_s) for name, rounds in rounds_of.items()}
    cpu = {name: statistics.median(rounds.cpu_per_track) for name, rounds in rounds_of.items()}
    return {
        "tracks": tracks,
        "tracks_per_s": wall["one"],
        "tracks_per_s_2_cores": wall["two"],
        "plain_tracks_per_s": wall["plain"],
        "plain_same_rate_tracks_per_s": wall["same_rate"],
        "ratio_per_core": wall["one"] / wall["plain"],
        "ratio_per_core_cpu": cpu["plain"] / cpu["one"],
        "ratio_same_rate": wall["one"] / wall["same_rate"],
        "ratio_same_rate_cpu": cpu["same_rate"] / cpu["one"],
        "scaling_2_cores": wall["two"] / wall["one"],
        "scaling_2_cores_cpu": 2 * cpu["one"] / cpu["two"],
        "cpu_ms_per_track": cpu["one"] * 1e3,
        "plain_cpu_ms_per_track": cpu["plain"] * 1e3,
        "peak_mb": max(rounds_of["one"].peak_mb + rounds_of["two"].peak_mb),
        "plain_peak_mb": max(rounds_of["plain"].peak_mb),
    }


def composed(folder: Path, *, clips: int, seconds: float) -> list[str]:
    """Write mp3 files of `seconds` s: a piece of each style, then other excerpts of the same pieces."""
    length = round(seconds * RATE)
    pieces = [compose(piece) for piece in TRACKS[:: len(TRACKS) // len(STYLES)][:clips]]
    files = []
    for number in range(clips):
        piece = pieces[number % len(pieces)]
        start = number // len(pieces) * 7 * RATE
        pcm = np.tile(np.roll(piece, -start, axis=0), (-(-length // len(piece)), 1))[:length]
        files.append(str(folder / f"{number:02d}.mp3"))
        encode(pcm, Path(files[-1]))
    return files


def largest_difference(files: Sequence[str], audio: AudioSettings) -> float:
    """The largest difference from librosa's frames of the same waveform, relative to a descriptor's maximum.

    Frames below :data:`SILENT` are left out: encoded silence is rounding noise, whose centroid is arbitrary.
    """
    largest = 0.0
    for file in files:
        waveform = decode(file, audio)
        loudness = librosa.feature.rms(y=waveform, frame_length=audio.n_fft, hop_length=audio.hop_length)[0]
        audible = loudness > SILENT
        rows, start = frame_descriptors(waveform, audio), 0
        for expected in plain_frames(waveform, audio, sample_rate=audio.sample_rate).values():
            apart = np.abs(rows[start : start + len(expected)] - expected)[:, audible].max()
            largest = max(largest, float(apart / np.abs(expected).max()))
            start += len(expected)
    return largest


def _take(pool: Workers, work: Work, files: Sequence[str], rounds: Rounds) -> None:
    # It imports pyspark, which the workers do not need.
    from segue.batch_jobs.tracks_in_parts import PER_TASK

    batches = [files[start : start + PER_TASK] for start in range(0, len(files), PER_TASK)]
    began = time.perf_counter()
    done = pool.run(work, batches)
    rounds.per_s.append(len(files) / (time.perf_counter() - began))
    rounds.cpu_per_track.append(sum(batch.cpu_s for batch in done) / len(files))
    rounds.peak_mb.append(max(batch.peak_mb for batch in done))
