"""`./run.sh history import` and the commands beside it: the histories that other services have kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from segue.confirmation import Yes, confirm
from segue.counted import counted
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, console, say, write_figures
from segue.imports.days import ImportedDays
from segue.imports.exports import Exports
from segue.imports.importing import Importer, Summary, match_again, preview, unmatched
from segue.imports.libraries import SeenLibraries
from segue.imports.play import REASONS
from segue.imports.runs import ImportRun, Imports, is_stalled
from segue.local.stack import connected
from segue.people.accounts import Accounts
from segue.people.audit import AuditLog
from segue.settings import Settings, load_settings
from segue.storage.store import Store, open_store

Name = Annotated[str, typer.Argument(help="The name of an account.")]
_SHOWN = 10


def import_history(
    name: Name,
    files: Annotated[
        list[Path],
        typer.Argument(help="Exports of a service: files, folders or ZIP archives, as you received them."),
    ],
    only_preview: Annotated[
        bool, typer.Option("--preview", help="Show the result without importing anything.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Import a listener's history from other services.

    It reads Spotify's extended streaming history and account data, ListenBrainz's exports and dumps,
    tables of scrobbles from Last.fm (CSV, JSON), and exports of Segue. Plays whose songs are not in the
    library are kept, and matched again by each `library update`. A play counts once, however often it is
    imported. If an import was interrupted, import the same files again to complete it.

    Example: ./run.sh history import Ada my_spotify_data.zip --preview

    Example: ./run.sh history import Ada my_spotify_data.zip

    Example: ./run.sh history import Ada lastfm.csv listenbrainz.zip
    """
    with one_line_errors():
        can_write(json_file)
        store, settings = _connect()
        user_id = _listener(store, name)
        exports = Exports(files, most_bytes=settings.imports.max_size)
        say("reading the library", json_file)
        library = SeenLibraries(store, settings).of(user_id)
        with _bar() as bar:
            task = bar.add_task("Reading" if only_preview else "Importing", total=exports.total)

            def progress(read: int) -> None:
                bar.update(task, completed=read)

            if only_preview:
                there = ImportedDays(store).places(user_id)
                summary = preview(exports, library, there=there, progress=progress)
            else:
                summary = Importer(store, user_id).run(
                    exports, library, files=[file.name for file in files], progress=progress
                )
                AuditLog(store).note("history-imported", by="command", user_id=user_id)
        write_figures(json_file, _figures(summary))
        _show(summary, only_preview=only_preview, json_file=json_file)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _figures(summary: Summary) -> dict[str, object]:
    return {
        "rows": summary.rows,
        "plays": summary.plays,
        "stored": summary.stored,
        "known": summary.known,
        "matched": summary.matched,
        "ambiguous": summary.ambiguous,
        "not_in_library": summary.plays - summary.matched - summary.ambiguous,
        "left_out": dict(summary.left_out),
        "unknown_files": summary.unknown_files,
        "years": {str(year): number for year, number in sorted(summary.years.items())},
    }


def _show(summary: Summary, *, only_preview: bool, json_file: Path | None) -> None:
    shown = console(json_file)
    years = sorted(summary.years)
    table = Table(
        "", "plays", title=f"{counted(summary.rows, 'row')}, {years[0]} to {years[-1]}", show_header=False
    )
    for words, number in (
        ("new", summary.stored),
        ("imported before, or twice in the files", summary.known),
        ("in the library", summary.matched),
        ("could be several tracks", summary.ambiguous),
        ("not in the library", summary.plays - summary.matched - summary.ambiguous),
    ):
        table.add_row(words, f"{number:,}")
    for reason, number in summary.left_out.most_common():
        table.add_row(f"left out: {REASONS[reason]}", f"{number:,}")
    shown.print(table)
    for name in summary.unknown_files[:_SHOWN]:
        say(f"no history: {ascii(name)[1:-1]}", json_file)
    if len(summary.unknown_files) > _SHOWN:
        say(f"and {counted(len(summary.unknown_files) - _SHOWN, 'other file')}", json_file)
    if only_preview:
        for song, number in summary.missing.most_common(_SHOWN):
            say(f"not in the library: {ascii(song)[1:-1]} ({counted(number, 'play')})", json_file)
        say("nothing was imported: run the command without --preview to import", json_file)


