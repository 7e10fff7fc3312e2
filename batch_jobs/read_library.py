"""Reads the new and changed files of a library, and writes their tracks, covers and lyrics.

Delivery: every write is an upsert by track id, cover id or path. Covers and lyrics are written before the
tracks that have them: a track with the stamp of its file is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from itertools import chain
from pathlib import Path

from rich.progress import TimeRemainingColumn

from segue.batch_jobs.bars import counting
from segue.batches import batches
from segue.catalog.cover_art import Cover
from segue.catalog.covers import Covers
from segue.catalog.cue_part import span_of
from segue.catalog.features import Features
from segue.catalog.fma import FmaTrack
from segue.catalog.identity import Listening, NotListening, Recogniser, identity_of_file
from segue.catalog.measured_tracks import MeasuredTracks
from segue.catalog.other_libraries import OtherLibraries
from segue.catalog.read import AS_USUAL, TagReading, read_tracks, stamp_of
from segue.catalog.reconcile import Plan, fresh_id
from segue.catalog.rejected import RejectedFile, RejectedTracks
from segue.catalog.scan import AudioFile
from segue.catalog.stamp import Stamp
from segue.catalog.stored_paths import path_to_open, shown
from segue.catalog.track import Track
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_lyrics import TrackLyrics
from segue.catalog.track_records import StoredFile
from segue.connected.songs_on_disk import SongsOnDisk
from segue.storage.store import Store

WRITE_EVERY = 256
Read = tuple[Track, Cover | None]


@dataclass(frozen=True, kw_only=True)
class Found:
    """The files that a scan found, by place, and the library that they belong to."""

    library: str
    roots: Sequence[Path]
    files: Mapping[str, AudioFile]
    rejected: Iterable[RejectedFile] = ()
    known: Mapping[int, FmaTrack] = field(default_factory=dict)
    covers: Callable[[StoredFile], bool] = lambda file: True
    """Whether the scan covers a stored file; by default it covers the whole library."""
    stored: Mapping[str, StoredFile] | None = None
    """The library's tracks by id, if they have been read already."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a pass reads and recognises files, and which losses it believes."""

    largest_share: float = 0.3
    """The share of a library's tracks above which lost files are in question: see :mod:`absence`."""
    accepted: bool = False
    """Files that are gone were removed, in any number and from any folder."""
    everything: bool = False
    """Read unchanged files, too."""
    settle_time: timedelta = timedelta(0)
    """A new or changed file waits for a later pass until it has been unchanged for this time."""
    reading: TagReading = AS_USUAL
    listening: Listening = field(default_factory=NotListening)
    progress: Callable[[int, int], None] = lambda done, total: None
    """Called with the numbers of files that were read and are to be read, after each part."""


