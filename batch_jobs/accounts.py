"""`./run.sh account list`, `create` and so on: the accounts of listeners, and the passwords of their apps.

Delivery: an account is one document under its name, so that each command can be repeated.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from segue.batch_jobs.asked_password import PasswordStdin, asked
from segue.confirmation import Yes, confirm
from segue.connected.linked_accounts import LinkedAccounts
from segue.counted import counted
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, console, write_figures
from segue.local.process import RUN, read_record
from segue.local.reachable import address_of, operator_link
from segue.local.stack import connected
from segue.people.accounts import Account, Accounts
from segue.people.api_keys import SCOPES, ApiKeyError, ApiKeys
from segue.people.app_passwords import AppPasswordError, AppPasswords
from segue.people.audit import Action, AuditLog
from segue.people.authentication import AccountError, Authenticator
from segue.people.login_sessions import LoginSessions
from segue.people.secret_box import SecretBox
from segue.scrobbling.connections import ScrobbleConnections
from segue.scrobbling.outbox import Scrobbles
from segue.settings import load_settings
from segue.storage.store import Store, open_store

Name = Annotated[str, typer.Argument(help="The name of the account, in upper or lower case.")]


def list_accounts(json_file: JsonFile = None) -> None:
    """List the accounts: name, listener's id, date, number of app passwords, and whether it is disabled.

    Passwords are stored as argon2 hashes and are never shown. Listeners who log in through OIDC have no
    account here.

    Example: ./run.sh account list

    Example: ./run.sh account list --json -
    """
    with one_line_errors():
        can_write(json_file)
        store = _store()
        stored, app_passwords = Accounts(store).everyone(), AppPasswords(store)
        rows: list[dict[str, Any]] = [
            {
                "name": account["name"],
                "user_id": account["user_id"],
                "created_at": account["created_at"].isoformat(),
                "disabled": account.get("disabled_at") is not None,
                "app_passwords": len(app_passwords.of(account["user_id"])),
            }
            for account in stored
        ]
        write_figures(json_file, rows)
        columns = ("name", "listener's id", "created", "app passwords", "state")
        table = Table(*columns, title=counted(len(rows), "account"))
        for row in rows:
            created, state = row["created_at"][:16].replace("T", " "), "disabled" if row["disabled"] else ""
            table.add_row(row["name"], row["user_id"], created, str(row["app_passwords"]), state)
        console(json_file).print(table)


def create(name: Name, password_stdin: PasswordStdin = False) -> None:
    """Create an account, so that a person can log in to the dashboard.

    The command asks for the password twice on a terminal, and reads it from standard input otherwise.

    Example: ./run.sh account create Ada

    Example: pass show ada | ./run.sh account create Ada --password-stdin
    """
    with one_line_errors():
        store = _store()
        password = asked(from_stdin=password_stdin)
        try:
            account = Authenticator(store).create(name, password)
        except AccountError as error:
            raise SegueError(f"no account was created: {error}") from None
        _note(store, "account-created", account)
        typer.echo(f"account {account.name} created (listener {account.user_id})")


def set_password(name: Name, password_stdin: PasswordStdin = False) -> None:
    """Set another password for an account, and log it out on all devices.

    Example: ./run.sh account set-password Ada

    Example: pass show ada | ./run.sh account set-password Ada --password-stdin
    """
    with one_line_errors():
        store = _store()
        account = _account(store, name)
        password = asked(from_stdin=password_stdin)
        try:
            Authenticator(store).set_password(account, password)
        except AccountError as error:
            raise SegueError(f"the password was not changed: {error}") from None
        closed = LoginSessions(store).close_all(account.user_id)
        _note(store, "password-changed", account)
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
        _note(store, "log-out-everywhere", account)
        typer.echo(f"{account.name}: {counted(closed, 'log-in session')} ended")


def link_for_operator(
    base_url: Annotated[
        str | None,
        typer.Option(help="The address of the pages, such as https://music.example.", show_default=False),
    ] = None,
) -> None:
    """Print a link that opens Live, Operations, Audience and the audit log in your browser.

    The link works once, for an hour. The rights end with the browser's session, after 30 days. For lasting
    rights, name your account in dashboard.operators.

    Example: ./run.sh account operator-link

    Example: ./run.sh account operator-link --base-url https://music.example
    """
    with one_line_errors():
        settings = load_settings().dashboard
        running = read_record(RUN / "dashboard.json")
        served = running.address if running is not None and running.address else ""
        address = base_url or settings.base_url or served or address_of(settings, port=settings.port)
        typer.echo(operator_link(_store(), address.rstrip("/")))


def app_password(
    name: Name,
    device: Annotated[str, typer.Option(help="The device or app that will use it, such as phone.")],
) -> None:
    """Create an app password, with which a music app logs in as a listener, and print it.

    It is printed once and cannot be shown again. The listener can revoke it on the page You.

    Example: ./run.sh account app-password Ada --device phone

    Example: ./run.sh account app-password Ada --device "kitchen speaker"
    """
    with one_line_errors():
        settings = load_settings()
        store = _store()
        account = _account_in_use(store, name)
        box = SecretBox(Path(settings.opensubsonic.key_file))
        try:
            password = AppPasswords(store).create(account.user_id, account.name, device=device, box=box)
        except AppPasswordError as error:
            raise SegueError(f"no app password was created: {error}") from None
        _note(store, "app-password-created", account)
        typer.echo(f"app password of {account.name} for {device}; it will not be shown again:", err=True)
        typer.echo(password)


def api_key(
    name: Name,
    label: Annotated[str, typer.Option(help="The program that will use it, such as lamp.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"A scope of the key: {', '.join(SCOPES)}. By default, all of them."),
    ] = None,
) -> None:
    """Create an API key, with which a program calls the API as a listener, and print it.

    It is printed once and cannot be shown again. The listener can revoke it on the page You.

    Example: ./run.sh account api-key Ada --label lamp

    Example: ./run.sh account api-key Ada --label lamp --scope recommendations
    """
    with one_line_errors():
        store = _store()
        account = _account_in_use(store, name)
        try:
            key = ApiKeys(store).create(
                account.user_id, account.name, label=label, scopes=SCOPES if scope is None else scope
            )
        except ApiKeyError as error:
            raise SegueError(f"no API key was created: {error}") from None
        _note(store, "api-key-created", account)
        typer.echo(f"API key of {account.name} for {label}; it will not be shown again:", err=True)
        typer.echo(key)


def reset(name: Name, yes: Yes = False) -> None:
    """Give a new password to an account whose password was forgotten, and print it.

    The account is logged out on all devices. Its app passwords and API keys stay.

    Example: ./run.sh account reset Ada

    Example: ./run.sh account reset Ada --yes
    """
    with one_line_errors():
        store = _store()
        account = _account(store, name)
        confirm(f"Replace the password of {account.name}?", yes=yes)
        password = secrets.token_urlsafe(12)
        Authenticator(store).set_password(account, password)
        LoginSessions(store).close_all(account.user_id)
        _note(store, "password-changed", account)
        typer.echo(f"new password of {account.name}; it will not be shown again:", err=True)
        typer.echo(password)


def disable(name: Name, yes: Yes = False) -> None:
    """Lock an account: log-ins are refused, sessions end, app passwords and API keys are revoked.

    Its passwords and tokens of other servers and services are removed, too. The data stay.

    Example: ./run.sh account disable Ada

    Example: ./run.sh account disable Ada --yes
    """
    with one_line_errors():
        store = _store()
        account = _account(store, name)
        confirm(f"Disable the account {account.name}?", yes=yes)
        Accounts(store).disable(account.name)
        ended = _shut_out(store, account)
        _note(store, "account-disabled", account)
        typer.echo(f"account {account.name} disabled; {ended}; ./run.sh account enable lets it in again")


def enable(name: Name) -> None:
    """Let the owner of a disabled account log in again. Revoked app passwords and API keys stay revoked.

    Example: ./run.sh account enable Ada

    Example: ./run.sh account enable "Ada Lovelace"
    """
    with one_line_errors():
        store = _store()
        account = _account(store, name)
        Accounts(store).enable(account.name)
        _note(store, "account-enabled", account)
        typer.echo(f"account {account.name} enabled")


def delete(name: Name, yes: Yes = False) -> None:
    """Delete an account with its log-in sessions, app passwords and API keys.

    Its passwords and tokens of other servers and services are removed, too. The listener's plays and
    playlists stay.
    To delete everything stored about the listener too, use ./run.sh listener forget instead.

    Example: ./run.sh account delete Ada

    Example: ./run.sh account delete Ada --yes
    """
    with one_line_errors():
        store = _store()
        account = _account(store, name)
        confirm(f"Delete the account {account.name}?", yes=yes)
        Accounts(store).remove(account.name)
        _shut_out(store, account)
        _note(store, "account-deleted", account)
        typer.echo(f"account {account.name} deleted; the data of listener {account.user_id} stay")


def _note(store: Store, action: Action, account: Account) -> None:
    AuditLog(store).note(action, by="command", user_id=account.user_id)


def _shut_out(store: Store, account: Account) -> str:
    """End all sessions, revoke all app passwords and API keys, and forget the listener's log-ins elsewhere;
    returns their numbers in words.
    """
    linked = LinkedAccounts(store).unlink_listener(account.user_id)
    services = ScrobbleConnections(store).disconnect_all(account.user_id)
    Scrobbles(store).drop_all(account.user_id)
    closed = LoginSessions(store).close_all(account.user_id)
    passwords, keys = (owner(store).revoke_all(account.user_id) for owner in (AppPasswords, ApiKeys))
    revoked = f"{counted(passwords, 'app password')} and {counted(keys, 'API key')} revoked"
    elsewhere = counted(linked + services, "connection")
    return f"{counted(closed, 'log-in session')} ended, {revoked}, {elsewhere} to other servers removed"


def _store() -> Store:
    return open_store(connected(load_settings(), kafka=False))


def _account(store: Store, name: str) -> Account:
    account = Accounts(store).named(name)
    if account is None:
        raise SegueError(f"there is no account {name!r}: ./run.sh account list shows all accounts")
    return account


def _account_in_use(store: Store, name: str) -> Account:
    account = _account(store, name)
    if Accounts(store).is_disabled(account.user_id):
        raise SegueError(f"the account {account.name} is disabled: ./run.sh account enable lets it in again")
    return account
