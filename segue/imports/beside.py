"""Plays that no import and no stream has: kept beside the stream's facts, under one number.

Delivery: each play is added to a set, by its listener, its song and the second of its start. So plays that
are delivered again change nothing. The change is noted before it begins, since plays that are there already
are not new when they are delivered again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from segue.imports.changed import ChangedImports
from segue.imports.days import ImportedDays, KeptPlay
from segue.imports.play import ImportedPlay
from segue.imports.room import Rooms
from segue.imports.songs import HeardSong, ImportedSongs, Match
from segue.people.forgotten import Forgotten
from segue.storage.store import Store

NUMBER = 0
"""In place of the number of an import: those of listeners count from 1."""


class PlayBeside(NamedTuple):
    """A play with the key of its song and the match."""

    key: str
    play: ImportedPlay
    match: Match


class BesideTheStream:
    """Keeps delayed plays, and scrobbles of other programs."""

    def __init__(self, store: Store) -> None:
        self._forgotten, self._days, self._songs = Forgotten(store), ImportedDays(store), ImportedSongs(store)
        self._changed, self._rooms = ChangedImports(store), Rooms(store)

    def keep(self, user_id: str, plays: Iterable[PlayBeside]) -> bool:
        """Keep plays of a listener; returns whether any of them is new.

        Those for which the listener has no room (:mod:`segue.imports.room`) are left out.

        Raises
        ------
        SegueError
            Another process changes the same days all the time.
        """
        heard: dict[str, HeardSong] = {}
        kept = []
        for key, play, match in plays:
            if key not in heard or play.at < heard[key].first_at:
                heard[key] = HeardSong(play.song, match, play.at)
            kept.append(KeptPlay(play.at, key, play.ms_played, play.skipped))
        if not kept or self._forgotten.among({user_id}):
            return False
        known, room = self._songs.described(user_id, heard), self._rooms.of(user_id)
        heard, kept = room.admitted(heard, kept, known=known)
        if not kept:
            return False
        self._changed.begin(user_id)
        self._songs.keep(user_id, heard)
        new = self._days.add(user_id, kept, number=NUMBER).new
        room.take(songs=len(heard.keys() - known.keys()), plays=new)
        if new:
            self._changed.note([user_id])
        return new > 0
