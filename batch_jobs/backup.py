"""`./run.sh backup create` and `backup restore`: data that cannot be recomputed, to a file and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from segue.confirmation import Yes, confirm
from segue.counted import counted
from segue.errors import one_line_errors
from segue.local.stack import connected
from segue.people.audit import AuditLog
from segue.privacy import backup as backups
from segue.settings import load_settings
from segue.storage.store import Store, open_store

File = Annotated[Path, typer.Argument(help="The backup file.")]


def backup(file: File) -> None:
    """Save accounts, playlists, likes, tastes, listening history and shared links to a file.

    The backup is a snapshot of one time, and nothing has to be stopped. Tracks, covers, features, embeddings
    and the index are left out: other commands can rebuild them. The file contains password hashes and
    listening histories: keep it safe. An existing file is not replaced.

    Example: ./run.sh backup create segue-2026-11-21.gz

    Example: ./run.sh backup create /backups/segue.gz
    """
    with one_line_errors():
        store = _store()
        counts = backups.backup(store, file)
        AuditLog(store).note("backup-created", by="command")
        typer.echo(f"{file}: {counted(file.stat().st_size, 'byte')}; {_counted(counts)}")


def restore(
    file: File,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace stored documents with the same id. Without it, the database must be empty.",
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Load a backup into the database. A damaged file changes nothing.

    Stop the stream and the dashboard first, and start them afterwards. Listeners who were forgotten after the
    backup are left out, as long as the database still has their hashes.

    Example: ./run.sh backup restore segue-2026-11-21.gz

    Example: ./run.sh backup restore --replace --yes segue-2026-11-21.gz
    """
    with one_line_errors():
        if replace:
            confirm(f"Replace documents of the database by those of {file}?", yes=yes)
        store = _store()
        counts = backups.restore(store, file, replace=replace)
        AuditLog(store).note("backup-restored", by="command")
        typer.echo(f"restored: {_counted(counts)}")


def _store() -> Store:
    return open_store(connected(load_settings(), kafka=False))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()) if count) or "nothing"
