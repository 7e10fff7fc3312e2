"""`./run.sh compress`: makes the songs of a folder smaller, in place.

Delivery: a song is either its original or a whole result that has been decoded; a run cut short is gone on
with by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segue.audio.compress import Outcome, compress, remove_leftovers
from segue.catalog.library import check_folder
from segue.catalog.scan import Rejected, scan, shown
from segue.errors import SegueError, one_line_errors

BITRATES = (16_000, 320_000)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run has done; `failures` has path, reason and detail of each file that could not be used."""

    compressed: int
    left_alone: dict[str, int]
    failed: int
    bytes_before: int
    bytes_after: int
    bytes_saved: int
    leftovers_removed: int
    seconds: float
    failures: list[dict[str, str]]


def main() -> None:
    typer.run(compress_audio)


def compress_audio(
    folder: Annotated[Path, typer.Argument(help="The folder of music.")],
    bitrate: Annotated[str, typer.Option(help="Bits a second wanted, such as 64k or 96000.")] = "64k",
    keep_originals: Annotated[
        Path | None, typer.Option(help="Keep the originals below this folder, outside the music.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
) -> None:
    """Make the songs of a folder smaller, each in the format and under the name that it has.

    Tags and covers stay. A song is replaced once its result has been decoded whole; lossless files, and files
    at the wanted bitrate or below it, are left alone. It may be stopped at any time and started again.

    Example: ./run.sh compress --bitrate 64k ~/Music
    """
    with one_line_errors():
        summary = run(folder, bitrate=bits(bitrate), keep_originals=keep_originals)
        if json_file is not None:
            json_file.write_text(json.dumps(asdict(summary), indent=1) + "\n")
        for failure in summary.failures:
            typer.echo(f"{failure['path']}: {failure['reason']}: {failure['detail']}", err=True)
        alone = ", ".join(f"{count} {reason}" for reason, count in sorted(summary.left_alone.items()))
        typer.echo(
            f"{summary.compressed} compressed, {sum(summary.left_alone.values())} left alone"
            f"{f' ({alone})' if alone else ''}, {summary.failed} failed; "
            f"{summary.bytes_saved / 1e6:.1f} MB saved ({summary.seconds:.1f} s)"
        )


def bits(text: str) -> int:
    """Bits a second from "64k" or "64000".

    Raises
    ------
    SegueError
        It is no such number, or out of bounds.
    """
    found = re.fullmatch(r"(\d{1,6})(k?)", text.strip().lower())
    value = int(found[1]) * (1000 if found[2] else 1) if found else 0
    if not BITRATES[0] <= value <= BITRATES[1]:
        raise SegueError(f"the bitrate {text!r} is not between 16k and 320k: give one such as 64k")
    return value


def run(folder: Path, *, bitrate: int, keep_originals: Path | None = None, quiet: bool = False) -> Summary:
    """Compress the songs below a folder, one ffmpeg for each core.

    Raises
    ------
    SegueError
        There is no such folder, another run is at work in it, or the originals would be kept inside it.
    """
    began = time.monotonic()
    root = check_folder(folder)
    kept = keep_originals.expanduser().resolve() if keep_originals else None
    if kept is not None and kept.is_relative_to(root):
        raise SegueError(f"{keep_originals} is inside {folder}: keep the originals in another folder")

    def place(path: Path) -> Path:
        assert kept is not None
        return kept / path.relative_to(root)

    with _alone_in(root):
        removed = remove_leftovers(root) + (remove_leftovers(kept) if kept is not None else 0)
        outcomes: list[Outcome] = []
        songs: list[Path] = []
        for item in scan(root):
            path = Path(item.path)
            if isinstance(item, Rejected):
                outcomes.append(Outcome(path=path, state="failed", reason=item.reason, detail=item.detail))
            elif Path(os.path.realpath(path)) != path:  # what it leads to is compressed where it is
                outcomes.append(Outcome(path=path, state="left-alone", reason="link"))
            else:
                songs.append(path)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        pool = ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0)))
        with Progress(*columns, disable=quiet or not songs, transient=True) as progress:
            try:
                keep = place if kept is not None else None
                work = [pool.submit(compress, path, bitrate=bitrate, keep=keep) for path in songs]
                done = progress.track(as_completed(work), total=len(work), description="Compressing")
                outcomes += [future.result() for future in done]
            finally:
                pool.shutdown(cancel_futures=True)
    return _summary(outcomes, removed=removed, seconds=time.monotonic() - began)


def _summary(outcomes: list[Outcome], *, removed: int, seconds: float) -> Summary:
    failed = sorted((item for item in outcomes if item.state == "failed"), key=lambda item: item.path)
    before, after = (sum(sizes) for sizes in ([o.before for o in outcomes], [o.after for o in outcomes]))
    return Summary(
        compressed=sum(item.state == "compressed" for item in outcomes),
        left_alone=dict(Counter(item.reason for item in outcomes if item.state == "left-alone")),
        failed=len(failed),
        bytes_before=before,
        bytes_after=after,
        bytes_saved=before - after,
        leftovers_removed=removed,
        seconds=round(seconds, 2),
        failures=[
            {"path": shown(item.path), "reason": item.reason, "detail": item.detail} for item in failed
        ],
    )


@contextlib.contextmanager
def _alone_in(root: Path) -> Iterator[None]:
    """Two runs would remove each other's unfinished results."""
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SegueError(f"another run compresses {root}: wait for its end") from None
    finally:
        os.close(handle)


if __name__ == "__main__":
    main()
