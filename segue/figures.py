"""Writes the results of a command as JSON (`--json FILE`; `-` is standard output)."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from segue.errors import SegueError
from segue.places import PROGRAM

STANDARD_OUTPUT = Path("-")
_PIPE_WIDTH = 1000
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the results to FILE as JSON; - is standard output."),
]
"""The option `--json`, the same for each command."""


def on_stdout(json_file: Path | None) -> bool:
    """Whether the JSON goes to standard output; the lines for people then go to standard error."""
    return json_file == STANDARD_OUTPUT


def say(line: str, json_file: Path | None = None) -> None:
    """Print a line of results for people, with commands in the form of this installation."""
    typer.echo(line.replace("./run.sh", PROGRAM), err=on_stdout(json_file))


def console(json_file: Path | None = None) -> Console:
    """The console for tables of results for people. It shows square brackets unchanged.

    In a pipe, tables have their full width, so that no value is cut; COLUMNS sets another one.
    """
    made = Console(stderr=on_stdout(json_file), markup=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _PIPE_WIDTH
    return made


def can_write(path: Path | None) -> None:
    """Check before a long computation that its results can be written; None means no file.

    Raises
    ------
    SegueError
        The path is a folder, its folder does not exist, or it is not writable.
    """
    if path is None or on_stdout(path):
        return
    try:
        there = path.exists()
        if path.is_dir():
            raise SegueError(f"--json {path} is a folder: give a file")
        if not there and not path.parent.is_dir():
            raise SegueError(f"--json {path}: the folder {path.parent} does not exist")
    except OSError as error:
        raise SegueError(f"--json {path}: {error.strerror}") from None
    if not os.access(path if there else path.parent, os.W_OK):
        raise SegueError(f"--json {path} is not writable")


def write_figures(path: Path | None, figures: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write results as JSON; NaN and infinite numbers become null. None means no file.

    Raises
    ------
    SegueError
        The file cannot be written.
    """
    if path is None:
        return
    text = json.dumps(_plain(figures), indent=1, allow_nan=False) + "\n"
    if on_stdout(path):
        sys.stdout.write(text)
        return
    try:
        path.write_text(text)
    except OSError as error:
        raise SegueError(f"--json {path}: {error.strerror}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
