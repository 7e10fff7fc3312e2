"""The place in the topic from which a query continues, as its checkpoint has it, and its change.

A query continues at the end of its newest committed batch N, which is in `offsets/N`. A plan `offsets/N+1`
without a commit is a batch in progress, which Spark repeats with exactly these records.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from segue.errors import SegueError
from segue.streaming_jobs.checkpoint_folder import ASIDE, Files
from segue.streaming_jobs.damage import after
from segue.streaming_jobs.plans import Plan, offsets_of

_INITIAL = "sources/0/0"
"""The offsets from which a query without a committed batch starts."""


@dataclass(frozen=True)
class Position:
    """The place of a query in its topic."""

    query: str
    """The folder of the query in the checkpoint."""
    batch: int = -1
    """The newest committed batch; -1 if there is none."""
    at: int = 0
    """When that batch was planned, in epoch ms."""
    offsets: Mapping[int, int] = field(default_factory=dict)
    """The next offset by partition."""
    planned: Mapping[int, int] = field(default_factory=dict)
    """The end of the batch in progress by partition; empty without one."""


def position(checkpoint: Files, query: str, *, topic: str) -> Position | None:
    """The place of a query; None if its checkpoint is new.

    Raises
    ------
    SegueError
        A plan cannot be read.
    """
    plans = _numbers(checkpoint.names(f"{query}/offsets"))
    commits = _numbers(checkpoint.names(f"{query}/commits"))
    if not plans:
        return None
    batch = max(commits, default=-1)
    later = max((number for number in plans if number > batch), default=None)
    planned = {} if later is None else _plan(checkpoint, query, later).ends.get(topic, {})
    if batch < 0:
        return Position(query, offsets=_initial(checkpoint, query, topic), planned=planned)
    plan = _plan(checkpoint, query, batch)
    return Position(query, batch=batch, at=plan.at, offsets=plan.ends.get(topic, {}), planned=planned)


def move(checkpoint: Files, place: Position, offsets: Mapping[int, int], *, topic: str) -> str:
    """Let a query continue at other offsets; a batch in progress is planned again. Its state stays.

    Returns
    -------
    The folder in the checkpoint that has the former files.
    """
    query, into = place.query, f"{ASIDE}/{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    for path in after(checkpoint, query, place.batch):
        checkpoint.move(path, into=into)
    if place.batch < 0:
        checkpoint.move(f"{query}/{_INITIAL}", into=into)
        return into
    path, plan = f"{query}/offsets/{place.batch}", _plan(checkpoint, query, place.batch)
    checkpoint.write(f"{into}/{path}", "\n".join(plan.lines).encode())
    ends = json.dumps({topic: {str(n): offset for n, offset in sorted(offsets.items())}})
    checkpoint.replace(path, plan.ending_at(ends))
    return into


def _initial(checkpoint: Files, query: str, topic: str) -> dict[int, int]:
    """The offsets from which the first batch starts; Spark writes a zero and the version before them."""
    content = checkpoint.read(f"{query}/{_INITIAL}").decode(errors="replace")
    return (offsets_of(content.rpartition("\n")[2]) or {}).get(topic, {})


def _plan(checkpoint: Files, query: str, batch: int) -> Plan:
    path = f"{query}/offsets/{batch}"
    if plan := Plan.of(checkpoint.read(path)):
        return plan
    raise SegueError(f"the checkpoint is damaged: {path}. Run `./run.sh stream repair`")


def _numbers(names: list[str]) -> list[int]:
    return [int(name) for name in names if name.isdigit()]
