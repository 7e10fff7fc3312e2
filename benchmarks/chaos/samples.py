"""The memory and the files of a service over a run, and their growth."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from segue.benchmarks.chaos.processes import jvms
from segue.benchmarks.chaos.service import Service
from segue.streaming_jobs.unfinished import is_unfinished

EVERY = 5.0
"""Seconds."""
WARM_UP = 120.0
"""Seconds after its start in which a process loads code and fills caches."""
Series = Mapping[int, Sequence[tuple[float, float]]]
"""(seconds, MB) by process."""


class Samples:
    """Samples memory and files from a thread until :meth:`stop`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.memory: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
        """By the kind of process, then by process id and start."""
        self.totals: dict[str, list[float]] = defaultdict(list)
        """MB of all processes of a kind."""
        self.files: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            now = time.time()
            for kind, processes in self._by_kind():
                total = 0.0
                for process in processes:
                    with suppress(psutil.Error):
                        size = process.memory_info().rss / 1e6
                        total += size
                        if now - process.create_time() > WARM_UP:
                            self.memory[kind][hash(process)].append((now, size))
                self.totals[kind].append(total)
            self.files.append(sum(1 for _ in all_files(self._service.home)))

    def _by_kind(self) -> Iterator[tuple[str, list[psutil.Process]]]:
        for kind, processes in self._service.processes.items():
            family = [member for process in processes for member in process.family()]
            if kind != "stream":
                yield kind, family
                continue
            java = list(jvms(family))
            yield "jvm", java
            yield "python", [member for member in family if member not in java]


def slope(series: Series) -> float:
    """Growth in MB an hour within each process, over all processes of a kind; 0 without samples.

    The least-squares slope with an intercept for each process: a restart is not a growth.
    """
    times, sizes = [], []
    for samples in series.values():
        at, size = np.array(samples).T
        times.append(at - at.mean())
        sizes.append(size - size.mean())
    if not times:
        return 0.0
    t, mb = np.concatenate(times), np.concatenate(sizes)
    spread = float(t @ t)
    return float(t @ mb) / spread * 3600 if spread else 0.0


def middle_and_end(name: str, values: Sequence[float]) -> dict[str, float]:
    """Medians of the second and the last third of a run, and their ratio: about 1 if it levels off."""
    third = len(values) // 3
    middle, end = (float(np.median(part or [0.0])) for part in (values[third : 2 * third], values[-third:]))
    return {f"{name}_middle": middle, f"{name}_end": end, f"{name}_growth": end / middle if middle else 0.0}


def all_files(folder: Path) -> Iterator[Path]:
    """The files below a folder."""
    for root, _, names in os.walk(folder):
        for name in names:
            yield Path(root, name)


def left_over(home: Path) -> list[Path]:
    """Unfinished files in the checkpoints, and temporary folders beyond that of the running stream."""
    unfinished = [file for file in all_files(home / "checkpoints") if is_unfinished(file.name)]
    scratch = sorted((home / "run" / "scratch").glob("*"), key=lambda folder: folder.stat().st_mtime)
    return [*unfinished, *scratch[:-1]]
