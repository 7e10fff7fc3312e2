"""The page on exit statuses."""

from __future__ import annotations

from segue.documentation.reference import markdown as md
from segue.errors import EXIT_STATUSES


def render() -> str:
    """The page."""
    return md.page(
        "Exit statuses",
        "Results go to standard output. Progress and errors go to standard error. An error that you can "
        "fix is one line: "
        "the cause, and the remedy.",
        md.table(
            ("status", "meaning"),
            ((str(status), meaning) for status, meaning in EXIT_STATUSES.items()),
        ),
    )
