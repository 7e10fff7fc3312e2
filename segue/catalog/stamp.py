"""The stamp that shows whether features are current: their version, and the file's size and time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Stamp(NamedTuple):
    """The version of computed or attempted features, and the size and time of their file."""

    version: str | None
    size: int | None
    modified_ns: int | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Stamp:
        """The stamp of a document; a field that it lacks is None."""
        return cls(document.get("version"), document.get("size"), document.get("modified_ns"))
