"""The plan of a micro-batch, the file `offsets/N` of a checkpoint, as Spark writes it for Segue's queries.

It has three lines: the version of the format, the times, and the offsets of the only source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

_TIMES, _SOURCE = 1, 2
_UNKNOWN = "-"
"""Stands for the offsets of a source that had none."""


class _Times(BaseModel, strict=True):
    batchTimestampMs: int = 0  # noqa: N815


Offsets = dict[str, dict[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]]
"""The next offset by topic and partition, as Spark's Kafka source writes it."""


class _LogOffset(BaseModel, strict=True, extra="forbid"):
    """The place of a source that reads files."""

    logOffset: int  # noqa: N815


_OFFSETS = TypeAdapter(Offsets)
_PLACE: TypeAdapter[Offsets | _LogOffset] = TypeAdapter(Offsets | _LogOffset)


@dataclass(frozen=True)
class Plan:
    """The plan of a micro-batch."""

    at: int
    """When it was made, in epoch ms."""
    ends: Offsets
    """The offsets at which the batch ends; none for another source than Kafka's."""
    lines: tuple[str, ...]

    @classmethod
    def of(cls, content: bytes) -> Plan | None:
        """The plan in a file; None if the file is damaged."""
        lines = content.decode(errors="replace").split("\n")
        if len(lines) <= _SOURCE or not re.fullmatch(r"v\d+", lines[0]):
            return None
        source = lines[_SOURCE]
        try:
            times = _Times.model_validate_json(lines[_TIMES])
            place = {} if source == _UNKNOWN else _PLACE.validate_json(source, strict=True)
        except ValidationError:
            return None
        return cls(times.batchTimestampMs, {} if isinstance(place, _LogOffset) else place, tuple(lines))

    def ending_at(self, offsets: str) -> bytes:
        """The content of a file with the same plan and other offsets, as JSON."""
        return "\n".join((*self.lines[:_SOURCE], offsets, *self.lines[_SOURCE + 1 :])).encode()


def offsets_of(text: str) -> Offsets | None:
    """Offsets from the JSON of Spark's Kafka source; None if it is something else."""
    try:
        return _OFFSETS.validate_json(text, strict=True)
    except ValidationError:
        return None
