"""Connects servers and links listeners' accounts: the log-in is tried before it is stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from segue.catalog.track_files import TrackFiles
from segue.connected.client import LogIn, Pace, checked_address, log_in_to
from segue.connected.connections import LONGEST_NAME, Connection, Connections
from segue.connected.faults import NameNeeded, NoSuchThing
from segue.connected.linked_accounts import LinkedAccounts
from segue.connected.log_ins import box_of, pace_of
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.store import Store

_NAME = re.compile(r"\w[\w .-]*")
LONGEST_SECRET = 1000


@dataclass(frozen=True, kw_only=True)
class GivenLogIn:
    """The log-in at another server that somebody gives."""

    user: str
    """May be empty for a key, if the server says whose it is."""
    secret: str
    key: bool = False
    """Whether the secret is an API key."""

    def __repr__(self) -> str:
        return f"GivenLogIn({self.user!r})"


def connect_server(
    store: Store, settings: Settings, address: str, *, name: str | None, given: GivenLogIn
) -> tuple[Connection, bool]:
    """Connect a server; returns the connection, and whether it is new: otherwise it has another log-in now.

    Parameters
    ----------
    name
        Of the server and of the library with its songs; None for the host of the address.

    Raises
    ------
    ServerFault
        The server does not answer or refuses the log-in.
    SegueError
        The address or the name cannot be used.
    """
    address = checked_address(address)
    name = name or urlsplit(address).hostname or ""
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise SegueError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of a library: use up to {LONGEST_NAME} letters, "
            "digits, dots, hyphens and spaces"
        )
    connections = Connections(store)
    known = connections.of(name)
    if known is not None and known["address"] != address:
        raise SegueError(
            f"{name} is connected to {known['address']}: choose another --name, or disconnect it first"
        )
    if known is None and TrackFiles(store).has_files(name):
        raise SegueError(f"a library of folders has the name {name}: choose another --name")
    # Whose key it is does not matter here: only the server tells, and nobody else is believed.
    user = "" if given.key else given.user
    log_in = log_in_to(address, user, given.secret, pace=_quick(settings), key=given.key)
    encrypted = box_of(settings).close(given.secret)
    if known is not None:
        connections.replace_log_in(name, user=log_in.user, method=log_in.method, encrypted=encrypted)
        return known, False
    made: Connection = {
        "_id": name,
        "address": address,
        "user": log_in.user,
        "method": log_in.method,
        "encrypted": encrypted,
        "connected_at": datetime.now(UTC),
    }
    connections.add(made)
    return made, True


def link_account(
    store: Store,
    settings: Settings,
    server: str,
    *,
    user_id: str,
    name: str,
    given: GivenLogIn,
    learns: bool = True,
) -> LogIn:
    """Link a listener's account at a server.

    Parameters
    ----------
    user_id, name
        The listener, and the name of the listener's account here.
    learns
        Whether Segue learns from the songs that are playing there.

    Raises
    ------
    ServerFault
        There is no such server, it does not answer, or refuses the log-in.
    NameNeeded
        A key was given without a name, and the server does not say whose it is.
    SegueError
        The key for encryption cannot be read or written.
    """
    connection = Connections(store).of(server)
    if connection is None:
        raise NoSuchThing(f"no server named {server} is connected")
    log_in = log_in_to(connection["address"], given.user, given.secret, pace=_quick(settings), key=given.key)
    if not log_in.user:
        # Without it, nobody knows the account's current song, nor which playlists there are its own.
        raise NameNeeded(f"{server} does not say whose API key this is: give the name of the account, too")
    accounts = LinkedAccounts(store)
    accounts.link(
        server,
        user_id,
        name=name,
        user=log_in.user,
        method=log_in.method,
        encrypted=box_of(settings).close(given.secret),
        learns=learns,
    )
    now = Connections(store).of(server)
    if now is None or now["address"] != connection["address"]:  # while the log-in was tried
        accounts.unlink(server, user_id)  # another server must not get the password
        raise NoSuchThing(f"{server} was disconnected meanwhile")
    return log_in


def sends_password(address: str, log_in_method: str) -> bool:
    """Whether a log-in crosses a network unencrypted, in a form from which it can be read."""
    parts = urlsplit(address)
    return (
        parts.scheme == "http"
        and log_in_method != "token"
        and parts.hostname not in ("localhost", "127.0.0.1", "::1")
    )


def _quick(settings: Settings) -> Pace:
    """Somebody waits: one attempt."""
    usual = pace_of(settings)
    return Pace(timeout=usual.timeout, per_second=usual.per_second, attempts=1)
