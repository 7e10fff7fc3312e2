"""Runs a service under faults and reports whether it counted each of its listeners' events once."""

from __future__ import annotations

import random
import shutil
import time
from contextlib import suppress
from typing import Any

from rich.console import Console

from segue.benchmarks.bars import track
from segue.benchmarks.chaos.faults import Faults
from segue.benchmarks.chaos.outcome import Outcome, outcome, recount_is_exact
from segue.benchmarks.chaos.players import Ledger, Players
from segue.benchmarks.chaos.processes import until
from segue.benchmarks.chaos.samples import Samples, left_over, middle_and_end, slope
from segue.benchmarks.chaos.schedule import Fault, Kind, schedule
from segue.benchmarks.chaos.service import TRACKS, Service, planned
from segue.errors import SegueError
from segue.places import LOCAL
from segue.processes import ended_by_sigterm
from segue.storage.mongo import PyMongoError
from segue.streaming_jobs.unfinished import HERE

FOLDER = LOCAL / "bench" / "chaos"
QUICK: tuple[tuple[Kind, str], ...] = (
    (Kind.KILL, "stream"),
    (Kind.ELECTION, "mongod-primary"),
    (Kind.STOP, "broker"),
    (Kind.KILL, "dashboard"),
    (Kind.DISK, "stream"),
    (Kind.FLOOD, "topic"),
)
"""The faults of a short run."""
SHORT: dict[str, Any] = {"only": QUICK, "rest_after": len(QUICK)}
"""The schedule of a short run."""
RECOVERY_SECONDS = 600.0
"""How long the service may take, after the last fault, for each step of its recovery."""


def measure(
    *, quick: bool, minutes: float | None, seed: int | None, console: Console
) -> dict[str, float | bool]:
    """Players and faults for `minutes`, then the outcome; its keys begin with `chaos_`.

    The state of a run that lost something stays in `.local/bench/chaos`.
    """
    minutes = minutes or (3.0 if quick else 60.0)
    seed = random.SystemRandom().randrange(10_000) if seed is None else seed
    faults = schedule(seed, seconds=60 * minutes, **(SHORT if quick else {}))
    again = f"./run.sh bench soak --chaos --seed {seed} --minutes {minutes:g}{' --quick' if quick else ''}"
    console.print(f"repeat this run with: {again}")
    for fault in faults:
        console.print(str(fault), highlight=False)
    home = FOLDER / str(seed)
    service = planned(home, console=console)
    with ended_by_sigterm(), service.stopped_at_the_end(console=console):
        service.start(console=console)
        figures = _run(
            service,
            faults,
            minutes=minutes,
            seed=seed,
            players=4 if quick else 12,
            quick=quick,
            console=console,
        )
    if fault_of(figures):
        console.print(f"the state is kept in {home}")
    else:
        shutil.rmtree(home)
    return figures


def fault_of(figures: dict[str, float | bool]) -> str:
    """The line for a run that has lost, doubled or kept back something; empty for a good run."""
    wrong = {
        name: figures[f"chaos_{name}"]
        for name in ("missing", "twice", "rejected", "unanswered", "files_left_over")
    }
    named = [f"{count} {name}" for name, count in wrong.items() if count]
    if not figures["chaos_recount_exact"]:
        named.append("the recount differs")
    return ", ".join(named)


def _run(
    service: Service,
    faults: list[Fault],
    *,
    minutes: float,
    seed: int,
    players: int,
    quick: bool,
    console: Console,
) -> dict[str, float | bool]:
    ledger = Ledger(service.home / "acknowledged.jsonl")
    crowd = Players(service.address, number=players, tracks=TRACKS, seed=seed, ledger=ledger)
    doing = Faults(service, faults, seed=seed, flood=2_000 if quick else 20_000, console=console)
    samples = Samples(service)
    for part in (crowd, doing, samples):
        part.start()
    for _ in track(range(int(minutes * 60)), description="Faults"):
        time.sleep(1)
    doing.join()
    quiet_since = time.monotonic()
    with console.status("Sending the events that the players have kept"):
        unanswered = crowd.stop(patience=RECOVERY_SECONDS)
    found, seconds = _settled(service, ledger, console=console)
    with console.status("Recounting"):
        # Events that were not acknowledged may be on their way still.
        exact = until(lambda: recount_is_exact(service), RECOVERY_SECONDS / 4, every=10.0)
    samples.stop()
    time.sleep(max(0.0, HERE.total_seconds() + 5 - (time.monotonic() - quiet_since)))
    _restart_stream(service)
    left = left_over(service.home)
    for name, ids in (
        ("missing", found.missing),
        ("counted twice", found.twice),
        ("rejected", found.rejected),
    ):
        if ids:
            console.print(f"{name}: {' '.join(ids)}")
    for file in left:
        console.print(f"left over: {file}")
    figures: dict[str, float | bool] = {
        "minutes": minutes,
        "seed": seed,
        "acknowledged": len(ledger.acknowledged),
        "in_facts": len(found.in_facts),
        "missing": len(found.missing),
        "twice": len(found.twice),
        "rejected": len(found.rejected),
        "refused": len(ledger.refused),
        "unanswered": unanswered,
        "failed_requests": ledger.unanswered,
        "recount_exact": exact,
        "recovery_s": seconds,
        "malformed_sent": doing.malformed,
        **{f"{kind}s": doing.done[kind] for kind in Kind},
        **{f"starts_{kind}": sum(one.starts for one in some) for kind, some in service.processes.items()},
        **{f"memory_slope_{kind}_mb_per_h": slope(series) for kind, series in samples.memory.items()},
        **{
            key: value
            for kind, sizes in samples.totals.items()
            for key, value in middle_and_end(f"memory_{kind}_mb", sizes).items()
        },
        **middle_and_end("files", samples.files),
        "files_left_over": len(left),
    }
    return {f"chaos_{name}": value for name, value in figures.items()}


def _settled(service: Service, ledger: Ledger, *, console: Console) -> tuple[Outcome, float]:
    """The outcome once nothing is missing, and the seconds waited.

    On a busy machine the facts may follow late. So it gives up after :data:`RECOVERY_SECONDS` in which no
    missing event was found, rather than after that time.
    """
    began = newest = time.monotonic()
    found = Outcome([], [], [], list(ledger.acknowledged))
    with console.status("Waiting for the facts"):
        while True:
            with suppress(SegueError, PyMongoError):
                now = outcome(service, ledger.acknowledged)
                if len(now.missing) < len(found.missing):
                    newest = time.monotonic()
                found = now
            if not found.missing or time.monotonic() - newest > RECOVERY_SECONDS:
                return found, time.monotonic() - began
            time.sleep(3)


def _restart_stream(service: Service) -> None:
    """Restart the stream as for an update: its start removes the left-over files of killed processes."""
    starts, log = service.stream.starts, service.stream.log
    position = log.stat().st_size
    service.stream.terminate()

    def streaming() -> bool:
        return service.stream.starts > starts and "streaming;" in log.read_text(errors="replace")[position:]

    if not until(streaming, RECOVERY_SECONDS):
        raise SegueError(f"the stream did not start again: see {log}")
