"""Reads a password from standard input, or asks for it on the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from segue.errors import UsageError

PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input, up to the line's end."),
]


def asked(text: str = "Password", *, from_stdin: bool, twice: bool = True) -> str:
    """The password; `twice` asks for it again on a terminal, as for a new one.

    Raises
    ------
    UsageError
        Standard input is neither a terminal nor has a password.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        if given := sys.stdin.readline().rstrip("\r\n"):
            return given
        raise UsageError("there is no terminal to ask for the password: pipe it in, and add --password-stdin")
    answer: str = typer.prompt(text, hide_input=True, confirmation_prompt=twice, err=True)
    return answer
