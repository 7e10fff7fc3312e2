"""Imported plays as facts, counted by the same definitions as live plays.

They are computed when a page reads them. Statistics of all listeners, such as *Popular now*, have live plays
only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal

import pyarrow as pa

from segue.catalog.tracks import Tracks
from segue.engagement.definitions import Thresholds
from segue.engagement.facts import Fact, StoredFact, facts_of
from segue.imports.days import ImportedDays, KeptPlay, plays_in
from segue.imports.play import names_of
from segue.imports.songs import ImportedSongs, StoredSong
from segue.plays.event import EVENT_WINDOW, WindowFields
from segue.settings import EngagementSettings, milliseconds
from segue.storage.store import Store

_NO_TRACK = "song:"
"""The beginning of the id of a song that is not in the library."""
_LONGEST = timedelta(days=1)
_TOLERANCE = 60_000
"""Milliseconds: some services give times by the minute."""
_WHOLE = {"occurred_at", "ms_played", "duration_ms", "rank"}


class ImportedFacts:
    """The imported plays of a listener as facts."""

    def __init__(self, store: Store, user_id: str, engagement: EngagementSettings) -> None:
        self._user_id = user_id
        self._store, self._days, self._tracks = store, ImportedDays(store), Tracks(store)
        self._window = milliseconds(engagement.window)
        self._thresholds = Thresholds.of(engagement)

    def began(self) -> datetime | None:
        """The beginning of the day of the first imported play; None without any."""
        return self._days.began(self._user_id)

    def first_heard(self, by: Literal["track_id", "artist"]) -> dict[str, datetime]:
        """The first imported play of each track in the library, or of each artist."""
        first: dict[str, datetime] = {}
        for song in self._songs.values():
            name = song["track_id"] or ""
            if by == "artist":  # the library's spelling, where it has the song
                name = self._known.get(name, ("", ""))[0] or song["artist"]
            if name:
                time = datetime.fromtimestamp(song["first_at"], UTC)
                first[name] = min(time, first.get(name, time))
        return first

    @cached_property
    def _songs(self) -> Mapping[str, StoredSong]:
        """The listener's songs by key."""
        return ImportedSongs(self._store).heard(self._user_id)

    @cached_property
    def _known(self) -> Mapping[str, tuple[str, str]]:
        """Artist and genre of the tracks among them."""
        return self._tracks.artist_and_genre(
            {own for song in self._songs.values() if (own := song["track_id"])}
        )

    def of(self, live: Iterable[StoredFact], *, since: datetime, until: datetime) -> list[Fact]:
        """Facts of the windows that begin in [since, until), without plays that live facts have.

        A live play and an imported one are the same if they are of one track and the imported one spans the
        window of the live one. A song that is not in the library has no track in its row.

        Parameters
        ----------
        live
            The live facts of the same windows.
        """
        first, last = (int(bound.timestamp() * 1000) for bound in (since, until))
        endings = self.endings(live, since=since, until=until)
        return self._counted([ending for ending in endings if first <= self._start(ending.at) < last])

    def endings(self, live: Iterable[StoredFact], *, since: datetime, until: datetime) -> list[Ending]:
        """The ends of the plays that began less than a day before `since`, or before `until`.

        Parameters
        ----------
        live
            The live facts of these windows. Plays that they have are left out, as in :meth:`of`.
        """
        matches = {key: song["track_id"] for key, song in self._songs.items()}
        seen = Counter[tuple[int, str]]()
        for fact in live:
            start = int(fact["start"].timestamp() * 1000)
            for row in fact["rows"]:  # several may be of one track
                seen[start, row["track_id"]] += row.get("plays") or 0
        days = self._days.days(self._user_id, since=since - _LONGEST, until=until)
        kept = [own for day in days for own in plays_in(day)]
        lengths = self._tracks.lengths({track_id for play, _ in kept if (track_id := matches.get(play.song))})
        endings = []
        for play in heard_once(kept, matches, lengths):
            track_id = matches.get(play.song) or ""
            ending = Ending.of(play, track_id, lengths.get(track_id, 0))
            if not track_id or not self._was_live(ending, seen):
                endings.append(ending)
        return endings

    def _start(self, at: int) -> int:
        return at - at % self._window

    def _was_live(self, ending: Ending, seen: Counter[tuple[int, str]]) -> bool:
        """Whether a live play of the track is in a window that the play spans; each live play counts once."""
        first, last = self._start(ending.began - _TOLERANCE), self._start(ending.at + _TOLERANCE)
        for start in range(first, last + 1, self._window):
            if seen[start, ending.track_id] > 0:
                seen[start, ending.track_id] -= 1
                return True
        return False

    def _counted(self, endings: Iterable[Ending]) -> list[Fact]:
        table = windows_of_endings(self._user_id, endings, kind=EVENT_WINDOW, length=self._window)
        found = facts_of(table, described=self._described, thresholds=self._thresholds)
        for row in (row for fact in found for row in fact.rows):
            if row["track_id"].startswith(_NO_TRACK):
                row["track_id"] = ""
        return found

    def _described(self, ids: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Artist and genre of tracks, and the artists of songs without a track."""
        artists = {_NO_TRACK + key: (song["artist"], "") for key, song in self._songs.items()}
        return {own: self._known.get(own) or artists.get(own, ("", "")) for own in ids}


def heard_once(
    plays: Iterable[tuple[KeptPlay, Sequence[int]]],
    matches: Mapping[str, str | None],
    lengths: Mapping[str, int],
) -> Iterator[KeptPlay]:
    """Imported plays in their order, each listening once, even if services give it different times.

    Two plays of a song are one listening if they are of different imports, and the second begins within the
    first half of the first, or within a minute. Some exports have the minute only, and services disagree by
    seconds.

    Parameters
    ----------
    plays
        In the order of their starts, with the numbers of the imports that contained them.
    matches
        The tracks of songs, by key; None for songs that are not in the library.
    lengths
        Of tracks, in milliseconds.
    """
    former: dict[str, tuple[float, set[int]]] = {}
    for play, numbers in plays:
        track_id = matches.get(play.song) or ""
        own = track_id or names_of(play.song)
        until, known = former.get(own, (0.0, set()))
        if play.at < until and known.isdisjoint(numbers):
            known.update(numbers)
            continue
        heard = lengths.get(track_id, 0) if play.ms_played is None else play.ms_played
        former[own] = play.at + max(heard / 2, _TOLERANCE) / 1000, set(numbers)
        yield play


@dataclass(frozen=True)
class Ending:
    """The end of an imported play."""

    began: int
    """Epoch ms."""
    at: int
    """Epoch ms."""
    song: str
    track_id: str
    """Empty for a song that is not in the library."""
    type: str
    ms_played: int
    duration_ms: int

    @classmethod
    def of(cls, play: KeptPlay, track_id: str, length: int) -> Ending:
        """A play whose listening time is unknown was heard to the end."""
        heard = length if play.ms_played is None else play.ms_played
        return cls(
            began=play.at * 1000,
            at=play.at * 1000 + heard,
            song=play.song,
            track_id=track_id,
            type="complete" if play.ms_played is None else "skip" if play.skipped else "leave",
            ms_played=heard,
            duration_ms=length,
        )

    def event(self) -> dict[str, object]:
        """The play as an event, with the fields that windows keep of it."""
        return {
            "occurred_at": self.at,
            "event_id": f"{self.began}:{self.song}",
            "track_id": self.track_id or _NO_TRACK + self.song,
            "type": self.type,
            "ms_played": self.ms_played,
            "duration_ms": self.duration_ms,
            "source": "app",
            "rank": None,
            "model": None,
        }


def windows_of_endings(
    user_id: str, endings: Iterable[Ending], *, kind: WindowFields, length: int
) -> pa.Table:
    """The windows of a listener's plays, as the streaming queries make those of live plays.

    Parameters
    ----------
    length
        Of a window, in milliseconds.

    Returns
    -------
    A row for each window: `user_id`, `window_start` (epoch ms), and the list with the fields of `kind`.
    """
    by_window: dict[int, list[dict[str, object]]] = defaultdict(list)
    for ending in endings:
        event = ending.event()
        by_window[ending.at - ending.at % length].append({name: event[name] for name in kind.state})
    starts = sorted(by_window)
    fields = [(name, pa.int64() if name in _WHOLE else pa.string()) for name in kind.state]
    return pa.table(
        {
            "user_id": [user_id] * len(starts),
            "window_start": pa.array(starts, pa.int64()),
            kind.name: pa.array([by_window[start] for start in starts], pa.list_(pa.struct(fields))),
        }
    )
