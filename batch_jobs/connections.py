"""`./run.sh library connect`, `connections`, `sync` and `disconnect`, and `account link` and `unlink`: other
servers.

Delivery: a connection and a linked account are one document each, so that each command can be repeated.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from segue.batch_jobs.asked_password import PasswordStdin, asked
from segue.batch_jobs.connected_library import forget_songs
from segue.batch_jobs.library_pass import ServersToRead
from segue.batch_jobs.update_library import run
from segue.collections import prepare
from segue.confirmation import Yes, confirm
from segue.connected.connections import Connection, Connections
from segue.connected.linked_accounts import LinkedAccounts
from segue.connected.linking import GivenLogIn, connect_server, link_account, sends_password
from segue.counted import counted
from segue.errors import SegueError, UsageError, one_line_errors
from segue.figures import JsonFile, can_write, console, say, write_figures
from segue.local.stack import connected
from segue.people.accounts import Account, Accounts
from segue.people.audit import Action, AuditLog
from segue.settings import Settings, load_settings
from segue.storage.store import Job, Store, open_store

User = Annotated[str, typer.Option(help="The name of the account on that server.")]
ApiKey = Annotated[
    bool, typer.Option("--api-key", help="Log in by an API key, which is read as the password is.")
]
Server = Annotated[
    str, typer.Argument(help="The name of the server: ./run.sh library connections lists them.")
]
Listener = Annotated[str, typer.Argument(help="The name of the listener's account here.")]


def connect(
    address: Annotated[
        str,
        typer.Argument(metavar="URL", help="The address of the server, such as https://music.example.org."),
    ],
    user: User = "",
    name: Annotated[
        str | None,
        typer.Option(help="Name of the server, and of the library with its songs. Default: its host."),
    ] = None,
    api_key: ApiKey = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Connect another music server that speaks OpenSubsonic, such as Navidrome: its songs become a library
    here.

    Segue reads its catalogue by the account that you name, and changes nothing there. The password is stored
    encrypted. ./run.sh library update then reads the songs and analyses their sound; ./run.sh library watch
    also follows changes. Listeners link their own accounts on the page You, or by ./run.sh account link.

    To replace the log-in of a connected server, connect it again.

    Example: ./run.sh library connect https://music.example.org --user segue

    Example: pass show nas | ./run.sh library connect http://nas:4533 --name home --user me --password-stdin
    """
    with one_line_errors():
        if not user and not api_key:
            raise UsageError("name the account with --user, or log in by a key with --api-key")
        settings, store = _opened()
        secret = asked("API key" if api_key else "Password", from_stdin=password_stdin, twice=False)
        made, new = connect_server(
            store, settings, address, name=name, given=GivenLogIn(user=user, secret=secret, key=api_key)
        )
        stored = Connections(store).of(made["_id"]) or made
        _warn(stored["address"], stored["method"])
        if new:
            typer.echo(f"{made['_id']} is connected; ./run.sh library update reads its songs")
        else:
            typer.echo(f"{made['_id']} has another log-in now")


def list_connections(json_file: JsonFile = None) -> None:
    """List the connected servers: address, account, songs, linked listeners, and problems.

    Passwords are never shown.

    Example: ./run.sh library connections

    Example: ./run.sh library connections --json -
    """
    with one_line_errors():
        can_write(json_file)
        _, store = _opened()
        numbers = LinkedAccounts(store).numbers()
        rows = [_row(one, numbers.get(one["_id"], 0)) for one in Connections(store).all()]
        write_figures(json_file, rows)
        table = Table(
            "name", "address", "account", "songs", "listeners", "read", "fault", box=None, pad_edge=False
        )
        for row in rows:
            table.add_row(
                row["name"],
                row["address"],
                row["user"] or "by key",
                f"{row['songs']:,}",
                str(row["listeners"]),
                _shown(row["listed_at"]),
                row["fault"] or "",
            )
        console(json_file).print(
            table if rows else "no server is connected: ./run.sh library connect URL connects one"
        )


def sync(
    name: Server,
    accept_removals: Annotated[
        bool,
        typer.Option(
            "--accept-removals", help="The songs that are gone were removed, however many they are."
        ),
    ] = False,
) -> None:
    """Read the catalogue of a connected server now, and analyse the sound of its new songs.

    If very many songs are gone at once, or all, they stay as unavailable until they are back, or until you
    add
    --accept-removals.

    Example: ./run.sh library sync home

    Example: ./run.sh library sync home --accept-removals
    """
    with one_line_errors():
        settings, store = _opened()
        prepare(store, Job.CATALOGUE)
        server = _connection(store, name)
        Connections(store).ask_again(name)
        server.pop("mark", None)
        summary = run(settings, store, [], servers=ServersToRead([server], accepted=accept_removals))
        say(summary.sentence())
        if summary.faults:
            raise SegueError("; ".join(summary.faults))


