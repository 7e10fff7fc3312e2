"""`./run.sh account list`, `create`, `set-password`, `log-out` and `delete`: the dashboard's accounts.

Delivery: an account is one document under its name, so that each command can be repeated.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from segue.confirmation import Yes, confirm
from segue.counted import counted
from segue.errors import SegueError, UsageError, one_line_errors
from segue.figures import JsonFile, can_write, console, write_figures
from segue.local.stack import connected
from segue.people.accounts import Account, Accounts
from segue.people.authentication import AccountError, Authenticator
from segue.people.login_sessions import LoginSessions
from segue.settings import load_settings
from segue.storage.store import Store, open_store

Name = Annotated[str, typer.Argument(help="The name of the account; upper and lower case are equal.")]
PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input, up to the line's end."),
]


def list_accounts(json_file: JsonFile = None) -> None:
    """List the accounts: name, listener's id, and when each was created.

    Passwords are stored as argon2 hashes and are never shown. Listeners who log in through OIDC have no
    account here.

    Example: ./run.sh account list

    Example: ./run.sh account list --json -
    """
    with one_line_errors():
        can_write(json_file)
        stored = Accounts(_store()).everyone()
        rows: list[dict[str, Any]] = [
            {
                "name": account["name"],
                "user_id": account["user_id"],
                "created_at": account["created_at"].isoformat(),
            }
            for account in stored
        ]
        write_figures(json_file, rows)
        table = Table("name", "listener's id", "created", title=counted(len(rows), "account"))
        for row in rows:
            table.add_row(row["name"], row["user_id"], row["created_at"][:16].replace("T", " "))
        console(json_file).print(table)


def create(name: Name, password_stdin: PasswordStdin = False) -> None:
    """Create an account, so that a person can log in to the dashboard.

    The command asks for the password twice, or reads it from standard input with --password-stdin.

    Example: ./run.sh account create Ada

    Example: pass show ada | ./run.sh account create Ada --password-stdin
    """
    with one_line_errors():
        store = _store()
        password = _password(from_stdin=password_stdin)
        try:
            account = Authenticator(store).create(name, password)
        except AccountError as error:
            raise SegueError(f"no account was created: {error}") from None
        typer.echo(f"account {account.name} created (listener {account.user_id})")


def set_password(name: Name, password_stdin: PasswordStdin = False) -> None:
    """Set another password for an account, and log it out on all devices.

    Example: ./run.sh account set-password Ada

    Example: pass show ada | ./run.sh account set-password Ada --password-stdin
    """
    with one_line_errors():
        store = _store()
        account = _account(store, name)
        password = _password(from_stdin=password_stdin)
        try:
            Authenticator(store).set_password(account, password)
        except AccountError as error:
            raise SegueError(f"the password was not changed: {error}") from None
        closed = LoginSessions(store).close_all(account.user_id)
        typer.echo(f"password of {account.name} changed; {closed} log-in sessions ended")


def log_out(name: Name) -> None:
    """Log an account out on all devices. The password stays.

    Example: ./run.sh account log-out Ada

    Example: ./run.sh account log-out "Ada Lovelace"
    """
    with one_line_errors():
        store = _store()
        account = _account(store, name)
        closed = LoginSessions(store).close_all(account.user_id)
        typer.echo(f"{account.name}: {counted(closed, 'log-in session')} ended")


def delete(name: Name, yes: Yes = False) -> None:
    """Delete an account and end its log-in sessions. The listener's plays and playlists stay.

    To delete everything stored about the listener too, use ./run.sh listener forget instead.

    Example: ./run.sh account delete Ada

    Example: ./run.sh account delete Ada --yes
    """
    with one_line_errors():
        store = _store()
        account = _account(store, name)
        confirm(f"Delete the account {account.name}?", yes=yes)
        Accounts(store).remove(account.name)
        LoginSessions(store).close_all(account.user_id)
        typer.echo(f"account {account.name} deleted; the data of listener {account.user_id} stay")


def _store() -> Store:
    return open_store(connected(load_settings(), kafka=False))


def _account(store: Store, name: str) -> Account:
    account = Accounts(store).named(name)
    if account is None:
        raise SegueError(f"there is no account {name!r}: ./run.sh account list shows all accounts")
    return account


def _password(*, from_stdin: bool) -> str:
    """Read the password from standard input, or ask for it on the terminal.

    Raises
    ------
    UsageError
        Standard input is not a terminal.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password: add --password-stdin")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer
