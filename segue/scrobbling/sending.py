"""Sends the waiting plays, to one connection after the other.

A service that does not answer is left alone for a minute, and each of its connections for longer and longer,
up to an hour; so a service that is away delays no other for long.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx

from segue.errors import SegueError
from segue.people.secret_box import SecretBox, UnreadableSecret
from segue.scrobbling import lastfm, listenbrainz
from segue.scrobbling.connections import TAKEN_FOR, Connection, ScrobbleConnections
from segue.scrobbling.outbox import Scrobbles, Waiting
from segue.scrobbling.outcome import AWAY, DAILY_LIMIT, NOT_OFFERED, SERVER_KEY, UNREADABLE, Outcome
from segue.settings import Settings
from segue.storage.mongo import PyMongoError
from segue.storage.store import Store

log = logging.getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
_LEFT_ALONE_SECONDS = 60.0
_ONE_BY_ONE = TAKEN_FOR / 2
"""How long scrobbles are sent one by one at a time: the connection is then still taken."""


class Figures(Protocol):
    """Takes the figures of deliveries."""

    def delivered(self, service: str, result: str, count: int) -> None:
        """Some plays were sent, refused, or could not be sent."""

    def waiting(self, seconds: float) -> None:
        """How long ago the oldest play was heard that waits for a service; 0 without any."""


@dataclass
class _Result:
    """The outcomes of the requests of one delivery."""

    taken: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    last: Outcome = field(default_factory=Outcome)

    def add(self, outcome: Outcome) -> None:
        self.taken |= outcome.taken
        self.refused |= outcome.refused
        self.last = outcome


def api_of(settings: Settings) -> lastfm.Api | None:
    """The Last.fm of the settings; None if they have no key."""
    own = settings.scrobbling
    secret = own.lastfm_secret.get_secret_value()
    if not (own.lastfm_key and secret):
        return None
    return lastfm.Api(address=own.lastfm_address, page=own.lastfm_page, key=own.lastfm_key, secret=secret)


def is_offered(settings: Settings, connection: Connection) -> bool:
    """Whether the settings still name the service of a connection: no other address gets its token."""
    own = settings.scrobbling
    if connection.service == "lastfm":
        return connection.address == own.lastfm_address
    return connection.address in {address.rstrip("/") for address in own.listenbrainz_addresses}


class Sending:
    """Sends for all connections. One thread calls it."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        box: SecretBox,
        http: httpx.Client,
        figures: Figures | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._connections = ScrobbleConnections(store, clock=lambda: _date(clock()))
        self._scrobbles = Scrobbles(store, clock=lambda: _date(clock()))
        self._settings, self._api = settings, api_of(settings)
        self._box, self._http = box, http
        self._figures, self._clock = figures, clock
        self._alone_until: Counter[str] = Counter()
        """By address, until when (epoch seconds) a service is left alone."""
        self._addresses: dict[str, str] = {}
        """By connection."""

    def send_all(self) -> int:
        """Send the waiting plays of each connection, once; returns how many plays the services have taken."""
        return sum(self.send(one) for one in self._scrobbles.connections_with_waiting())

    def send(self, own: str) -> int:
        """Send for a connection, unless it has to wait; returns how many plays the service has taken."""
        if self._alone_until[self._addresses.get(own, "")] > self._clock():
            return 0
        connection = self._connections.take(own)
        if connection is None:
            return 0
        self._addresses[own] = connection.address
        try:
            result = self._delivered(connection)
        except PyMongoError:
            raise
        except Exception:  # the other services are served, even if one answers with nonsense
            log.exception("the scrobbles of a connection have to wait")
            result = _Result(last=Outcome(problem=AWAY))
        self._scrobbles.finish(result.taken, "sent")
        self._scrobbles.finish(result.refused, "refused")
        self._note(connection, result)
        return len(result.taken)

    def _delivered(self, connection: Connection) -> _Result:
        """Deliver the oldest scrobbles; one by one if the service refuses them together."""
        result = _Result()
        waiting = self._scrobbles.waiting(connection.connection_id, most=listenbrainz.MOST)
        if not waiting:
            return result
        if not is_offered(self._settings, connection):
            result.add(Outcome(problem=NOT_OFFERED))
            return result
        try:
            secret = self._box.open(connection.encrypted)
        except UnreadableSecret:
            result.add(Outcome(problem=UNREADABLE, ended=True))
            return result
        except SegueError as error:
            log.error("scrobbles cannot be sent: %s", error)
            result.add(Outcome(problem=AWAY))
            return result
        first = self._sent(connection, secret, waiting)
        result.add(first)
        if first.split:
            ends = self._clock() + _ONE_BY_ONE.total_seconds()
            for one in waiting:
                if one.scrobble_id not in first.refused:
                    result.add(self._sent(connection, secret, [one]))
                    if result.last.problem or self._clock() > ends:
                        break
        return result

    def _sent(self, connection: Connection, secret: str, waiting: Sequence[Waiting]) -> Outcome:
        if connection.service == "listenbrainz":
            return listenbrainz.send(self._http, connection.address, secret, waiting)
        if self._api is None:
            return Outcome(problem=SERVER_KEY)
        return lastfm.send(self._http, self._api, secret, waiting, now=round(self._clock() * 1000))

    def _note(self, connection: Connection, result: _Result) -> None:
        last = result.last
        if last.problem == AWAY:
            self._alone_until[connection.address] = max(
                self._alone_until[connection.address], int(self._clock() + _LEFT_ALONE_SECONDS)
            )
        self._connections.note(
            connection.connection_id,
            sent=len(result.taken),
            refusals=len(result.refused),
            last_refusal=next(iter(result.refused.values()), None),
            problem=last.problem,
            wait=self._wait(connection, last),
            ended=last.ended,
            encrypted=connection.encrypted,
        )
        if self._figures:
            for name, count in (("sent", len(result.taken)), ("refused", len(result.refused))):
                self._figures.delivered(connection.service, name, count)
            if last.problem:
                self._figures.delivered(connection.service, "failed", 1)

    def _wait(self, connection: Connection, last: Outcome) -> timedelta | None:
        """How long a connection has to wait after a delivery."""
        asked = None if last.wait_seconds is None else timedelta(seconds=max(1.0, last.wait_seconds))
        if last.problem is None:
            return None if asked is None else min(asked, LONGEST_WAIT)
        if last.problem == DAILY_LIMIT:
            now = _date(self._clock())
            tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=5, second=0, microsecond=0)
            return tomorrow - now
        own: timedelta = min(FIRST_WAIT * 2 ** min(connection.failures, 10), LONGEST_WAIT)
        return own if asked is None else min(max(own, asked), timedelta(days=1))


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