def disconnect(name: Server, yes: Yes = False) -> None:
    """Disconnect a server: its songs are no longer offered, and listeners' accounts there are unlinked.

    Plays, likes and playlists stay. If the server is connected again under the same name, its songs are back.
    Playlists that Segue has written on the server stay there.

    Example: ./run.sh library disconnect home

    Example: ./run.sh library disconnect home --yes
    """
    with one_line_errors():
        _, store = _opened()
        _connection(store, name)
        confirm(f"Disconnect {name}?", yes=yes)
        unlinked = LinkedAccounts(store).unlink_all(name)
        songs = forget_songs(store, name)
        Connections(store).remove(name)
        forget_songs(store, name)  # those that a pass has written meanwhile
        typer.echo(
            f"{name} is disconnected: {counted(songs, 'song')}, {counted(unlinked, 'linked account')}; "
            "./run.sh index build takes its songs out of the index"
        )


def link(
    name: Listener,
    server: Server,
    user: User = "",
    api_key: ApiKey = False,
    learn: Annotated[
        bool,
        typer.Option(
            help="Learn from the songs that are playing there. Switch it off if the server sends its plays "
            "to Segue by ListenBrainz."
        ),
    ] = True,
    password_stdin: PasswordStdin = False,
) -> None:
    """Link a listener's account on a connected server: Segue learns from it, and writes playlists there.

    The playlists are For you, Daily mix and New to you. Other playlists are never changed. The password is
    stored encrypted. Listeners do the same on the page You.

    Example: ./run.sh account link Ada home --user ada

    Example: ./run.sh account link Ada home --user ada --no-learn
    """
    with one_line_errors():
        if not user and not api_key:
            raise UsageError("name the account with --user, or log in by a key with --api-key")
        settings, store = _opened()
        account, connection = _account(store, name), _connection(store, server)
        secret = asked("API key" if api_key else "Password", from_stdin=password_stdin, twice=False)
        used = link_account(
            store,
            settings,
            server,
            user_id=account.user_id,
            name=account.name,
            given=GivenLogIn(user=user, secret=secret, key=api_key),
            learns=learn,
        )
        _note(store, "server-linked", account)
        _warn(connection["address"], used.method)
        typer.echo(f"{account.name} is {user or 'linked by a key'} on {server}")


def unlink(name: Listener, server: Server) -> None:
    """Unlink a listener's account on a server. The playlists that Segue has written there stay.

    Example: ./run.sh account unlink Ada home

    Example: ./run.sh account unlink "Ada Lovelace" home
    """
    with one_line_errors():
        _, store = _opened()
        account = _account(store, name)
        if not LinkedAccounts(store).unlink(server, account.user_id):
            raise SegueError(f"{account.name} has no linked account on {server}")
        _note(store, "server-unlinked", account)
        typer.echo(f"the account of {account.name} on {server} is unlinked")


def _opened() -> tuple[Settings, Store]:
    settings = connected(load_settings(), kafka=False)
    return settings, open_store(settings)


def _connection(store: Store, name: str) -> Connection:
    found = Connections(store).of(name)
    if found is None:
        raise SegueError(f"no server named {name} is connected: ./run.sh library connections lists them")
    return found


def _account(store: Store, name: str) -> Account:
    account = Accounts(store).named(name)
    if account is None:
        raise SegueError(f"there is no account {name!r}: ./run.sh account list shows all accounts")
    return account


def _note(store: Store, action: Action, account: Account) -> None:
    AuditLog(store).note(action, by="command", user_id=account.user_id)


def _warn(address: str, method: str) -> None:
    if sends_password(address, method):
        typer.echo(
            "this server does not accept tokens, so that each request carries the password: use an address "
            "with https://, or a network that you trust",
            err=True,
        )


def _row(one: Connection, listeners: int) -> dict[str, Any]:
    return {
        "name": one["_id"],
        "address": one["address"],
        "user": one["user"],
        "songs": one.get("songs", 0),
        "listeners": listeners,
        "listed_at": _text(one.get("listed_at")),
        "fault": one.get("fault"),
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _shown(at: str | None) -> str:
    return at[:16].replace("T", " ") if at else "not yet"
