"""The notes of a checkpoint about the topics: which topic each query reads, and the records that it lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from segue.streaming_jobs.checkpoint_folder import Files

log = logging.getLogger(__name__)
_NOTE = "topic.json"
"""The note in a query's folder. Spark does not read it."""
_ENDS = "topic_ends.json"
"""The note of the last sample, in the checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Records that a query will never read."""

    cause: str
    records: int
    """At least so many."""
    at: float
    """When it was accepted, in epoch seconds."""


@dataclass(frozen=True, kw_only=True)
class TopicNote:
    """The topics of a query. Checkpoints of earlier releases have no note."""

    id: str | None = None
    """The id of the topic of plays whose offsets are in the checkpoint."""
    output_id: str | None = None
    """The id of the topic that the query writes to; None for a query that writes to MongoDB."""
    lost: tuple[Lost, ...] = field(default=())

    def losing(self, cause: str, records: int) -> TopicNote:
        """The note with one more loss."""
        loss = Lost(cause=cause, records=records, at=datetime.now(UTC).timestamp())
        return replace(self, lost=(*self.lost, loss))


def read_note(checkpoint: Files, query: str) -> TopicNote:
    """The note of a query; an empty one if there is none or if it cannot be read."""
    found = _read(checkpoint, f"{query}/{_NOTE}")
    try:
        lost = tuple(Lost(**loss) for loss in found.pop("lost", ()))
        return TopicNote(**found, lost=lost)
    except TypeError as error:
        log.warning("%s/%s is not as it was written: %s", query, _NOTE, error)
        return TopicNote()


def write_topic_note(checkpoint: Files, query: str, note: TopicNote) -> None:
    checkpoint.replace(f"{query}/{_NOTE}", json.dumps(asdict(note)).encode())


def read_ends(checkpoint: Files) -> dict[str, dict[int, int]]:
    """The ends of the last noted sample by partition, by the id of the topic."""
    return {
        identity: {int(number): end for number, end in ends.items()}
        for identity, ends in _read(checkpoint, _ENDS).items()
    }


def write_ends(checkpoint: Files, ends: Mapping[str, Mapping[int, int]]) -> None:
    checkpoint.replace(
        _ENDS, json.dumps({identity: dict(found) for identity, found in ends.items()}).encode()
    )


def _read(checkpoint: Files, path: str) -> dict[str, Any]:
    content = checkpoint.read(path)
    try:
        found = json.loads(content) if content else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        log.warning("%s is damaged: a topic that was created again is not recognised by its id", path)
        return {}
    return found
