"""Tells services which songs play now.

Delivery: at most once. A song that a service was not told about while it is new is not told later; only the
newest song of a connection waits, in memory.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from segue.errors import SegueError
from segue.people.secret_box import SecretBox
from segue.scrobbling import lastfm, listenbrainz
from segue.scrobbling.connections import Connection
from segue.scrobbling.heard import ScrobbledSong
from segue.scrobbling.outcome import AWAY, BUSY, Outcome
from segue.scrobbling.sending import Figures, api_of, is_offered
from segue.settings import Settings

log = logging.getLogger(__name__)
FRESH = timedelta(seconds=60)
"""How long after its start a song is new."""
_LEFT_ALONE_SECONDS = 60.0
_LONGEST_ALONE_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class _Begun:
    """A song that has begun."""

    connection: Connection
    song: ScrobbledSong
    at: int
    """Epoch ms."""


class PlayingNow:
    """The newest song of each connection, until its service was told. Safe for use by several threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        box: SecretBox,
        http: httpx.Client,
        figures: Figures | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._api, self._box, self._http = settings, api_of(settings), box, http
        self._figures, self._clock = figures, clock
        self._lock = threading.Lock()
        self._begun: dict[str, _Begun] = {}
        self._alone_until: Counter[str] = Counter()
        """By address, until when (epoch seconds) a service is left alone."""

    def note(self, connection: Connection, song: ScrobbledSong, *, at: int) -> None:
        """Note a song that has begun at `at` (epoch ms), unless a later one is known."""
        if not self._is_fresh(at):
            return
        with self._lock:
            known = self._begun.get(connection.connection_id)
            if known is None or known.at <= at:
                self._begun[connection.connection_id] = _Begun(connection=connection, song=song, at=at)

    def send_all(self) -> int:
        """Tell the services, once; returns how many songs they were told."""
        with self._lock:
            begun, self._begun = self._begun, {}
        return sum(self._send(one) for one in begun.values())

    def _send(self, begun: _Begun) -> bool:
        connection, now = begun.connection, self._clock()
        waits = connection.retry_at is not None and connection.retry_at > datetime.fromtimestamp(now, UTC)
        alone = self._alone_until[connection.address] > now
        if connection.ended or waits or alone or not self._is_fresh(begun.at):
            return False
        if not is_offered(self._settings, connection):
            return False
        try:
            outcome = self._told(connection, begun.song)
        except SegueError:  # the token cannot be read, which the sending of scrobbles tells
            return False
        if outcome.problem in (AWAY, BUSY):
            pause = min(outcome.wait_seconds or _LEFT_ALONE_SECONDS, _LONGEST_ALONE_SECONDS)
            self._alone_until[connection.address] = int(now + pause) + 1
        told = outcome.problem is None
        if told and self._figures:
            self._figures.delivered(connection.service, "playing_now", 1)
        return told

    def _told(self, connection: Connection, song: ScrobbledSong) -> Outcome:
        secret = self._box.open(connection.encrypted)
        if connection.service == "listenbrainz":
            return listenbrainz.play_now(self._http, connection.address, secret, song)
        if self._api is None:
            return Outcome(problem=AWAY)
        return lastfm.play_now(self._http, self._api, secret, song)

    def _is_fresh(self, at: int) -> bool:
        return abs(self._clock() - at / 1000) <= FRESH.total_seconds()
