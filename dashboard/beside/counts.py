"""Learns from the play counts of a server that does not show current songs.

A song that is newer than the last list of the catalogue, or has the id of another one there, has no track so
far. Its play is kept as an imported one is (:mod:`segue.imports`), and gets its track when the library has
the song.

Delivery: the ids of the events follow from the listener, the server, the track and the time of the play, so
that a repeat counts once; a play without a track is one by its song and its time. The time up to which plays
are known is stored after both.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from segue.catalog.tracks import Tracks
from segue.connected.client import OpenSubsonic
from segue.connected.linked_accounts import LinkedAccount, LinkedAccounts
from segue.connected.played import Played, played_since
from segue.connected.remote_songs import RemoteSong
from segue.dashboard.beside.shown_songs import ShownSongs
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.imports.beside import BesideTheStream, PlayBeside
from segue.imports.play import ImportedPlay, Song
from segue.imports.songs import Match
from segue.people.app_log_in import FROM_PROGRAMS, session_of_app
from segue.plays.playback import App, PlayedTrack

_EVERY_SECONDS = 300.0


class PlayCounts:
    """Reads the play counts of linked accounts. Used by one thread at a time."""

    def __init__(self, services: Services) -> None:
        self._services, self._accounts = services, LinkedAccounts(services.store)
        self._shown, self._tracks = ShownSongs(services.store), Tracks(services.store)
        self._beside = BesideTheStream(services.store)
        self._next: dict[str, float] = {}

    def look(self, account: LinkedAccount, client: OpenSubsonic) -> None:
        """Send the plays of an account since the last look, unless the server has shown its current song.

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
        self._accounts.note_counted(account, plays[-1].at)

    def _send(self, account: LinkedAccount, plays: Sequence[Played]) -> None:
        connection, user_id = account["connection"], account["user_id"]
        tracks = self._shown.tracks(connection, [play.song for play in plays])
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
        for play in plays:
            if (track := known.get(tracks.get(play.song.song_id, ""))) is None:
                continue
            played = PlayedTrack(track_id=track.track_id, duration_ms=track.duration_ms or 0)
            events += app.submit(None, played, at=round(play.at.timestamp() * 1000), now=now).events
        self._services.delivery.send(events)
        self._beside.keep(
            user_id, [_without_track(play) for play in plays if play.song.song_id not in tracks]
        )


def _without_track(play: Played) -> PlayBeside:
    song = _song(play.song)
    return PlayBeside(song.key(), ImportedPlay(song=song, at=int(play.at.timestamp())), Match(None))


def _song(song: RemoteSong) -> Song:
    return Song(
        title=song.title,
        artist=song.artist,
        album=song.album or "",
        seconds=song.seconds,
        recordings=(song.recording,) if song.recording else (),
    )
