"""`./run.sh backup create` and `backup restore`: data that cannot be recomputed, to a file and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from segue.confirmation import Yes, confirm
from segue.errors import one_line_errors
from segue.local.stack import connected
from segue.privacy import backup as backups
from segue.settings import load_settings
from segue.storage.store import Store, open_store

File = Annotated[Path, typer.Argument(help="The archive.")]


def backup(file: File) -> None:
    """Save accounts, playlists, opinions, tastes, listening and what is shared, as of one moment.

    Nothing has to be stopped. Left out is what the library and the other commands make again: tracks, covers,
    features, embeddings, index. The file holds hashes of passwords and what people listen to: keep it safe.

    Example:  ./run.sh backup create segue-2026-11-21.gz
    """
    with one_line_errors():
        counts = backups.backup(_store(), file)
        typer.echo(f"{file}: {file.stat().st_size:,} bytes; {_counted(counts)}")


def restore(
    file: File,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put its documents over those of the same id.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Put a backup back. The file is read to its end first; a damaged one changes nothing.

    Listeners who have left since it was made stay out, as far as the database remembers them. Stop the stream
    and the dashboard before, start them afterwards.

    Example:  ./run.sh backup restore segue-2026-11-21.gz
    """
    with one_line_errors():
        if replace:
            confirm(f"Replace documents of the database by those of {file}?", yes=yes)
        typer.echo(f"restored: {_counted(backups.restore(_store(), file, replace=replace))}")


def _store() -> Store:
    return open_store(connected(load_settings(), kafka=False))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()) if count) or "nothing"
