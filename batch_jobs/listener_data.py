"""`./run.sh listener export` and `listener forget`: the data stored about one listener."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.confirmation import Yes, confirm
from segue.counted import counted
from segue.engagement.summed_listening import SummedListening
from segue.errors import SegueError, one_line_errors
from segue.local.stack import connected
from segue.people.accounts import Accounts
from segue.people.audit import AuditLog
from segue.privacy.export import archive
from segue.privacy.leaving import leave
from segue.settings import load_settings
from segue.storage.kafka_records import plays_of
from segue.storage.store import Store, open_store
from segue.taste.tastes import Tastes

Name = Annotated[str, typer.Argument(help="The name of an account, or a listener's id.")]


def export(
    name: Name,
    output: Annotated[Path, typer.Option(help="The ZIP file.")] = Path("segue-listener.zip"),
    yes: Yes = False,
) -> None:
    """Write everything stored about a listener, and the plays that Kafka still has, to a ZIP file.

    Example: ./run.sh listener export Ada

    Example: ./run.sh listener export Ada --output ada.zip
    """
    with one_line_errors():
        settings = connected(load_settings())
        store = open_store(settings)
        user_id = _listener(store, name)
        if output.exists():
            confirm(f"Replace the file {output}?", yes=yes)
        data = archive(store, user_id, plays=plays_of(settings.kafka, user_id))
        try:
            output.write_bytes(data)
        except OSError as error:
            raise SegueError(f"--output {output}: {error.strerror}") from None
        AuditLog(store).note("data-exported", by="command", user_id=user_id)
        typer.echo(f"{output}: {counted(len(data), 'byte')}")


def forget(
    name: Name,
    yes: Yes = False,
) -> None:
    """Delete a listener's account and everything stored about the listener. This cannot be undone.

    Kafka deletes the plays after retention.plays; until then the streaming job ignores them. Statistics that
    name no listener stay.

    Example: ./run.sh listener forget Ada

    Example: ./run.sh listener forget Ada --yes
    """
    with one_line_errors():
        settings = connected(load_settings())
        store = open_store(settings)
        user_id = _listener(store, name)
        confirm(f"Delete everything stored about {name} ({user_id})? This cannot be undone.", yes=yes)
        removed = leave(store, settings, user_id)
        AuditLog(store).note("removed", by="command", user_id=user_id)
        counts = ", ".join(f"{count} {collection}" for collection, count in removed.items())
        typer.echo(counts or "nothing was stored")


def _listener(store: Store, name: str) -> str:
    """The listener's id for the name of an account; an id is returned unchanged."""
    account = Accounts(store).named(name)
    if account is not None:
        return account.user_id
    if Tastes(store).exists(name) or SummedListening(store).began(name):
        return name
    raise SegueError(f"there is no listener {name!r}: give the name of an account or a listener's id")
