"""Follows the connected servers while the dashboard or the API runs.

Of several processes, one follows a server: it has a lease on it. If it ends, another one takes over.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from segue.connected.client import OpenSubsonic, Pace, Turns
from segue.connected.connections import Connection, Connections, is_paused
from segue.connected.faults import LogInRefused, ServerAway, ServerFault, UnexpectedAnswer
from segue.connected.linked_accounts import LinkedAccount, LinkedAccounts
from segue.connected.log_ins import client_of, pace_of
from segue.dashboard.beside.counts import PlayCounts
from segue.dashboard.beside.listening import Listening
from segue.dashboard.beside.lists import Lists
from segue.dashboard.beside.opinions import OpinionsThere
from segue.dashboard.services import Services
from segue.errors import SegueError, line_of
from segue.people.secret_box import UnreadableSecret
from segue.storage.mongo import PyMongoError

log = logging.getLogger(__name__)
_GRACE_SECONDS = 5.0
"""How long the end waits for a look in progress."""
_LEASE = timedelta(seconds=60)
_UNREADABLE = "the password cannot be decrypted: link the account again"
"""The fault of an account, without the paths of this machine: it is part of the listener's export."""
_LONGEST_PAUSE = 300.0
"""Seconds until a server that fails, or an account that is refused, is tried again."""


