"""Plays that reached Kafka too late for the stream: kept beside its facts, as imported plays are.

Delivery: each play is added to a set, by its listener, its track and the second of its start. So plays that
are delivered again change nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from segue.catalog.tracks import Tracks
from segue.imports.beside import BesideTheStream, PlayBeside
from segue.imports.play import ImportedPlay, Song, milliseconds_of
from segue.imports.songs import Match
from segue.people.forgotten import Forgotten
from segue.plays.event_types import ENDS
from segue.storage.store import Store


class DelayedPlays:
    """Keeps the delayed plays of all listeners."""

    def __init__(self, store: Store) -> None:
        self._tracks, self._forgotten = Tracks(store), Forgotten(store)
        self._beside = BesideTheStream(store)

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
        return [
            user_id
            for user_id, own in by_listener.items()
            if self._beside.keep(user_id, [_beside(play, described) for play in own])
        ]

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


def _beside(play: Mapping[str, Any], described: Mapping[str, Song]) -> PlayBeside:
    """A play from its end. The player knows the track, so the key of the song follows from it alone."""
    song, played = described[play["track_id"]], milliseconds_of(play["ms_played"])
    imported = ImportedPlay(
        song=song,
        at=max(0, play["occurred_at"] - (played or 0)) // 1000,
        ms_played=played,
        skipped=play["type"] == "skip",
    )
    key = Song(title="", track_id=song.track_id).key()
    return PlayBeside(key, imported, Match(song.track_id if song.title else None))
