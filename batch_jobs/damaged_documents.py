"""`./run.sh documents list`, `check` and `forget`: damaged documents of the database."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from segue.collections import OWNERS
from segue.confirmation import Yes, confirm
from segue.counted import counted
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, console, say, write_figures
from segue.local.stack import connected
from segue.operations.damaged_documents import DamagedDocuments
from segue.privacy.holdings import plain
from segue.settings import load_settings
from segue.storage.damaged import DamagedDocument
from segue.storage.store import Store, open_store


def list_documents(
    collection: Annotated[str | None, typer.Option(help="Only of this collection.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the last found ones.")] = 20,
    json_file: JsonFile = None,
) -> None:
    """List the damaged documents that Segue has set aside: the collection, the id, the fault and the state.

    The entries are in the collection damaged_documents, each with a copy of the document. The stream
    rebuilds tastes, recommendations and counts from the plays in the topic. Other documents count as missing
    until they are corrected in MongoDB.

    Example: ./run.sh documents list

    Example: ./run.sh documents list --collection tastes --json -
    """
    with one_line_errors():
        can_write(json_file)
        entries = DamagedDocuments(_store())
        rows = [_row(entry) for entry in entries.newest(collection=collection, limit=limit)]
        write_figures(json_file, rows)
        total = sum(entries.counts().values())
        table = Table(
            "collection", "id", "fault", "state", title=f"{total} damaged documents are not rebuilt"
        )
        for row in rows:
            table.add_row(row["collection"], ascii(row["id"])[1:-1], ascii(row["fault"])[1:-1], row["state"])
        console(json_file).print(table)


def check(json_file: JsonFile = None) -> None:
    """Read every document of every collection and set the damaged ones aside.

    The exit status is 1 if there are any. The command changes no document; it may run beside everything else.

    Example: ./run.sh documents check

    Example: ./run.sh documents check --json -
    """
    with one_line_errors():
        can_write(json_file)
        found = checked(_store())
        write_figures(json_file, found)
        damaged = {name: counts["damaged"] for name, counts in found.items() if counts["damaged"]}
        say(f"{sum(counts['documents'] for counts in found.values())} documents read", json_file)
        if damaged:
            names = ", ".join(f"{count} of {name}" for name, count in damaged.items())
            raise SegueError(f"damaged documents: {names}: run ./run.sh documents list")


def checked(store: Store) -> dict[str, dict[str, int]]:
    """Check all collections; the numbers of documents and of damaged ones by collection."""
    found = {}
    for owner in OWNERS:
        if owner is not DamagedDocuments:
            documents, damaged = owner(store).check_all()
            found[owner.name] = {"documents": documents, "damaged": damaged}
    return found


def forget(
    ids: Annotated[list[str], typer.Argument(help="Entries as `documents list` shows them: COLLECTION:ID.")],
    yes: Yes = False,
) -> None:
    """Remove entries from the list of damaged documents, with their copies; the documents themselves stay.

    A document that is still damaged is listed again when it is read.

    Example: ./run.sh documents forget tastes:user-1f0c

    Example: ./run.sh documents forget --yes tracks:05ab tracks:06cd
    """
    with one_line_errors():
        confirm(f"Remove {', '.join(ids)} from the list of damaged documents, with the copies?", yes=yes)
        removed = DamagedDocuments(_store()).remove(ids)
        typer.echo(f"removed: {counted(removed, 'entry', plural='entries')}")


def _store() -> Store:
    return open_store(connected(load_settings(), kafka=False))


def _row(entry: DamagedDocument) -> dict[str, Any]:
    state = "the rest is used" if entry["used"] else "counts as missing"
    if "rebuilt_at" in entry:
        state = "rebuilt"
    elif "lost_at" in entry:
        state += ", its plays have expired"
    return {
        "collection": entry["collection"],
        "id": entry["_id"],
        "fault": entry["reason"],
        "state": state,
        "at": entry["at"].isoformat(),
        "document": plain(entry["document"]),
    }
