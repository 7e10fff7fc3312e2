"""Imports the history of a listener from exports of other services, shows it before, and undoes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime

from segue.batches import batches
from segue.errors import SegueError
from segue.imports.changed import ChangedImports
from segue.imports.days import ImportedDays, KeptPlay
from segue.imports.exports import Exports, Found
from segue.imports.matched import Library
from segue.imports.play import ImportedPlay, LeftOut, names_of
from segue.imports.room import Room
from segue.imports.runs import INTERRUPTED, MOST_EXAMPLES, Begun, Imports, RowLeftOut, is_active
from segue.imports.songs import HeardSong, ImportedSongs, Match
from segue.phrases import marked
from segue.storage.store import Store

_AT_ONCE = 20_000
Progress = Callable[[int], None]
"""Called with the bytes of the files that were read."""
Note = Callable[..., bool]
"""Stores the counts of an import with other fields; returns whether it is to go on."""


class _Removed(SegueError):
    """Somebody removed the import while it ran, or the listener has left."""


@dataclass
class Summary:
    """Counts of an import; `rows` is the sum of `stored`, `known` and all of `left_out`."""

    rows: int = 0
    stored: int = 0
    """New plays."""
    known: int = 0
    """Plays that had been imported before, or came twice."""
    matched: int = 0
    """Plays whose song is in the library, among the new ones and the known."""
    ambiguous: int = 0
    """Plays whose song could be several tracks."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows that are not plays, by reason."""
    examples: list[RowLeftOut] = field(default_factory=list)
    """The first of these."""
    unknown_files: list[str] = field(default_factory=list)
    years: Counter[int] = field(default_factory=Counter)
    """Plays by year."""
    missing: Counter[str] = field(default_factory=Counter)
    """Plays by artist and title of songs that are not in the library."""
    first_at: int | None = None
    last_at: int | None = None

    @property
    def plays(self) -> int:
        """Plays in the files."""
        return self.stored + self.known

    def add_row(self, found: Found) -> None:
        """Count a row."""
        self.rows += 1
        if isinstance(found.play, LeftOut):
            self.left_out[found.play.reason] += 1
            if len(self.examples) < MOST_EXAMPLES:
                self.examples.append({"file": found.file, "row": found.row, "reason": found.play.reason})
            return
        at = found.play.at
        self.years[datetime.fromtimestamp(at, UTC).year] += 1
        self.first_at = at if self.first_at is None else min(self.first_at, at)
        self.last_at = at if self.last_at is None else max(self.last_at, at)

    def add_match(self, play: ImportedPlay, match: Match) -> None:
        """Count the match of a play."""
        self.matched += match.track_id is not None
        self.ambiguous += match.ambiguous
        if match.track_id is None and not match.ambiguous:
            song = play.song
            self.missing[f"{song.artist} – {song.title}" if song.title else song.uri or song.track_id] += 1


def preview(
    exports: Exports,
    library: Library,
    *,
    there: Set[tuple[int, str]] = frozenset(),
    progress: Progress | None = None,
) -> Summary:
    """Read exports and match their songs without storing anything.

    Parameters
    ----------
    there
        The plays that the listener has imported before (:meth:`ImportedDays.places`).

    Raises
    ------
    SegueError
        The files have no plays, or cannot be read.
    """
    summary = Summary(unknown_files=exports.unknown)
    seen = set(there)
    for key, play in _counted(exports, library, summary, matches={}):
        place = play.at, names_of(key)
        summary.stored += place not in seen
        summary.known += place in seen
        seen.add(place)
        if progress is not None and not summary.plays % _AT_ONCE:
            progress(exports.read)
    _require_plays(summary)
    return summary


def _counted(
    rows: Iterable[Found], library: Library, summary: Summary, *, matches: dict[str, Match]
) -> Iterator[tuple[str, ImportedPlay]]:
    """The plays among rows with the keys of their songs; adds the matches of new songs, and counts both."""
    for found in rows:
        summary.add_row(found)
        if isinstance(found.play, LeftOut):
            continue
        key = found.play.song.key()
        if key not in matches:
            matches[key] = library.match(found.play.song)
        summary.add_match(found.play, matches[key])
        yield key, found.play


