"""Asks for confirmation before a command destroys or replaces data."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from segue.errors import UsageError

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
"""The option `--yes`, the same for each command."""


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal unless `--yes` was given.

    Raises
    ------
    UsageError
        Standard input is not a terminal.
    typer.Abort
        The answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Standard input is not a terminal: add --yes to confirm")
    typer.confirm(question, abort=True, err=True)