class Follower:
    """A thread that looks at the connected servers again and again."""

    def __init__(
        self,
        services: Services,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`clock` and `sleep` space the calls of a server."""
        self._services, self._clock, self._sleep = services, clock, sleep
        self._connections, self._accounts = Connections(services.store), LinkedAccounts(services.store)
        self._process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._ended = threading.Event()
        self._servers: dict[str, _Server] = {}
        self._running: dict[str, threading.Thread] = {}
        self._thread = threading.Thread(target=self._keep, name="beside", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; a look at a server that does not answer ends with the process."""
        self._ended.set()
        for thread in (self._thread, *self._running.values()):
            if thread.ident is not None:
                thread.join(_GRACE_SECONDS)

    def _keep(self) -> None:
        interval, told = self._services.settings.servers.playing_interval / timedelta(seconds=1), False
        while not self._ended.is_set():
            try:
                self.look()
                told = False
            # Whatever the database does, the next look may succeed.
            except Exception as error:
                if not self._services.availability.failed(error) and not told:  # once for each time
                    line = line_of(error)
                    log.error(
                        "connected servers are not followed now: %s", line or error, exc_info=line is None
                    )
                    told = True
            self._ended.wait(interval)

    def look(self) -> None:
        """Begin to look at each server that no other process follows; a slow server delays no other."""
        linked = self._accounts.numbers()
        for connection in self._connections.all() if linked else ():
            name = connection["_id"]
            former = self._running.get(name)
            if name not in linked:
                continue
            # Also while a look takes long: another process would make the same lists again.
            ours = self._connections.follow(name, self._process, lasting=self._lease())
            if former is not None and former.is_alive():
                continue
            if ours and not self._ended.is_set():
                server = self._servers.get(name)
                if server is None:
                    server = _Server(self._services, clock=self._clock, sleep=self._sleep)
                    self._servers[name] = server
                thread = threading.Thread(
                    target=server.look, args=(connection,), name=f"beside {name}", daemon=True
                )
                self._running[name] = thread
                thread.start()

    def _lease(self) -> timedelta:
        return max(_LEASE, 3 * self._services.settings.servers.playing_interval)


class _Server:
    """One connected server. Used by one thread at a time."""

    def __init__(
        self, services: Services, *, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._services = services
        self._connections, self._accounts = Connections(services.store), LinkedAccounts(services.store)
        self._listening, self._lists = Listening(services), Lists(services)
        self._counts, self._opinions = PlayCounts(services), OpinionsThere(services)
        self._clients: dict[str, tuple[bytes, OpenSubsonic]] = {}
        self._turns = Turns(services.settings.servers.requests_per_second, clock=clock, sleep=sleep)
        self._interval = services.settings.servers.playing_interval / timedelta(seconds=1)
        self._listens_at = 0.0
        self._pauses: dict[str, tuple[float, float]] = {}
        """The time until which a server or an account is not tried, and the length of the pause."""

    def look(self, connection: Connection) -> None:
        """Learn from the songs that are playing on a server, and write the lists of its listeners."""
        name = connection["_id"]
        try:
            if self._is_paused(name) or is_paused(connection):
                return
            accounts = self._accounts.of_server(name)
            clients = self._clients_of(connection, accounts)
            self._listens_at = 0.0
            self._listen(connection, accounts, clients)
            for account in accounts:
                if account["_id"] in clients:
                    self._write(connection, account, clients[account["_id"]])
                    if self._is_paused(name):
                        return
                    # The lists of many listeners take longer than a song that is skipped.
                    self._listen(connection, accounts, clients)
            self._works(name)
        except (ServerFault, UnreadableSecret) as error:
            self._pause(name)
            self._connections.note_fault(name, str(error))
            self._connections.note_pause(name, error)
            log.warning("%s is not followed now: %s", name, error)
        except SegueError as error:
            self._pause(name)
            log.warning("%s is not followed now: %s", name, error)
        except PyMongoError as error:
            if not self._services.availability.failed(error):
                self._pause(name)
                log.warning("%s is not followed now: %s", name, line_of(error))
        except Exception:  # one server must not end the thread of all
            self._pause(name)
            log.exception("%s is not followed now", name)

    def _listen(
        self,
        connection: Connection,
        accounts: Sequence[LinkedAccount],
        clients: Mapping[str, OpenSubsonic],
    ) -> None:
        """Learn from the songs that are playing, once within the interval."""
        now = time.monotonic()
        if now >= self._listens_at:
            self._listens_at = now + self._interval
            self._listening.look(connection["_id"], self._client(connection), accounts, clients)

    def _write(self, connection: Connection, account: LinkedAccount, client: OpenSubsonic) -> None:
        try:
            with suppress(UnexpectedAnswer):  # a server without such a list has no play counts
                self._counts.look(account, client)
            with suppress(UnexpectedAnswer):  # nor has it stars
                self._opinions.look(connection, account, client)
            self._lists.write(connection, account, client)
        except LogInRefused as error:  # of this account only
            self._pause(account["_id"])
            self._accounts.note_fault(account, str(error))
        except ServerFault as error:
            self._pause(account["_id"])
            if isinstance(error, ServerAway) and error.pause is not None:  # also for the other accounts
                self._pause(connection["_id"])
                self._connections.note_pause(connection["_id"], error)
            self._accounts.note_fault(account, str(error))
            log.warning("the playlists of an account on %s are not written now: %s", connection["_id"], error)
        else:
            self._pauses.pop(account["_id"], None)
            if account.get("fault") is not None:
                self._accounts.note_fault(account, None)

    def _clients_of(
        self, connection: Connection, accounts: Sequence[LinkedAccount]
    ) -> dict[str, OpenSubsonic]:
        """The clients of accounts, by the accounts' ids, without those that have to wait."""
        clients = {}
        for account in accounts:
            if self._is_paused(account["_id"]):
                continue
            try:
                clients[account["_id"]] = self._client(connection, account)
            except UnreadableSecret:  # the others have linked theirs again
                self._pause(account["_id"])
                self._accounts.note_fault(account, _UNREADABLE)
        return clients

    def _client(self, connection: Connection, account: LinkedAccount | None = None) -> OpenSubsonic:
        """The client of an account, which is kept as long as the log-in is the same."""
        stored = account or connection
        key, secret = stored["_id"], stored["encrypted"]
        known = self._clients.get(key)
        if known is not None and known[0] == secret:
            return known[1]
        if known is not None:
            known[1].close()
        usual = pace_of(self._services.settings)
        pace = Pace(timeout=usual.timeout, per_second=usual.per_second, attempts=2)
        client = client_of(connection, self._services.settings, account=account, pace=pace, turns=self._turns)
        self._clients[key] = bytes(secret), client
        return client

    def _is_paused(self, key: str) -> bool:
        return time.monotonic() < self._pauses.get(key, (0.0, 0.0))[0]

    def _pause(self, key: str) -> None:
        pause = min(_LONGEST_PAUSE, max(self._interval, 2 * self._pauses.get(key, (0.0, 0.0))[1]))
        self._pauses[key] = time.monotonic() + pause, pause

    def _works(self, name: str) -> None:
        if self._pauses.pop(name, None) is not None:
            self._connections.note_fault(name, None)
