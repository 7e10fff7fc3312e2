"""Simulates the stream as a queue with batch service, from the costs that `capacity` measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SECONDS = 300.0
"""Seconds of arrivals in the simulation of a curve."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The costs of a micro-batch: a fixed time, and the time of each event."""

    batch_ms: float
    event_ms: float

    @property
    def most_per_second(self) -> float:
        """The capacity in events per second, beyond which the queue grows without limit."""
        return 1000 / self.event_ms


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The waiting times of a queue."""

    p50_ms: float
    p99_ms: float
    backlog: int
    """Events in the queue at the end; at most those of a micro-batch if the queue is stable."""


def simulate(costs: Costs, *, per_second: float, seconds: float, seed: int = 1) -> Waiting:
    """Simulate Poisson arrivals; each micro-batch takes all waiting events, as in Structured Streaming.

    The waiting time of an event ends with its micro-batch. The first tenth of the simulation, in which the
    queue fills, is left out.

    Parameters
    ----------
    per_second
        Events per second.
    seconds
        Duration of the arrivals.
    """
    rng = np.random.default_rng(seed)
    horizon = seconds * 1000
    arrivals = np.sort(rng.uniform(0, horizon, size=rng.poisson(per_second * seconds)))
    end = 0.0
    taken, times = 0, []
    while taken < len(arrivals) and end < horizon:
        start = max(end, arrivals[taken])
        waiting = int(np.searchsorted(arrivals, start, side="right"))
        end = start + costs.batch_ms + costs.event_ms * (waiting - taken)
        times.append(end - arrivals[taken:waiting])
        taken = waiting
    waited = np.concatenate(times)[np.searchsorted(arrivals, horizon / 10) :]
    p50, p99 = np.percentile(waited, [50, 99])
    return Waiting(p50_ms=float(p50), p99_ms=float(p99), backlog=len(arrivals) - taken)


def curve(costs: Costs, loads: Sequence[int]) -> dict[int, Waiting]:
    """The queue after five minutes at each load, in percent of its capacity."""
    most = costs.most_per_second
    return {load: simulate(costs, per_second=load / 100 * most, seconds=SECONDS) for load in loads}


def draw(costs: Costs, file: Path) -> None:
    """Draw waiting time against load, in the format of the file's suffix."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    waiting_at = curve(costs, range(5, 100, 5))
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, values in (
        ("half of the plays wait less", [waiting.p50_ms for waiting in waiting_at.values()]),
        ("99 of 100 wait less", [waiting.p99_ms for waiting in waiting_at.values()]),
    ):
        axes.plot(list(waiting_at), [value / 1000 for value in values], marker="o", markersize=3, label=name)
    axes.set(xlabel="load, % of the machine's capacity", ylabel="seconds from a play to its recommendations")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.axvline(45, color="gray", linestyle=":")
    axes.axvline(90, color="gray", linestyle=":")
    axes.annotate("expected", (45, 0.02), xycoords=("data", "axes fraction"), ha="right", rotation=90)
    axes.annotate("twice that", (90, 0.02), xycoords=("data", "axes fraction"), ha="right", rotation=90)
    axes.legend(frameon=False)
    figure.savefig(file, dpi=110)
    plt.close(figure)
