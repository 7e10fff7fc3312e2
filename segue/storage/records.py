"""The types of the fields of stored records.

A record is a TypedDict. Its annotations give the type of each field; :class:`Rule` objects in `Annotated`
give further conditions. :mod:`segue.storage.record_shapes` makes the check of a stored value from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Rule(Protocol):
    """A condition in the `Annotated` type of a field, for values of the right type.

    With an attribute `of_parts` that is true, it also applies if a query returns only parts of the value.
    """

    def fault(self, value: Any) -> str | None:
        """The fault of the value; None if it fits."""


@dataclass(frozen=True)
class Between:
    """A number within inclusive bounds."""

    low: float
    high: float

    def fault(self, value: Any) -> str | None:
        return None if self.low <= value <= self.high else f"is not {self}"

    def __str__(self) -> str:
        return f"from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Numeral:
    """A text that is the decimal form of a whole number from 0 to `high`."""

    high: int

    def fault(self, value: Any) -> str | None:
        number = int(value) if value.isascii() and value.isdigit() and len(value) <= 19 else -1
        return None if 0 <= number <= self.high else f"is not a whole number up to {self.high}"


class Aligned:
    """A mapping whose lists, those in mappings within it included, are equally long."""

    def fault(self, value: Any) -> str | None:
        inner = [one for one in value.values() if isinstance(one, dict)]
        lists = [one for own in (value, *inner) for one in own.values() if isinstance(one, list)]
        lengths = {len(one) for one in lists}
        return None if len(lengths) <= 1 else f"has lists of different lengths: {sorted(lengths)}"


@dataclass(frozen=True)
class PackedVector:
    """Bytes of float32 numbers; with `finite`, without infinities and NaN."""

    finite: bool = True

    def fault(self, value: Any) -> str | None:
        if len(value) % 4:
            return f"has {len(value)} bytes, no multiple of 4"
        if not self.finite or np.isfinite(np.frombuffer(value, "<f4")).all():
            return None
        return "has values that are not numbers"


class Readable:
    """In the `Annotated` type of a text: a number in its place is read as text."""


LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, beyond which Python has no dates."""
EpochMs = Annotated[int, Between(0, LATEST_MS)]
Count = Annotated[int, Between(0, 2**53)]
Vector = Annotated[bytes, PackedVector()]
"""float32, little-endian."""
