"""Brings the catalogue in line with a scan of a library, or of some of its folders.

Delivery: every write is an upsert by track id, cover id or path. A track is new only if no rule can recognise
its file as a lost track; the others are written at the end. So the next run completes an interrupted one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from rich.progress import TimeRemainingColumn

from segue.batch_jobs.bars import counting
from segue.batches import batches
from segue.catalog.absence import Absent, told_apart
from segue.catalog.cover_art import Cover
from segue.catalog.covers import Covers
from segue.catalog.cue_songs import span_of
from segue.catalog.features import Features
from segue.catalog.fma import FmaTrack
from segue.catalog.gathering import gather
from segue.catalog.identity import Listening, NotListening, Recogniser, identity_of_file
from segue.catalog.measured_tracks import MeasuredTracks
from segue.catalog.read import AS_USUAL, TagReading, fact_of, read_tracks
from segue.catalog.reconcile import Plan, Scanned, fresh_id, plan
from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import AudioFile, is_settled
from segue.catalog.stamp import Stamp
from segue.catalog.track import StoredFile, Track
from segue.catalog.track_files import TrackFiles
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


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The changes of a pass, by track id."""

    new: frozenset[str]
    changed: frozenset[str]
    """Known tracks whose files were read."""
    same: frozenset[str]
    """Known tracks whose files need not be read."""
    moved: frozenset[str]
    """Those of `changed` and `same` whose files have another name or folder."""
    absent: Absent
    rejected: tuple[RejectedFile, ...]
    waiting: int
    """New and changed files that wait for a later pass."""


def bring_in_line(store: Store, found: Found, *, rules: Rules, quiet: bool = False) -> Changes:
    """Write new and changed tracks, follow renamed and moved files, mark lost tracks, and gather albums."""
    tracks = TrackFiles(store)
    stored = tracks.files_of(found.library) if found.stored is None else found.stored
    facts = {place: fact_of(file, found.known) for place, file in found.files.items()}
    scanned = Scanned(files=found.files, facts=facts, covers=found.covers)
    made, waiting = _settled(
        plan(stored, scanned, everything=rules.everything), found.files, rules.settle_time
    )
    _follow(tracks, made, stored, found.files)
    work = _Pass(store, found, made, stored=stored, rules=rules)
    work.read(quiet=quiet)

    here = work.written.keys() | set(made.same.values()) | waiting.known
    lost = [
        track
        for track in stored.values()
        # A new file that waits may be the lost one under another name.
        if not waiting.unknown
        and track.state == "present"
        and track.track_id not in here
        and found.covers(track)
    ]
    rejected = (*found.rejected, *work.rejected)
    lost, replaced = _apart(lost, {file.path for file in found.files.values()})
    absent = (
        _believed(lost, rejected)
        if rules.accepted
        else told_apart(
            lost,
            roots=found.roots,
            seen=found.files.values(),
            rejected=rejected,
            present=sum(track.state == "present" for track in stored.values()),
            largest_share=rules.largest_share,
        )
    )
    tracks.mark_away([*absent.away, *absent.in_question])
    absent = replace(absent, vanished=(*absent.vanished, *replaced))
    tracks.mark_vanished(absent.vanished)
    places = {own: place for place, own in made.same.items()} | work.written
    moved = frozenset(own for own, place in places.items() if own in stored and stored[own].place != place)
    gather(store, moved)
    return Changes(
        new=frozenset(work.written.keys() - stored.keys()),
        changed=frozenset(work.written.keys() & stored.keys()),
        same=frozenset(made.same.values()),
        moved=moved,
        absent=absent,
        rejected=rejected,
        waiting=waiting.unknown + len(waiting.known),
    )


def _apart(lost: Iterable[StoredFile], seen: Collection[str]) -> tuple[list[StoredFile], list[str]]:
    """The lost tracks without a file, and the ids of those whose file a CUE sheet now divides otherwise."""
    gone, replaced = [], []
    for track in lost:
        if track.path in seen:
            replaced.append(track.track_id)
        else:
            gone.append(track)
    return gone, replaced


class _Waiting(NamedTuple):
    known: frozenset[str]
    """Tracks whose changed files wait."""
    unknown: int
    """The number of new files that wait."""


def _settled(made: Plan, files: Mapping[str, AudioFile], settle_time: timedelta) -> tuple[Plan, _Waiting]:
    """The plan without the files that may still be written."""
    now = time.time_ns()

    def waits(place: str) -> bool:
        return not is_settled(files[place], settle_time, now_ns=now)

    to_read = {place: own for place, own in made.to_read.items() if not waits(place)}
    unknown = [place for place in made.unknown if not waits(place)]
    known = frozenset(made.to_read[place] for place in made.to_read.keys() - to_read.keys())
    return (
        replace(made, to_read=to_read, unknown=unknown),
        _Waiting(known, len(made.unknown) - len(unknown)),
    )