class Importer:
    """Imports the history of one listener."""

    def __init__(self, store: Store, user_id: str) -> None:
        self._store, self._user_id = store, user_id
        self._runs, self._days, self._songs = Imports(store), ImportedDays(store), ImportedSongs(store)
        self._changed = ChangedImports(store)

    def run(
        self, exports: Exports, library: Library, *, files: Iterable[str], progress: Progress | None = None
    ) -> Summary:
        """Import exports. Plays that are there already are not stored again.

        Parameters
        ----------
        files
            The names to remember the import by. An interrupted import of the same names is continued.

        Raises
        ------
        SegueError
            The files have no plays, or cannot be read. Plays that were read before stay, and importing the
            same files again adds the rest. Or somebody has removed the import meanwhile: no play stays.
        """
        begun = self._runs.begin(self._user_id, list(files))
        summary = Summary(unknown_files=exports.unknown)
        note = self._notes(begun, summary)
        try:
            self._read(exports, library, begun.number, summary, note, progress)
            _require_plays(summary)
            _go_on(note(state="complete"))
        except _Removed:
            self._remove_rest(begun.number)
            raise
        except BaseException as error:
            note(state="failed", error=str(error) if isinstance(error, SegueError) else INTERRUPTED)
            raise
        finally:
            self._changed.note([self._user_id])
        return summary

    def _read(
        self,
        exports: Exports,
        library: Library,
        number: int,
        summary: Summary,
        note: Note,
        progress: Progress | None,
    ) -> None:
        stored = self._songs.matches(self._user_id)
        known, room = set(stored), Room(self._store, self._user_id)
        # The library may have grown since a song was not in it.
        matches = {key: match for key, match in stored.items() if match.track_id is not None}
        for part in batches(exports, _AT_ONCE):
            plays = []
            heard: dict[str, HeardSong] = {}
            for key, play in _counted(part, library, summary, matches=matches):
                if key not in heard or play.at < heard[key].first_at:
                    heard[key] = HeardSong(play.song, matches[key], play.at)
                plays.append(KeptPlay(play.at, key, play.ms_played, play.skipped))
            heard, kept = room.admitted(heard, plays, known=known)
            self._changed.begin(self._user_id)
            self._songs.keep(self._user_id, heard)
            self._songs.settle_of(
                self._user_id,
                {
                    key: matches[key]
                    for key in heard.keys() & stored.keys()
                    if stored[key].track_id is None and matches[key].track_id is not None
                },
            )
            added = self._days.add(self._user_id, kept, number=number)
            room.take(songs=len(heard.keys() - known), plays=added.new)
            known |= heard.keys()
            summary.stored += added.new
            summary.known += len(kept) - added.new - added.beyond
            for reason, beyond in (("crowded_day", added.beyond), ("no_room", len(plays) - len(kept))):
                if beyond:
                    summary.left_out[reason] += beyond
            _go_on(note(state="running"))
            if progress is not None:
                progress(exports.read)

    def _notes(self, begun: Begun, summary: Summary) -> Note:
        """Stores the counts of an import, those of its interrupted part included."""
        earlier = self._days.only_in(self._user_id, begun.number) if begun.continues else 0

        def note(**fields: object) -> bool:
            return self._runs.update(
                self._user_id,
                begun.number,
                rows=summary.rows,
                stored=earlier + summary.stored,
                known=max(0, summary.known - earlier),
                left_out=dict(summary.left_out),
                examples=summary.examples,
                unknown_files=summary.unknown_files[:100],
                first_at=_date(summary.first_at),
                last_at=_date(summary.last_at),
                **fields,
            )

        return note

    def undo(self, number: int) -> int:
        """Remove the plays that only one import contained; returns how many these are.

        A removal that was interrupted is completed by another. An import that runs stops, and removes the
        plays that it has added meanwhile.

        Raises
        ------
        SegueError
            There is no such import.
        """
        self._runs.one(self._user_id, number)
        self._changed.begin(self._user_id)
        before = self._runs.begin_removal(self._user_id, number)
        removed = self._withdraw(number)
        self._changed.note([self._user_id])
        if before["state"] != "running" or not is_active(before):
            self._runs.end_removal(self._user_id, number)
        return removed

    def _withdraw(self, number: int) -> int:
        removed = self._days.withdraw(self._user_id, number)
        first = self._days.first_heard(self._user_id)
        unused = [key for key in self._songs.matches(self._user_id) if key not in first]
        self._songs.remove(self._user_id, unused)
        self._songs.date(self._user_id, first)
        return removed

    def _remove_rest(self, number: int) -> None:
        """Complete a removal that began while the import ran."""
        self._withdraw(number)
        self._runs.end_removal(self._user_id, number)


def _go_on(wanted: bool) -> None:
    """End an import that nobody wants any more.

    Raises
    ------
    _Removed
        It is not wanted.
    """
    if not wanted:
        raise _Removed(marked("This import was removed while it ran."))


def match_again(store: Store, libraries: Callable[[str], Library]) -> tuple[int, int]:
    """Match the songs of all listeners that have no track; returns the numbers of songs, and of new matches.

    Parameters
    ----------
    libraries
        Gives the library that a listener sees, by the listener's id.
    """
    songs, changed = ImportedSongs(store), ChangedImports(store)
    number = new = 0
    for part in batches(songs.unmatched(), _AT_ONCE):
        matches = {}
        for own, song in part:
            match = libraries(own.rpartition(":")[0]).match(song)
            if match.track_id is not None:
                matches[own] = match
        listeners = {own.rpartition(":")[0] for own in matches}
        for user_id in listeners:
            changed.begin(user_id)
        songs.settle(matches)
        changed.note(listeners)
        number += len(part)
        new += len(matches)
    return number, new


def unmatched(store: Store, user_id: str, *, most: int) -> list[tuple[str, str, str, int]]:
    """Artist, title, album and plays of a listener's songs without a track, the most played first."""
    songs, counts = ImportedSongs(store), ImportedDays(store).plays_of_songs(user_id)
    without = {key for key, match in songs.matches(user_id).items() if match.track_id is None}
    keys = sorted(without, key=lambda key: (-counts[key], key))[:most]
    found = songs.described(user_id, keys)
    rows = [
        (song["artist"], song["title"] or song.get("uri") or "", song["album"], counts[key])
        for key, song in found.items()
    ]
    return sorted(rows, key=lambda row: (-row[3], row[:3]))


def _require_plays(summary: Summary) -> None:
    if not summary.plays:
        raise SegueError(
            marked(
                "These files contain no plays. Give an export of Spotify, ListenBrainz, Last.fm or Segue, "
                "as you received it."
            )
        )


def _date(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
