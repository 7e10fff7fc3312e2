"""A million imported plays, and the recommendations of other listeners meanwhile.

The stream runs as `./run.sh stream run` does, with all queries. The import runs in a process of its own, like
`./run.sh history import`. The quiet times are before and after it, so that a change of the machine's load
counts on both sides. Afterwards the same file is imported again, which adds nothing.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from segue.benchmarks.catalogue import FMA, bundle_of
from segue.benchmarks.flood import KIND, PLAYS_PER_SECOND, Phases, stream
from segue.benchmarks.service import Feeder, check_alive, environment_of, service, wait
from segue.catalog.track import Track
from segue.catalog.tracks import Tracks
from segue.errors import SegueError
from segue.imports.changed import ChangedImports
from segue.imports.exports import Exports
from segue.imports.importing import Importer
from segue.imports.matched import Library
from segue.places import ROOT
from segue.settings import Settings, load_settings
from segue.storage.mongo import connect
from segue.storage.store import Store, open_store
from segue.taste.memory import Memories

LISTENER = "imported"
SONGS = 20_000
"""Different songs in the history; half of them are in the library."""
_TASTE_SECONDS = 900
"""How long the taste and the memory may take after the import."""


@dataclass(frozen=True)
class Plan:
    """The size of a run."""

    plays: int
    warm: float
    """Seconds before the first measurement."""
    quiet: float
    """Seconds of the measurements without an import: half before it, half after it."""


FULL, QUICK = Plan(1_000_000, warm=90.0, quiet=60.0), Plan(100_000, warm=40.0, quiet=30.0)


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """The time of an import, and the latency of other plays without it and beside it."""
    plan = QUICK if quick else FULL
    with (
        tempfile.TemporaryDirectory() as folder,
        service(bundle_of(FMA, console=console)) as settings,
        Feeder(settings, per_second=PLAYS_PER_SECOND, tracks=FMA) as feeder,
    ):
        store = Store(connect(settings.mongo))
        Tracks(store).write(map(_track, range(SONGS // 2)))
        history = write_history(Path(folder) / "listens.jsonl", plays=plan.plays)
        console.print(f"the history has {history.stat().st_size / 1e6:.0f} MB")
        with stream(settings, feeder) as (process, start_s):
            console.print(f"the stream serves after {start_s:.0f} s")
            wait(plan.warm, process, KIND)
            phase = Phases(settings, feeder, process, console)
            before = phase("quiet", lambda: wait(plan.quiet / 2, process, KIND))
            imported: dict[str, float] = {}

            def work() -> None:
                imported.update(_import(settings, history, process))
                began = time.monotonic()
                _until_made(store, process)
                imported["made_s"] = time.monotonic() - began

            beside = phase("import, taste and memory", work)
            quiet = before + phase("quiet again", lambda: wait(plan.quiet / 2, process, KIND))
            again = _import(settings, history, process)
        loved = Memories(store).loved([LISTENER])
    if not loved:
        raise SegueError("the imported plays are in no memory")
    return {
        "plays": plan.plays,
        "stored": imported["stored"],
        "import_s": imported["seconds"],
        "import_cpu_s": imported["cpu_s"],
        "plays_per_s": plan.plays / imported["seconds"],
        "made_s": imported["made_s"],
        "again_s": again["seconds"],
        "again_stored": again["stored"],
        "quiet_p50_ms": quiet.p50,
        "quiet_p99_ms": quiet.p99,
        "beside_p50_ms": beside.p50,
        "beside_p99_ms": beside.p99,
        "p99_ratio": beside.p99 / quiet.p99,
        "quiet_cores": quiet.cores,
        "beside_cores": beside.cores,
    }


def _track(number: int) -> Track:
    return Track(
        track_id=f"{number:016x}",
        library="music",
        path=f"/music/{number}.mp3",
        title=f"Song {number}",
        artist=f"Artist {number // 12}",
        album=f"Album {number // 12}",
        genres=("Folk",),
        duration_ms=200_000,
        track=1 + number % 12,
        year=2001,
        cover_id=None,
        size=10,
        modified_ns=1,
    )


def write_history(path: Path, *, plays: int, years: int = 10) -> Path:
    """A file of ListenBrainz's format with plays over years, a few songs far more often than others."""
    rng = random.Random(1)
    end = int(time.time()) - 86_400
    step = years * 365 * 86_400 / plays
    with path.open("w") as file:
        for number in range(plays):
            song = int(SONGS * rng.random() ** 3)
            names = {"artist_name": f"Artist {song // 12}", "track_name": f"Song {song}"}
            at = end - int((plays - number) * step)
            file.write(json.dumps({"listened_at": at, "track_metadata": names}) + "\n")
    return path


def _import(settings: Settings, history: Path, stream_process: subprocess.Popen[bytes]) -> dict[str, float]:
    """Import in a process of its own; returns `seconds`, `cpu_s` and `stored`."""
    command = [sys.executable, "-m", "segue.benchmarks.history_import", str(history)]
    with subprocess.Popen(command, env=environment_of(settings), cwd=ROOT, stdout=subprocess.PIPE) as process:
        answer, _ = process.communicate()
    check_alive(stream_process, KIND)
    if process.returncode:
        raise SegueError("the import failed: see above")
    return {name: float(value) for name, value in json.loads(answer).items()}


def _until_made(store: Store, process: subprocess.Popen[bytes]) -> None:
    """Wait until the stream has made taste and memory from the imported plays."""
    end = time.monotonic() + _TASTE_SECONDS
    while ChangedImports(store).waiting(limit=1):
        wait(1, process, KIND)
        if time.monotonic() > end:
            raise SegueError(f"the imported plays are in no taste after {_TASTE_SECONDS} s")


def main() -> None:
    """The process that imports: prints its figures as JSON."""
    store = open_store(load_settings())
    began = time.monotonic()
    library = Library(Tracks(store).all_matchable())
    exports = Exports([Path(sys.argv[1])], most_bytes=2**31)
    summary = Importer(store, LISTENER).run(
        exports, library, files=["listens.jsonl"], progress=_shown(exports)
    )
    figures = {
        "seconds": time.monotonic() - began,
        "cpu_s": time.process_time(),
        "stored": summary.stored,
    }
    print(json.dumps(figures))


def _shown(exports: Exports) -> Callable[[int], None]:
    """Shows the progress on standard error, as the command does with a bar."""
    shown = 0

    def progress(read: int) -> None:
        nonlocal shown
        if (tenth := 10 * read // max(exports.total, 1)) > shown:
            shown = tenth
            print(f"{10 * tenth} % imported", file=sys.stderr, flush=True)

    return progress


if __name__ == "__main__":
    main()
