"""The command that composes sample music, and its progress on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from segue.counted import counted
from segue.demo.library import STYLES, DemoTrack, compose_library
from segue.errors import one_line_errors


def compose(folder: Annotated[Path, typer.Argument(help="The folder for the tracks.")]) -> None:
    """Compose 64 sample tracks in 8 styles as mp3 files, to try Segue without music.

    Existing tracks and other files in the folder are kept. The command takes about a minute.

    Example: ./run.sh library compose music

    Example: ./run.sh library compose music && ./run.sh library ingest music
    """
    with one_line_errors():
        tracks = composed(folder, console=Console(stderr=True))
        typer.echo(f"{folder}: {counted(len(tracks), 'track')} in {counted(len(STYLES), 'style')}")


def composed(folder: Path, *, console: Console) -> list[DemoTrack]:
    """The tracks of the demo library, composed into `folder` with a progress bar."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Composing")
        return compose_library(
            folder, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
