"""The notes of a checkpoint about the topics: which topic each query reads, and the records that it lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, ClassVar, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

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
    records: Annotated[int, Field(ge=0)]
    """At least so many."""
    at: Annotated[float, Field(allow_inf_nan=False)]
    """When it was accepted, in epoch seconds."""


@dataclass(frozen=True, kw_only=True)
class TopicNote:
    """The topics of a query. Checkpoints of earlier releases have no note."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    id: str | None = None
    """The id of the topic of plays whose offsets are in the checkpoint."""
    output_id: str | None = None
    """The id of the topic that the query writes to; None for a query that writes to MongoDB."""
    lost: tuple[Lost, ...] = ()

    def losing(self, cause: str, records: int) -> TopicNote:
        """The note with one more loss."""
        loss = Lost(cause=cause, records=records, at=datetime.now(UTC).timestamp())
        return replace(self, lost=(*self.lost, loss))


Ends = dict[str, dict[int, int]]
"""The ends of topics by partition, by the id of the topic."""
Form = TypeVar("Form")
_NOTE_FORM, _ENDS_FORM = TypeAdapter(TopicNote), TypeAdapter(Ends)


def read_note(checkpoint: Files, query: str) -> TopicNote:
    """The note of a query; an empty one if there is none or if it cannot be read."""
    return _read(checkpoint, f"{query}/{_NOTE}", _NOTE_FORM) or TopicNote()


def write_topic_note(checkpoint: Files, query: str, note: TopicNote) -> None:
    checkpoint.replace(f"{query}/{_NOTE}", json.dumps(asdict(note)).encode())


def read_ends(checkpoint: Files) -> Ends:
    """The ends in the last noted sample; none if they cannot be read."""
    return _read(checkpoint, _ENDS, _ENDS_FORM) or {}


def write_ends(checkpoint: Files, ends: Mapping[str, Mapping[int, int]]) -> None:
    checkpoint.replace(
        _ENDS, json.dumps({identity: dict(found) for identity, found in ends.items()}).encode()
    )


def _read(checkpoint: Files, path: str, form: TypeAdapter[Form]) -> Form | None:
    content = checkpoint.read(path)
    try:
        return form.validate_json(content, strict=True) if content else None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        log.warning(
            "%s is damaged%s: %s. A topic that was created again is not recognised by its id",
            path,
            place and f" at {place}",
            first["msg"],
        )
        return None
