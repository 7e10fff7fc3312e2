"""Takes over the stars and ratings that listeners have given on connected servers.

A star there is a like here, once: a listener who takes it back here, or dislikes the song afterwards, keeps
that opinion. Ratings have no time. They are taken over once, after the account was linked, where the listener
has none here. Nothing is taken over before the catalogue of the server was read. A star on a song that is
newer than that waits until the library has the song.

Delivery: an event has an id that follows from the account, the song and the star, so that a repeat counts
once. The last opinion that was taken over is noted afterwards; a crash before the note repeats it, and
changes nothing.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from segue.catalog.track_records import TrackSummary
from segue.catalog.tracks import Tracks
from segue.connected.client import OpenSubsonic
from segue.connected.connections import Connection
from segue.connected.known_songs import ConnectedSongs
from segue.connected.linked_accounts import LinkedAccount, LinkedAccounts
from segue.connected.opinions_there import Star, ratings, stars
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.people.app_log_in import FROM_PROGRAMS, session_of_app
from segue.taste.marks import Marks
from segue.taste.opinions import Opinions

_EVENTS = uuid.UUID("3c0f0b52-6f0e-4f5b-8f43-0b7d3f0c5e5a")
_EVERY_SECONDS = 900.0
_MOST = 5000
_MOST_EVENTS = 100
"""The stars that change the next songs, the newest ones; further ones would drive the plays out of the taste.
They are likes all the same.
"""
_AHEAD = timedelta(days=1)
_BEFORE_ALL = datetime(1990, 1, 1, tzinfo=UTC)
_DISLIKED = 1
"""The rating that is a dislike, as in apps."""


class OpinionsThere:
    """Takes over the opinions of linked accounts. Used by one thread at a time."""

    def __init__(self, services: Services) -> None:
        store = services.store
        self._services, self._accounts = services, LinkedAccounts(store)
        self._songs, self._tracks = ConnectedSongs(store), Tracks(store)
        self._opinions, self._marks = Opinions(store), Marks(store)
        self._next: dict[str, float] = {}

    def look(self, connection: Connection, account: LinkedAccount, client: OpenSubsonic) -> None:
        """Take over the opinions that are new since the last look.

        Raises
        ------
        ServerFault
            The server is away, or has no stars.
        SegueError
            Kafka does not accept events now; the next look makes up for it.
        """
        own = account["_id"]
        if "listed_at" not in connection or time.monotonic() < self._next.get(own, 0.0):
            return
        self._next[own] = time.monotonic() + _EVERY_SECONDS
        self._take_stars(account, stars(client))
        if "rated_at" not in account:
            self._take_ratings(account, ratings(client))

    def _take_stars(self, account: LinkedAccount, found: Iterable[Star]) -> None:
        until, now = account.get("stars_until"), datetime.now(UTC)
        waiting = set(account.get("stars_waiting") or ())
        # The clock there may be ahead; a time that is further ahead is none.
        times = {star.song_id: star.at if star.at and star.at <= now + _AHEAD else None for star in found}
        new = [
            song_id
            for song_id, at in times.items()
            if until is None or song_id in waiting or (at is not None and at > until)
        ]
        new = sorted(new, key=lambda song_id: times[song_id] or _BEFORE_ALL, reverse=True)[:_MOST]
        tracks, listed = self._known(account, new), self._songs.tracks(account["connection"], new)
        given = self._opinions.given(account["user_id"], (one.track_id for one in tracks.values()))
        wanted = {}
        for song_id, track in tracks.items():
            former, at = given.get(track.track_id), times[song_id]
            # A like stays as it is; another opinion is the listener's own, unless the star is newer.
            newer = former is not None and at is not None and min(at, now) > former["at"]
            if former is None or (former["opinion"] != "like" and newer):
                wanted[song_id] = track
        newest = list(wanted)[:_MOST_EVENTS]
        self._express(account, {f"{one}\n{times[one]}": wanted[one] for one in newest}, "like")
        self._opinions.keep(
            (account["user_id"], track.track_id, "like")
            for song_id, track in wanted.items()
            if song_id not in newest
        )
        dated = [at for at in times.values() if at is not None]
        without_track = [song_id for song_id in new if song_id not in listed]
        self._accounts.note_stars(account, max([*dated, until or _BEFORE_ALL]), waiting=without_track)

    def _take_ratings(self, account: LinkedAccount, found: Mapping[str, int]) -> None:
        tracks, user_id = self._known(account, list(found)[:_MOST]), account["user_id"]
        ids = [track.track_id for track in tracks.values()]
        rated, given = self._marks.of(user_id, "track", ids), self._opinions.given(user_id, ids)
        disliked = {
            f"{song_id}\nrating": track
            for song_id, track in tracks.items()
            if found[song_id] == _DISLIKED and track.track_id not in given
        }
        self._express(account, dict(list(disliked.items())[:_MOST_EVENTS]), "dislike")
        for song_id, track in tracks.items():
            mark = rated.get(track.track_id)
            if mark is None or not mark.get("rating"):
                self._marks.rate(user_id, "track", track.track_id, found[song_id])
        self._accounts.note_rated(account)

    def _known(self, account: LinkedAccount, song_ids: Iterable[str]) -> dict[str, TrackSummary]:
        """The tracks of songs that the listener sees, by song, in the order of the songs."""
        tracks = self._songs.tracks(account["connection"], song_ids := list(song_ids))
        with seen_by(account["user_id"], account["name"]):
            known = self._tracks.summaries(tracks.values())
        return {one: known[track] for one in song_ids if (track := tracks.get(one, "")) in known}

    def _express(self, account: LinkedAccount, tracks: Mapping[str, TrackSummary], kind: str) -> None:
        """Send opinions; the keys tell them apart."""
        user_id, connection = account["user_id"], account["connection"]
        now = round(time.time() * 1000)
        events: list[dict[str, Any]] = [
            {
                "event_id": str(uuid.uuid5(_EVENTS, f"{account['_id']}\n{key}\n{kind}")),
                "user_id": user_id,
                "track_id": track.track_id,
                "type": kind,
                "ms_played": 0,
                "position_ms": 0,
                "duration_ms": track.duration_ms or 0,
                "occurred_at": now,
                "session_id": session_of_app(user_id, connection, kind=FROM_PROGRAMS),
                "source": "app",
            }
            for key, track in tracks.items()
        ]
        self._services.delivery.send(events)