def list_imports(name: Name, json_file: JsonFile = None) -> None:
    """List a listener's imports: their files, times and counts, and the rows that were left out.

    Example: ./run.sh history list Ada

    Example: ./run.sh history list Ada --json -
    """
    with one_line_errors():
        can_write(json_file)
        store, _ = _connect()
        runs = Imports(store).of(_listener(store, name))
        write_figures(
            json_file,
            [
                {
                    "number": run["number"],
                    "state": "stalled" if is_stalled(run) else run["state"],
                    "started_at": run["started_at"].isoformat(),
                    "files": run["files"],
                    "rows": run["rows"],
                    "stored": run["stored"],
                    "known": run["known"],
                    "left_out": run["left_out"],
                    "examples": run["examples"],
                    "error": run.get("error"),
                }
                for run in runs
            ],
        )
        if not runs:
            say("no imports", json_file)
            return
        table = Table("number", "state", "started", "files", "new", "known", "left out")
        for run in runs:
            table.add_row(
                str(run["number"]),
                _state(run),
                f"{run['started_at']:%Y-%m-%d %H:%M}",
                ascii(", ".join(run["files"]))[1:-1],
                f"{run['stored']:,}",
                f"{run['known']:,}",
                f"{sum(run['left_out'].values()):,}",
            )
        console(json_file).print(table)


def _state(run: ImportRun) -> str:
    if not is_stalled(run):
        return run["state"]
    return "stalled: undo again" if run["state"] == "removing" else "stalled: import again"


def list_unmatched(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many songs to show.")] = 50,
    json_file: JsonFile = None,
) -> None:
    """List imported songs that the library does not have, the most played first.

    Example: ./run.sh history unmatched Ada

    Example: ./run.sh history unmatched Ada --limit 1000 --json missing.json
    """
    with one_line_errors():
        can_write(json_file)
        store, _ = _connect()
        songs = unmatched(store, _listener(store, name), most=limit)
        keys = ("artist", "title", "album", "plays")
        write_figures(json_file, [dict(zip(keys, song, strict=True)) for song in songs])
        if not songs:
            say("the library has all imported songs", json_file)
            return
        table = Table(*keys)
        for *names, plays in songs:
            table.add_row(*(ascii(text)[1:-1] for text in names), f"{plays:,}")
        console(json_file).print(table)


def match() -> None:
    """Match the imported songs of all listeners that have no track yet. `library update` does so by itself.

    Example: ./run.sh history match

    Example: ./run.sh library ingest ~/Music && ./run.sh history match
    """
    with one_line_errors():
        store, settings = _connect()
        number, new = match_again(store, SeenLibraries(store, settings).of)
        say(f"{counted(number, 'song')} without a track, {new:,} now matched")


def undo(
    name: Name,
    number: Annotated[int, typer.Argument(help="The number of the import (`history list`).")],
    yes: Yes = False,
) -> None:
    """Remove the plays of an import. Plays that another import contained as well stay.

    An import that runs stops.

    Example: ./run.sh history undo Ada 2

    Example: ./run.sh history undo Ada 2 --yes
    """
    with one_line_errors():
        store, _ = _connect()
        user_id = _listener(store, name)
        run = Imports(store).one(user_id, number)
        confirm(f"Remove the {run['stored']:,} plays of import {number} of {name}?", yes=yes)
        removed = Importer(store, user_id).undo(number)
        AuditLog(store).note("import-undone", by="command", user_id=user_id)
        say(f"{counted(removed, 'play')} removed")


def _connect() -> tuple[Store, Settings]:
    settings = connected(load_settings(), kafka=False)
    return open_store(settings), settings


def _listener(store: Store, name: str) -> str:
    account = Accounts(store).named(name)
    if account is None:
        raise SegueError(f"there is no account {name!r}: `account list` shows the accounts")
    return account.user_id