def _believed(lost: Iterable[StoredFile], rejected: Iterable[RejectedFile]) -> Absent:
    """All lost tracks have vanished, except those that cannot be looked at."""
    return told_apart(
        lost, roots=[Path("/")], seen=(), rejected=rejected, present=1, largest_share=float("inf")
    )


def _follow(
    tracks: TrackFiles, made: Plan, stored: Mapping[str, StoredFile], files: Mapping[str, AudioFile]
) -> None:
    """Store the new places of unchanged files, and mark their tracks as present."""
    moved, back = {}, []
    for place, own in made.same.items():
        track, file = stored[own], files[place]
        if (track.place, track.path, track.inode, track.device) != (
            place,
            file.path,
            file.inode,
            file.device,
        ):
            moved[own] = place, file
        if track.away or track.state != "present":
            back.append(own)
    tracks.move(moved)
    tracks.bring_back(back)


class _Pass:
    """Reads files and writes their tracks."""

    def __init__(
        self, store: Store, found: Found, made: Plan, *, stored: Mapping[str, StoredFile], rules: Rules
    ) -> None:
        self.written: dict[str, str] = {}
        """The places of the tracks written, by track id."""
        self.rejected: list[RejectedFile] = []
        self._tracks, self._covers, self._features = TrackFiles(store), Covers(store), Features(store)
        self._measured = MeasuredTracks(store)
        self._found, self._made, self._stored, self._rules = found, made, stored, rules
        self._taken = set(stored)
        self._pictures: set[str] = set()
        lost = self._tracks.identities(list(made.lost)) if made.unknown else []
        self._recogniser = Recogniser(lost, listening=rules.listening)

    def read(self, *, quiet: bool) -> None:
        """Read all files of the plan, in the order of the scan."""
        unknown = set(self._made.unknown)
        wanted = [
            file
            for place, file in self._found.files.items()
            if place in unknown or place in self._made.to_read
        ]
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
                for outcome in batch:
                    if isinstance(outcome, RejectedFile):
                        self.rejected.append(self._with_track(outcome))
                    elif own := self._made.to_read.get(outcome[0].track_id):
                        good.append((own, outcome))
                    elif self._recogniser.may_know(identity_of_file(outcome[0])):
                        held.append(outcome)
                    else:
                        good.append((self._new_id(outcome[0].track_id), outcome))
                self._write(good)
                read += len(batch)
                self._rules.progress(read, len(wanted))
        self._write_recognised(held)

    def _write_recognised(self, held: list[Read]) -> None:
        known = self._recogniser.recognise([identity_of_file(track) for track, _ in held])
        # Known tracks first: only then is it clear which ids are left for new ones.
        held.sort(key=lambda read: read[0].track_id not in known)
        ids = ((known.get(read[0].track_id) or self._new_id(read[0].track_id), read) for read in held)
        for batch in batches(ids, WRITE_EVERY):
            self._write(batch)

    def _new_id(self, place: str) -> str:
        own = fresh_id(place, taken=self._taken)
        self._taken.add(own)
        return own

    def _with_track(self, rejected: RejectedFile) -> RejectedFile:
        """A rejected file with the id of the track that it was."""
        place = rejected.track_id
        if place is None:
            return rejected
        at_place = (own for own, track in self._stored.items() if track.place == place)
        own = self._made.to_read.get(place) or next(at_place, place)
        return replace(rejected, track_id=own)

    def _write(self, batch: Iterable[tuple[str, Read]]) -> None:
        reads = list(batch)
        covers = {
            cover.cover_id: cover for _, (_, cover) in reads if cover and cover.cover_id not in self._pictures
        }
        self._covers.write(covers.values())
        self._pictures |= covers.keys()
        self._tracks.write(replace(track, track_id=own, place=track.track_id) for own, (track, _) in reads)
        self._tracks.bring_back(
            own
            for own, _ in reads
            if (before := self._stored.get(own)) and (before.away or before.state == "vanished")
        )
        retagged = {
            own: (_stamp(before), _stamp(track))
            for own, (track, _) in reads
            if (before := self._stored.get(own))
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
            if (before := self._stored.get(own))
            and before.span != span_of(track.cue)
            and _stamp(before) == _stamp(track)
        ]
        self._features.remove(other_part)
        self._measured.forget_levels(other_part)
        self.written |= {own: track.track_id for own, (track, _) in reads}


def _stamp(file: StoredFile | Track) -> Stamp:
    return Stamp(None, file.size, file.modified_ns)
