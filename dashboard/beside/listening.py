"""Learns from the current songs of listeners on connected servers.

Delivery: events are sent before the listening is stored. After a crash between the two, they are sent again
under the same ids, and count once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from segue.catalog.track_records import TrackSummary
from segue.catalog.tracks import Tracks
from segue.connected.client import OpenSubsonic
from segue.connected.faults import ServerFault
from segue.connected.linked_accounts import LinkedAccount, LinkedAccounts
from segue.connected.now_playing import Playing, followed, needs_count, playing_in
from segue.dashboard.beside.shown_songs import ShownSongs
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.people.app_log_in import FROM_PROGRAMS, session_of_app
from segue.plays.playback import App, Playback, PlayedTrack
from segue.plays.playbacks import Playbacks

_STILL_SECONDS = 60.0
"""Seconds after its end in which a song that was known before a restart may still be shown."""
_REPORTED_MS = 120_000
"""A song that another program of the listener has reported within this time is known from there."""
_MOST_PLAYERS = 8
"""The players of an account that are followed, those that reported last."""
_MOST_SEEN = 10_000


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The song that a player was last seen to play."""

    song_id: str
    minutes_ago: int
    plays: int | None
    """The song's play count when it began; None if the server does not tell."""


class Listening:
    """Follows the players of linked accounts. Used by one thread at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shown, self._tracks = ShownSongs(services.store), Tracks(services.store)
        self._playbacks, self._accounts = Playbacks(services.store), LinkedAccounts(services.store)
        self._seen: dict[tuple[str, str], _Seen] = {}

    def look(
        self,
        connection: str,
        client: OpenSubsonic,
        accounts: Sequence[LinkedAccount],
        clients: Mapping[str, OpenSubsonic],
    ) -> None:
        """Ask a server for the songs that are playing, and send the events that follow from them.

        Parameters
        ----------
        clients
            Of the listeners' accounts, by the accounts' ids.

        Raises
        ------
        ServerFault
            The server is away.
        SegueError
            Kafka does not accept events now; the next look makes up for it.
        """
        learners: dict[str, list[LinkedAccount]] = {}
        for account in accounts:
            if account["learns"]:
                learners.setdefault(account["user"].casefold(), []).append(account)
        if not learners:
            return
        newest: dict[tuple[str, str], Playing] = {}
        for playing in playing_in(client.call("getNowPlaying")):
            place = playing.user.casefold(), playing.player
            if playing.user.casefold() in learners and (
                place not in newest or playing.minutes_ago < newest[place].minutes_ago
            ):
                newest[place] = playing
        tracks = self._shown.tracks(connection, [playing.song for playing in newest.values()])
        players: Counter[str] = Counter()
        for (user, _), playing in sorted(newest.items(), key=lambda one: one[1].minutes_ago):
            players[user] += 1
            if players[user] > _MOST_PLAYERS:  # names that a server makes up
                continue
            for account in learners[user]:
                self._follow(
                    connection,
                    account,
                    playing,
                    tracks.get(playing.song.song_id),
                    clients.get(account["_id"]),
                )

    def _follow(
        self,
        connection: str,
        account: LinkedAccount,
        playing: Playing,
        track_id: str | None,
        client: OpenSubsonic | None,
    ) -> None:
        place = account["_id"], playing.player
        seen, now = self._seen.get(place), _now()
        if not account.get("shown_at"):
            self._accounts.note_shown(account)
        name = f"{connection} ({playing.player})" if playing.player else connection
        user_id = account["user_id"]
        before = self._playbacks.of(user_id, name)
        with seen_by(user_id, account["name"]):
            track = self._tracks.summary(track_id) if track_id else None
        if _goes_on(seen, playing, track_id, before, now=now):
            if seen is None or seen.minutes_ago != playing.minutes_ago:
                plays = seen.plays if seen else None
                self._seen[place] = _Seen(
                    song_id=playing.song.song_id, minutes_ago=playing.minutes_ago, plays=plays
                )
            return
        counted = needs_count(before, now=now) and self._has_counted(seen, client)
        if track is None or not self._is_reported(user_id, name, track, now=now):
            app = App(
                user_id=user_id,
                client=name,
                session_id=session_of_app(user_id, name, kind=FROM_PROGRAMS),
                complete_share=self._services.settings.engagement.complete_share,
            )
            played = (
                PlayedTrack(track_id=track.track_id, duration_ms=track.duration_ms or 0) if track else None
            )
            self._playbacks.follow(
                user_id,
                account["name"],
                name,
                lambda last: [followed(app, last, played, counted=counted, now=now)],
                send=self._services.delivery.send,
            )
        while len(self._seen) >= _MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        self._seen[place] = _Seen(
            song_id=playing.song.song_id,
            minutes_ago=playing.minutes_ago,
            plays=_play_count(client, playing.song.song_id) if client else None,
        )

    def _has_counted(self, seen: _Seen | None, client: OpenSubsonic | None) -> bool:
        """Whether the play count of the song that was last seen has risen since."""
        if seen is None or seen.plays is None or client is None:
            return False
        now = _play_count(client, seen.song_id)
        return now is not None and now > seen.plays

    def _is_reported(self, user_id: str, name: str, track: TrackSummary, *, now: int) -> bool:
        """Whether another program of the listener, such as a scrobbler, reports the song by itself."""
        return any(
            one.client != name
            and one.playback.track_id == track.track_id
            and now - one.playback.began_at < _REPORTED_MS
            for one in self._playbacks.now([user_id], at=datetime.now(UTC))
        )


def _now() -> int:
    """Epoch ms."""
    return round(time.time() * 1000)


def _goes_on(
    seen: _Seen | None, playing: Playing, track_id: str | None, before: Playback | None, *, now: int
) -> bool:
    """Whether a player still plays the song that it played at the last look."""
    if seen is not None:
        if seen.song_id != playing.song.song_id:
            return False
        began_again = playing.minutes_ago < seen.minutes_ago
        return not began_again or (before is not None and now - before.began_at < before.duration_ms)
    if before is None or before.track_id != track_id:
        return False
    return now - before.began_at < before.duration_ms + _STILL_SECONDS * 1000


def _play_count(client: OpenSubsonic, song_id: str) -> int | None:
    try:
        found = client.call("getSong", {"id": song_id}).get("song")
    except ServerFault:
        return None
    count = found.get("playCount", 0) if isinstance(found, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) else None
