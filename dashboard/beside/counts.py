"""Learns from the play counts of a server that does not show what is playing.

Delivery: the ids of the events follow from the listener, the server, the track and the time of the play, so
that a repeat counts once. The time up to which plays are known is stored after the events were sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from segue.catalog.tracks import Tracks
from segue.connected.client import OpenSubsonic
from segue.connected.known_songs import ConnectedSongs
from segue.connected.linked_accounts import LinkedAccount, LinkedAccounts
from segue.connected.played import played_since
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.people.app_log_in import FROM_PROGRAMS, session_of_app
from segue.plays.playback import App, PlayedTrack

_EVERY_SECONDS = 300.0


class PlayCounts:
    """Reads the play counts of linked accounts. Used by one thread at a time."""

    def __init__(self, services: Services) -> None:
        self._services, self._accounts = services, LinkedAccounts(services.store)
        self._songs, self._tracks = ConnectedSongs(services.store), Tracks(services.store)
        self._next: dict[str, float] = {}

    def look(self, account: LinkedAccount, client: OpenSubsonic) -> None:
        """Send what an account has played since the last look, unless the server has shown what it plays.

        Raises
        ------
        ServerFault
            The server is away.
        SegueError
            Kafka does not accept events now; the next look makes up for it.
        """
        own = account["_id"]
        if not account["learns"] or account.get("shown_at") or time.monotonic() < self._next.get(own, 0.0):
            return
        self._next[own] = time.monotonic() + _EVERY_SECONDS
        since = account.get("counted_until") or account["linked_at"]
        plays = played_since(client, since)
        if not plays:
            return
        self._send(account, plays)
        self._accounts.note_counted(account, max(plays.values()))

    def _send(self, account: LinkedAccount, plays: dict[str, datetime]) -> None:
        connection, user_id = account["connection"], account["user_id"]
        tracks = self._songs.tracks(connection, plays)
        with seen_by(user_id, account["name"]):
            known = self._tracks.summaries(tracks.values())
        app = App(
            user_id=user_id,
            client=connection,
            session_id=session_of_app(user_id, connection, kind=FROM_PROGRAMS),
            complete_share=self._services.settings.engagement.complete_share,
        )
        now = round(datetime.now(UTC).timestamp() * 1000)
        events: list[Mapping[str, Any]] = []
        for song_id, at in sorted(plays.items(), key=lambda play: play[1]):
            if (track := known.get(tracks.get(song_id, ""))) is None:
                continue
            played = PlayedTrack(track_id=track.track_id, duration_ms=track.duration_ms or 0)
            began = min(round(at.timestamp() * 1000), now)
            events += app.submit(None, played, at=began, now=now).events
        self._services.delivery.send(events)
