"""`./run.sh library update`: one pass that brings catalogue, features, embeddings and index up to date.

Delivery: that of its steps, each of which writes by track id or version and continues after an interruption.
New songs can be played as soon as they are read. Their sound is analysed in rounds
(`library.tracks_per_round`), each of which ends with an index that has them.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from segue.audio.describe_here import Describers
from segue.batch_jobs.library_pass import NO_SERVERS, LibraryPass, ServersToRead
from segue.batch_jobs.update_summary import UpdateSummary
from segue.catalog.library import Library, library_of, named_libraries
from segue.collections import prepare
from segue.connected.connections import Connection, Connections
from segue.errors import SegueError, line_of, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.local.stack import connected
from segue.operations.library_status import LibraryStatus
from segue.people.audit import AuditLog
from segue.places import LOCAL
from segue.settings import Settings, load_settings
from segue.storage.mongo import PyMongoError
from segue.storage.store import Job, Store, open_store

UNUSABLE = "./run.sh library rejected"
"""The command that lists unusable files."""


def update_library(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of music. Default: those of the setting library.folders."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Bring everything up to date with folders of music and connected servers: catalogue, features, index.

    Only new and changed files are read. An interrupted run continues where it stopped. A file that was
    changed within the last seconds (library.settle_time) may still be written, and waits for the next run.
    Nothing in a folder of music is written, moved or deleted.

    Example: ./run.sh library update ~/Music

    Example: ./run.sh library update --json update.json
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        store = open_store(settings)
        prepare(store, Job.CATALOGUE)
        servers = Connections(store).all()
        libraries = libraries_of(settings, folders or [], servers=servers)
        summary = run(settings, store, libraries, servers=ServersToRead(servers))
        AuditLog(store).note_of_library("library-updated")
        write_figures(json_file, asdict(summary))
        say(summary.sentence(), json_file)
        if summary.rejected or summary.undescribed:
            say(f"{UNUSABLE}: the files that cannot be used, with the reasons", json_file)
        if summary.faults:
            raise SegueError("; ".join(summary.faults))


def libraries_of(
    settings: Settings, folders: Sequence[Path], *, servers: Sequence[Connection] = ()
) -> list[Library]:
    """The libraries of the given folders, or those of the settings; none if only servers are connected.

    A given folder stands for its library with all its folders; if the settings name none, for a library with
    the folder's name.

    Raises
    ------
    SegueError
        Neither names a folder, and no server is connected.
    """
    libraries = [library_of(settings.library, folder) for folder in folders]
    libraries = list(dict.fromkeys(libraries)) or named_libraries(settings.library)
    if not libraries and not servers:
        raise SegueError("no folder of music: name one, or set library.folders")
    return libraries


def run(
    settings: Settings,
    store: Store,
    libraries: Sequence[Library],
    *,
    quiet: bool = False,
    only_changes: bool = False,
    measuring: Callable[[], bool] = lambda: True,
    status: LibraryStatus | None = None,
    servers: ServersToRead = NO_SERVERS,
) -> UpdateSummary:
    """One pass over libraries and connected servers. With `only_changes`, a pass that finds no change leaves
    embeddings and index as they are.

    The last steps compute fingerprints that an earlier release has not, and measure loudness, which takes
    longer than all others. They end when `measuring` is false, and leave the rest to a later pass.

    A library or a server that cannot be read is reported in `faults`; the others are brought up to date.

    Raises
    ------
    SegueError
        Another pass is running on this machine, or a step fails.
    """
    began = time.monotonic()
    status = status or LibraryStatus(store)
    with alone(), Describers(settings.audio) as describers:
        status.begin()
        try:
            summary = LibraryPass(settings, store, status, describers, quiet=quiet).run(
                libraries, servers, began=began, only_changes=only_changes, measuring=measuring
            )
        except Exception as error:
            with suppress(PyMongoError):  # the error itself says that MongoDB is away
                status.fail(line_of(error) or repr(error))
            raise
        if summary.faults:
            status.fail("; ".join(summary.faults))
        else:
            status.end(summary.sentence())
    return summary


@contextmanager
def alone() -> Iterator[None]:
    """The right to make a pass on this machine.

    Raises
    ------
    SegueError
        Another process has it.
    """
    (LOCAL / "run").mkdir(parents=True, exist_ok=True)  # the only writable folder of a deployed release
    with (LOCAL / "run" / "library.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SegueError(
                "another library update is running on this machine (library watch?): wait for its end"
            ) from None
        yield
