"""The schedule of faults, which follows from a seed, so that a run can be repeated."""

from __future__ import annotations

import enum
import random
from collections.abc import Sequence
from dataclasses import dataclass


class Kind(enum.StrEnum):
    """A kind of fault."""

    KILL = "kill"
    """SIGKILL."""
    STOP = "stop"
    """SIGSTOP, and SIGCONT after some seconds."""
    DISK = "disk"
    """No file of the process can grow for some seconds, as on a full disk."""
    FLOOD = "flood"
    """Thousands of malformed records in the topic of plays."""
    ELECTION = "election"
    """The primary of MongoDB's replica set steps down."""


TARGETS: dict[Kind, tuple[str, ...]] = {
    Kind.KILL: (
        "broker",
        "mongod-primary",
        "mongod-secondary",
        "stream",
        "stream-jvm",
        "worker",
        "dashboard",
    ),
    Kind.STOP: ("broker", "mongod-primary", "mongod-secondary", "stream", "worker", "dashboard"),
    Kind.DISK: ("broker", "mongod-primary", "stream", "dashboard"),
    Kind.FLOOD: ("topic",),
    Kind.ELECTION: ("mongod-primary",),
}
_SECONDS = {Kind.STOP: (3.0, 25.0), Kind.DISK: (5.0, 20.0)}
"""How long a fault lasts, at least and at most."""
_PAUSE = (15.0, 45.0)
"""Seconds between the end of a fault and the next, in which the service mostly does not recover."""
_REST = (90.0, 150.0)
"""The same, so long that the service recovers and works off the backlog."""


@dataclass(frozen=True)
class Fault:
    """A fault at a time, `at` seconds after the beginning, that lasts for `seconds`."""

    at: float
    kind: Kind
    target: str
    seconds: float = 0.0

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.0f} s" if self.seconds else ""
        return f"{self.at:6.0f} s  {self.kind} {self.target}{lasts}"


def schedule(
    seed: int, *, seconds: float, only: Sequence[tuple[Kind, str]] = (), rest_after: int = 4
) -> list[Fault]:
    """The faults of a run in the order of their times.

    Every pair of a kind and a target occurs once before any occurs again.

    Parameters
    ----------
    seconds
        The time in which all faults begin and end.
    only
        Pairs to draw from; all if empty.
    rest_after
        The number of faults after which the service may recover.
    """
    rng = random.Random(seed)
    pairs = list(only) or [(kind, target) for kind, targets in TARGETS.items() for target in targets]
    faults: list[Fault] = []
    waiting: list[tuple[Kind, str]] = []
    at = rng.uniform(*_PAUSE)
    while True:
        if not waiting:
            waiting = rng.sample(pairs, len(pairs))
        kind, target = waiting.pop()
        fault = Fault(at, kind, target, rng.uniform(*_SECONDS[kind]) if kind in _SECONDS else 0.0)
        if fault.at + fault.seconds > seconds:
            return faults
        faults.append(fault)
        at += fault.seconds + rng.uniform(*(_PAUSE if len(faults) % rest_after else _REST))