class FileReader:
    """Reads files and writes their tracks."""

    def __init__(
        self, store: Store, found: Found, made: Plan, *, stored: Mapping[str, StoredFile], rules: Rules
    ) -> None:
        self.written: dict[str, str] = {}
        """The places of the tracks written, by track id."""
        self.paths: set[str | None] = set()
        """The files of the tracks written."""
        self.rejected: list[RejectedFile] = []
        self._tracks, self._covers, self._features = TrackFiles(store), Covers(store), Features(store)
        self._measured, self._lyrics = MeasuredTracks(store), TrackLyrics(store)
        self._rejected = RejectedTracks(store)
        self._found, self._made, self._stored, self._rules = found, made, stored, rules
        self.came: dict[str, StoredFile] = {}
        """The tracks that came from other libraries or connected servers, by id, as they were there."""
        self._others, self._songs = OtherLibraries(self._tracks, found.library), SongsOnDisk(self._tracks)
        # After an interruption between a track's new file and this note.
        self._tracks.leave_servers(own for own, file in stored.items() if file.server_path is not None)
        self._taken = set(stored)
        self._pictures: set[str] = set()
        lost = self._tracks.identities(list(made.lost)) if made.unknown else []
        self._recogniser = Recogniser(lost, listening=rules.listening)

    def read(self, *, quiet: bool) -> None:
        """Read all files of the plan, in the order of the scan."""
        unknown = set(self._made.unknown)
        wanted = self._readable(
            [
                file
                for place, file in self._found.files.items()
                if place in unknown or place in self._made.to_read
            ]
        )
        held: list[Read] = []
        read = 0
        with counting(TimeRemainingColumn(), disable=quiet or not wanted) as progress:
            outcomes = read_tracks(
                wanted,
                library=self._found.library,
                known=self._found.known,
                reading=self._rules.reading,
            )
            for batch in batches(
                progress.track(outcomes, total=len(wanted), description="Reading tags"), WRITE_EVERY
            ):
                good: list[tuple[str, Read]] = []
                new: list[Read] = []
                for outcome in chain.from_iterable(batch):
                    if isinstance(outcome, RejectedFile):
                        self.rejected.append(self._with_track(outcome))
                    elif own := self._made.to_read.get(outcome[0].track_id):
                        good.append((own, outcome))
                    elif self._recogniser.may_know(identity_of_file(outcome[0])):
                        held.append(outcome)
                    else:
                        new.append(outcome)
                self._write([*good, *self._with_ids(new)])
                read += len(batch)
                self._rules.progress(read, len(wanted))
        self._write_recognised(held)

    def _readable(self, files: list[AudioFile]) -> list[AudioFile]:
        """The files without those that could not be read, such as films, and have not changed since."""
        unusable = {} if self._rules.everything else self._rejected.unchanged(self._found.library)
        if not unusable:
            return files
        wanted = []
        for file in files:
            known = unusable.get(shown(path_to_open(file.path)))
            if known and known.stamp == stamp_of(file):
                self.rejected.append(known)
            else:
                wanted.append(file)
        return wanted

    def _write_recognised(self, held: list[Read]) -> None:
        known = self._recogniser.recognise([identity_of_file(track) for track, _ in held])
        # Known tracks first: only then is it clear which ids are left for new ones.
        pairs = ((own, read) for read in held if (own := known.get(read[0].track_id)))
        for recognised in batches(pairs, WRITE_EVERY):
            self._write(recognised)
        for batch in batches((read for read in held if read[0].track_id not in known), WRITE_EVERY):
            self._write(self._with_ids(batch))

    def _with_ids(self, reads: Sequence[Read]) -> list[tuple[str, Read]]:
        """New tracks with their ids: those of other libraries from which the files came, those of songs of
        connected servers, or new ones.
        """
        came = self._others.moved([identity_of_file(track) for track, _ in reads])
        came |= self._songs.of(track for track, _ in reads if track.track_id not in came)
        self.came |= {track.track_id: track for track in came.values()}
        self._taken |= {track.track_id for track in came.values()}
        return [
            (came[key].track_id if (key := read[0].track_id) in came else self._new_id(key), read)
            for read in reads
        ]

    def _before(self, track_id: str) -> StoredFile | None:
        return self._stored.get(track_id) or self.came.get(track_id)

    def _new_id(self, place: str) -> str:
        own = fresh_id(place, taken=self._taken)
        self._taken.add(own)
        return own

    def _with_track(self, rejected: RejectedFile) -> RejectedFile:
        """A rejected file with the id of the track that it was."""
        place = rejected.track_id
        if place is None:
            return rejected
        own = self._made.to_read.get(place) or self._at_place.get(place, place)
        return replace(rejected, track_id=own)

    @cached_property
    def _at_place(self) -> dict[str, str]:
        """The stored tracks by their places; of several, the first."""
        return {track.place: own for own, track in reversed(list(self._stored.items()))}

    def _write(self, batch: Iterable[tuple[str, Read]]) -> None:
        reads = list(batch)
        covers = {
            cover.cover_id: cover for _, (_, cover) in reads if cover and cover.cover_id not in self._pictures
        }
        self._covers.write(covers.values())
        self._pictures |= covers.keys()
        self._lyrics.replace(
            # A new track has no lyrics to remove.
            {own: track.lyrics for own, (track, _) in reads if track.lyrics or self._before(own)}
        )
        tracks = [
            # dataclasses.replace takes longer than the rest
            track if own == track.track_id else replace(track, track_id=own, place=track.track_id)
            for own, (track, _) in reads
        ]
        self._tracks.add(track for track in tracks if not self._before(track.track_id))
        self._tracks.write(track for track in tracks if self._before(track.track_id))
        self._tracks.leave_servers(
            own for own, _ in reads if (before := self._before(own)) and before.server_path is not None
        )
        self._tracks.bring_back(
            own
            for own, _ in reads
            if (before := self._before(own)) and (before.away or before.state == "vanished")
        )
        retagged = {
            own: (_stamp(before), _stamp(track))
            for own, (track, _) in reads
            if (before := self._before(own))
            and before.sketch
            and before.sketch == track.sketch
            and _stamp(before) != _stamp(track)
        }
        self._features.restamp(retagged)
        self._measured.restamp(retagged)
        # A CUE sheet that changes gives a song another part of the same file.
        other_part = [
            own
            for own, (track, _) in reads
            if (before := self._before(own))
            and before.span != span_of(track.cue)
            and _stamp(before) == _stamp(track)
        ]
        self._features.remove(other_part)
        self._measured.forget_levels(other_part)
        self.written |= {own: track.track_id for own, (track, _) in reads}
        self.paths |= {track.path for _, (track, _) in reads}


def _stamp(file: StoredFile | Track) -> Stamp:
    return Stamp(None, file.size, file.modified_ns)
