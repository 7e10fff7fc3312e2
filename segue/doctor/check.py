"""The result of a check, and the report of all results. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from segue.places import PROGRAM

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    state: State
    found: str
    fix: str = ""
    """The remedy; empty if the state is ok."""


def ok(name: str, found: str) -> Check:
    """Nothing to correct."""
    return Check(name, "ok", found)


def warning(name: str, found: str, fix: str) -> Check:
    """Something works less well, or a part of Segue does not work here."""
    return Check(name, "warning", found, fix)


def problem(name: str, found: str, fix: str) -> Check:
    """Segue does not work until this is corrected."""
    return Check(name, "problem", found, fix)


def lines(checks: Iterable[Check]) -> list[str]:
    """The report as text: a line with state, name and finding; below it the remedy."""
    shown = []
    for check in checks:
        shown.append(f"{check.state:8} {check.name}: {check.found}")
        if check.fix:
            shown.append(f"{'':8} -> {check.fix}".replace("./run.sh", PROGRAM))
    return shown


def plain(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The report as values for JSON."""
    return [asdict(check) for check in checks]


def failed(checks: Iterable[Check]) -> bool:
    """Whether there is a problem."""
    return any(check.state == "problem" for check in checks)
