"""`./run.sh library compress`: re-encodes the songs of a folder at a lower bit rate, on all cores.

Delivery: song by song (see segue.audio.compress). A kill leaves each song either unchanged or compressed, and
the next run continues with the rest.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TimeRemainingColumn

from segue.audio.compress import PART, Compressed, Left, compress
from segue.audio.errors import AudioError
from segue.batch_jobs.bars import counting
from segue.catalog.library import check_folder
from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import AudioFile, scan
from segue.catalog.stored_paths import path_to_open, shown
from segue.confirmation import Yes, confirm
from segue.counted import counted
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures

SHOWN = 50
"""The number of failed files to name on the terminal; --json has all."""


@dataclass(frozen=True, kw_only=True)
class CompressionSummary:
    files: int
    compressed: int
    left: int
    """Songs that are small enough, or that compression would not make smaller."""
    failed: int
    bytes_before: int
    """The size of the compressed songs before compression."""
    bytes_after: int
    bytes_saved: int
    seconds: float
    failures: dict[str, str]
    """The reason and details by path."""


def compress_library(
    folder: Annotated[Path, typer.Argument(help="The folder of music.")],
    bitrate: Annotated[str, typer.Option(help="Kilobits per second, from 8k to 320k.")] = "64k",
    keep_originals: Annotated[
        Path | None, typer.Option(help="Move the original songs into this folder, which must be elsewhere.")
    ] = None,
    yes: Yes = False,
    json_file: JsonFile = None,
) -> None:
    """Re-encode the songs of a folder at a lower bit rate. Tags and covers are kept.

    Each result is decoded and its length compared before it replaces the song. Songs near the bit rate stay
    unchanged, and so do files that cannot be decoded, which are listed. Song.flac and Song.wav become
    Song.flac.mp3 and Song.wav.mp3. All keep their track ids in the catalogue. The command can be interrupted
    and started again at any time. It asks for confirmation unless --keep-originals or --yes is given.

    Example: ./run.sh library compress --bitrate 64k --yes /data/fma

    Example: ./run.sh library compress --bitrate 96k --keep-originals /backup/music ~/Music
    """
    with one_line_errors():
        can_write(json_file)
        kilobits = _kilobits(bitrate)
        if keep_originals is None and folder.is_dir():
            confirm(f"Replace the songs in {folder} by smaller ones, and keep no originals?", yes=yes)
        summary = run(folder, kilobits=kilobits, originals=keep_originals)
        write_figures(json_file, asdict(summary))
        for path, why in list(summary.failures.items())[:SHOWN]:
            say(f"unchanged: {ascii(path)[1:-1]}: {why}", json_file)
        if summary.failed > SHOWN:
            say(f"... and {summary.failed - SHOWN} more: --json FILE lists all", json_file)
        share = summary.bytes_saved / summary.bytes_before if summary.bytes_before else 0.0
        say(
            f"{counted(summary.files, 'file')}: {summary.compressed} compressed, {summary.left} unchanged, "
            f"{summary.failed} failed; {summary.bytes_saved / 1e6:.1f} MB saved, {share:.0%} of "
            f"{summary.bytes_before / 1e6:.1f} MB ({summary.seconds:.1f} s)",
            json_file,
        )


def _kilobits(text: str) -> int:
    match = re.fullmatch(r"(\d+)k?", text.strip().lower())
    if not match or not 8 <= int(match[1]) <= 320:
        raise SegueError(f"--bitrate {text}: give kilobits per second, from 8k to 320k, such as 64k")
    return int(match[1])


def run(
    folder: Path, *, kilobits: int, originals: Path | None = None, quiet: bool = False
) -> CompressionSummary:
    """Compress the songs below a folder.

    Raises
    ------
    SegueError
        The folder does not exist or has no music, the folder for the originals is inside it, or another run
        is working there.
    """
    began = time.monotonic()
    root = check_folder(folder)
    kept = None if originals is None else originals.expanduser().resolve()
    if kept is not None and kept.is_relative_to(root):
        raise SegueError(
            f"{originals} is inside {root}: keep the originals elsewhere, or they would be compressed too"
        )
    done: list[Compressed] = []
    failures: dict[str, str] = {}
    left = 0
    with _alone(root):
        files = _songs(root, failures)
        if not files and not failures:
            raise SegueError(f"{root} has no music: nothing was changed")

        def compress_song(file: AudioFile) -> Compressed | Left | str:
            try:
                original = kept / file.relative if kept else None
                return compress(path_to_open(file.path), kilobits=kilobits, original=original)
            except AudioError as error:
                return str(error)
            except OSError as error:
                return f"unreadable: {error.strerror or error}"

        pool = ThreadPoolExecutor(os.cpu_count())
        with counting(TimeRemainingColumn(), disable=quiet) as progress:
            task = progress.add_task("Compressing", total=len(files))
            try:
                for file, outcome in zip(files, pool.map(compress_song, files), strict=True):
                    progress.advance(task)
                    if isinstance(outcome, Compressed):
                        done.append(outcome)
                    elif isinstance(outcome, Left):
                        left += 1
                    else:
                        failures[shown(path_to_open(file.path))] = outcome
            finally:
                pool.shutdown(cancel_futures=True)
    before, after = sum(song.before for song in done), sum(song.after for song in done)
    return CompressionSummary(
        files=len(files) + len(failures) - sum(shown(path_to_open(file.path)) in failures for file in files),
        compressed=len(done),
        left=left,
        failed=len(failures),
        bytes_before=before,
        bytes_after=after,
        bytes_saved=before - after,
        seconds=round(time.monotonic() - began, 2),
        failures=failures,
    )


def _songs(root: Path, failures: dict[str, str]) -> list[AudioFile]:
    """The files below a folder, without the targets of links, which belong elsewhere."""
    files: dict[str, AudioFile] = {}  # each once: a CUE sheet makes several songs of one
    for item in scan(root):
        if isinstance(item, RejectedFile):
            failures[item.path] = f"{item.reason}: {item.detail}"
        elif os.path.realpath(path_to_open(item.path)) != str(path_to_open(item.path)):
            continue
        else:
            files.setdefault(item.path, item)
    return list(files.values())


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Allow one run at a time in a folder, and remove the part files of a killed run."""
    opened = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SegueError(
                f"another ./run.sh library compress is running in {root}: wait for its end"
            ) from None
        for part in root.rglob(f".*{PART}"):
            part.unlink(missing_ok=True)
        yield
    finally:
        os.close(opened)
