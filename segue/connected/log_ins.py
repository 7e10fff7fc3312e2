"""Clients of connected servers, for the stored log-ins."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import cast

from segue.connected.client import LogIn, Method, OpenSubsonic, Pace, Turns
from segue.connected.connections import Connection
from segue.connected.linked_accounts import LinkedAccount
from segue.people.secret_box import OF_OTHER_SERVICES, SecretBox
from segue.settings import Settings


def box_of(settings: Settings) -> SecretBox:
    """The cipher of passwords of other services."""
    return SecretBox(Path(settings.opensubsonic.key_file), kind=OF_OTHER_SERVICES)


def pace_of(settings: Settings) -> Pace:
    """How servers are called."""
    own = settings.servers
    return Pace(timeout=own.timeout / timedelta(seconds=1), per_second=own.requests_per_second)


def client_of(
    connection: Connection,
    settings: Settings,
    *,
    account: LinkedAccount | None = None,
    pace: Pace | None = None,
    turns: Turns | None = None,
) -> OpenSubsonic:
    """A client of a server, with the operator's account or a listener's.

    Raises
    ------
    SegueError
        The password cannot be decrypted.
    """
    stored = account or connection
    log_in = LogIn(
        user=stored["user"],
        secret=box_of(settings).open(stored["encrypted"]),
        method=cast(Method, stored["method"]),
    )
    return OpenSubsonic(connection["address"], log_in, pace=pace or pace_of(settings), turns=turns)
