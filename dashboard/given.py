"""Values of widgets as a page may use them: a browser can send any value, not only those that are offered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Option = TypeVar("Option")


def text(value: object) -> str:
    """The text of a field; empty for a value that is not text."""
    return value if isinstance(value, str) else ""


def one_of(value: object, options: Iterable[Option], *, default: Option) -> Option:
    """The chosen option; the default for any other value."""
    return next((option for option in options if option == value), default)


def some_of(values: object, options: Iterable[str]) -> list[str]:
    """The chosen options, each once, in the order of the choice; without other values."""
    if not isinstance(values, list | tuple):
        return []
    known = frozenset(options)
    return list(dict.fromkeys(value for value in values if isinstance(value, str) and value in known))
