"""`./run.sh audit list`: the audit log. Read-only."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from segue.counted import counted
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, console, write_figures
from segue.local.stack import connected
from segue.people.accounts import Accounts
from segue.people.audit import ACTIONS, BY, REFUSALS, AuditLog
from segue.settings import load_settings
from segue.storage.store import open_store


def list_entries(
    account: Annotated[
        str | None,
        typer.Option(
            help="Only entries about this account: its name, or the listener's id.", show_default=False
        ),
    ] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only refused attempts.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The number of newest entries.")] = 100,
    json_file: JsonFile = None,
) -> None:
    """List the entries of the audit log, the newest first: log-ins, changed passwords, removals, commands.

    An entry has the listener's id and, instead of a visitor's address, only its network. The entries of
    listeners who have left stay until retention.audit has passed.

    Example: ./run.sh audit list --refused

    Example: ./run.sh audit list --account Ada --json -
    """
    with one_line_errors():
        can_write(json_file)
        store = open_store(connected(load_settings(), kafka=False))
        user_id = None
        if account is not None:
            known = Accounts(store).named(account)
            user_id = known.user_id if known else account
        found = AuditLog(store).newest(limit=limit, user_id=user_id, actions=REFUSALS if refused else ())
        if account is not None and known is None and not found:
            raise SegueError(f"the audit log has no entries about {account!r}")
        names = Accounts(store).names([one["user_id"] for one in found if "user_id" in one])
        rows: list[dict[str, Any]] = [
            {
                "at": one["at"].isoformat(),
                "action": one["action"],
                "by": one["by"],
                "user_id": one.get("user_id"),
                "name": names.get(one.get("user_id", "")),
                "network": one.get("network"),
                "reason": one.get("reason"),
                "system_user": one.get("system_user"),
            }
            for one in found
        ]
        write_figures(json_file, rows)
        entries = counted(len(rows), "entry", plural="entries")
        table = Table("at (UTC)", "what", "about", "by", "from", title=entries)
        for row in rows:
            what = ACTIONS.get(row["action"], row["action"])
            by = BY.get(row["by"], row["by"])
            table.add_row(
                row["at"][:19].replace("T", " "),
                f"{what}: {row['reason']}" if row["reason"] else what,
                row["name"] or row["user_id"] or "",
                f"{by} of {row['system_user']}" if row["system_user"] else by,
                row["network"] or "",
            )
        console(json_file).print(table)
