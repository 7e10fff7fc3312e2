"""Plays that reached Kafka too late for the stream: kept beside its facts, as imported plays are.

Delivery: each play is added to a set, by its listener, its track and the second of its start. So plays that
are delivered again change nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from segue.catalog.tracks import Tracks
from segue.imports.changed import ChangedImports
from segue.imports.days import ImportedDays, KeptPlay
from segue.imports.play import Song, milliseconds_of
from segue.imports.songs import HeardSong, ImportedSongs, Match
from segue.people.forgotten import Forgotten
from segue.plays.event_types import ENDS
from segue.storage.store import Store

NUMBER = 0
"""In place of the number of an import: those of listeners count from 1."""


class DelayedPlays:
    """Keeps the delayed plays of all listeners."""

    def __init__(self, store: Store) -> None:
        self._tracks, self._forgotten = Tracks(store), Forgotten(store)
        self._days, self._songs = ImportedDays(store), ImportedSongs(store)
        self._changed = ChangedImports(store)

    def keep(self, plays: Iterable[Mapping[str, Any]]) -> list[str]:
        """Keep the listenings among plays; returns the listeners who have new ones.

        Starts and impressions are not kept: a listening counts when it ends. Opinions are stored when the
        dashboard receives them.

        Parameters
        ----------
        plays
            Well-formed plays, of which `user_id`, `track_id`, `type`, `ms_played` and `occurred_at` are read.

        Raises
        ------
        SegueError
            Another process changes the same days all the time.
        """
        ended = [play for play in plays if play["type"] in ENDS]
        left = self._forgotten.among({play["user_id"] for play in ended})
        by_listener: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for play in ended:
            if play["user_id"] not in left:
                by_listener[play["user_id"]].append(play)
        described = self._described({play["track_id"] for play in ended})
        new = [user_id for user_id, own in by_listener.items() if self._keep(user_id, own, described)]
        self._changed.note(new)
        return new

    def _keep(self, user_id: str, plays: Iterable[Mapping[str, Any]], songs: Mapping[str, Song]) -> bool:
        heard: dict[str, HeardSong] = {}
        kept = []
        for play in plays:
            song, played = songs[play["track_id"]], milliseconds_of(play["ms_played"])
            at = max(0, play["occurred_at"] - (played or 0)) // 1000
            key = Song(title="", track_id=song.track_id).key()
            if key not in heard or at < heard[key].first_at:
                heard[key] = HeardSong(song, Match(song.track_id if song.title else None), at)
            kept.append(KeptPlay(at, key, played, play["type"] == "skip"))
        self._songs.keep(user_id, heard)
        return self._days.add(user_id, kept, number=NUMBER).new > 0

    def _described(self, track_ids: Iterable[str]) -> dict[str, Song]:
        """The songs of tracks; those of tracks that the library does not have are without a title."""
        known = self._tracks.even_gone(track_ids)
        songs = {}
        for track_id in track_ids:
            track = known.get(track_id)
            songs[track_id] = (
                Song(title=track.title, artist=track.artist, album=track.album or "", track_id=track_id)
                if track is not None
                else Song(title="", track_id=track_id)
            )
        return songs
