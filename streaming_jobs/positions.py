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

_SOURCE_LINE = 2
"""The line of a plan with the offsets of the only source; before it are the version and the times."""
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
    planned = {} if later is None else _offsets(_plan(checkpoint, query, later), topic)
    if batch < 0:
        return Position(query, offsets=_initial(checkpoint, query, topic), planned=planned)
    lines = _plan(checkpoint, query, batch)
    at = int(json.loads(lines[1]).get("batchTimestampMs", 0))
    return Position(query, batch=batch, at=at, offsets=_offsets(lines, topic), planned=planned)


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
    path, lines = f"{query}/offsets/{place.batch}", _plan(checkpoint, query, place.batch)
    checkpoint.write(f"{into}/{path}", "\n".join(lines).encode())
    lines[_SOURCE_LINE] = json.dumps({topic: {str(n): offset for n, offset in sorted(offsets.items())}})
    checkpoint.replace(path, "\n".join(lines).encode())
    return into


def _initial(checkpoint: Files, query: str, topic: str) -> dict[int, int]:
    """The offsets from which the first batch starts; Spark writes a zero and the version before them."""
    content = checkpoint.read(f"{query}/{_INITIAL}").decode(errors="replace")
    try:
        found = json.loads(content.rpartition("\n")[2] or "{}")
        return {int(n): int(offset) for n, offset in found.get(topic, {}).items()}
    except (ValueError, AttributeError):
        return {}


def _plan(checkpoint: Files, query: str, batch: int) -> list[str]:
    path = f"{query}/offsets/{batch}"
    lines = checkpoint.read(path).decode(errors="replace").split("\n")
    try:
        if len(lines) > _SOURCE_LINE and isinstance(json.loads(lines[_SOURCE_LINE]), dict):
            return lines
    except ValueError:
        pass
    raise SegueError(f"the checkpoint is damaged: {path}. Run `./run.sh stream repair`")


def _offsets(lines: list[str], topic: str) -> dict[int, int]:
    return {int(n): int(offset) for n, offset in json.loads(lines[_SOURCE_LINE]).get(topic, {}).items()}


def _numbers(names: list[str]) -> list[int]:
    return [int(name) for name in names if name.isdigit()]
