"""How much a listener may keep of imported plays and their songs: one listener does not fill the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence

from segue.imports.days import ImportedDays, KeptPlay
from segue.imports.songs import HeardSong, ImportedSongs
from segue.storage.store import Store

MOST_SONGS, MOST_PLAYS = 300_000, 2_000_000
"""Far more than a person hears in a life: twenty years of songs of three minutes, half of the time."""
_REMEMBERED_SECONDS = 600.0
_MOST_REMEMBERED = 1000


class Room:
    """The room that a listener has left, counted once; for use by one thread."""

    def __init__(self, store: Store, user_id: str) -> None:
        self.songs = MOST_SONGS - ImportedSongs(store).number(user_id)
        self.plays = MOST_PLAYS - ImportedDays(store).number(user_id)

    def admitted(
        self, heard: Mapping[str, HeardSong], plays: Sequence[KeptPlay], *, known: Collection[str]
    ) -> tuple[dict[str, HeardSong], list[KeptPlay]]:
        """The songs and plays for which there is room.

        Parameters
        ----------
        heard
            The songs of the plays, by key.
        known
            At least those of these keys that are stored.
        """
        new = [key for key in heard if key not in known]
        beyond = set(new[max(self.songs, 0) :])
        kept = [play for play in plays if play.song not in beyond][: max(self.plays, 0)]
        named = {play.song for play in kept}
        return {key: song for key, song in heard.items() if key in named}, kept

    def take(self, *, songs: int, plays: int) -> None:
        """Note how many new ones were stored."""
        self.songs, self.plays = self.songs - songs, self.plays - plays


class Rooms:
    """The rooms of listeners, counted again after ten minutes. Thread-safe.

    Of requests at the same time, each may take all the room: the limit holds to within a few submissions.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, threading.Lock()
        self._known: dict[str, tuple[float, Room]] = {}

    def of(self, user_id: str) -> Room:
        """The room of a listener."""
        with self._lock:
            at, room = self._known.get(user_id, (float("-inf"), None))
        if room is not None and time.monotonic() - at < _REMEMBERED_SECONDS:
            return room
        room = Room(self._store, user_id)
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[user_id] = time.monotonic(), room
        return room
