"""Brings the catalogue in line with a scan of a library, or of some of its folders.

Delivery: every write is an upsert by track id, cover id or path. A track is new only if no rule can recognise
its file as a lost track; the others are written at the end. So the next run completes an interrupted one.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from segue.batch_jobs.read_library import FileReader, Found, Rules
from segue.catalog.absence import Absent, told_apart
from segue.catalog.cue_inside import divided
from segue.catalog.gathering import gather
from segue.catalog.read import fact_of
from segue.catalog.reconcile import Plan, Scanned, plan
from segue.catalog.rejected import RejectedFile, RejectedTracks
from segue.catalog.scan import AudioFile, is_settled
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_records import StoredFile
from segue.storage.store import Store


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
    encoding = rules.reading.encoding
    files = divided(found.files, stored.values(), library=found.library, encoding=encoding)
    found = replace(found, files=files)
    facts = {place: fact_of(file, found.known) for place, file in found.files.items()}
    scanned = Scanned(files=found.files, facts=facts, covers=found.covers)
    made, waiting = _settled(
        plan(stored, scanned, everything=rules.everything), found.files, rules.settle_time
    )
    _follow(tracks, made, stored, found.files)
    work = FileReader(store, found, made, stored=stored, rules=rules)
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
    rejected = (*found.rejected, *work.rejected, *RejectedTracks(store).lasting(made.same.values()))
    lost, replaced = _apart(lost, work.paths | {found.files[place].path for place in made.same})
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
    known = {**stored, **work.came}
    moved = frozenset(own for own, place in places.items() if own in known and known[own].place != place)
    gather(store, moved)
    return Changes(
        new=frozenset(work.written.keys() - known.keys()),
        changed=frozenset(work.written.keys() & known.keys()),
        same=frozenset(made.same.values()),
        moved=moved,
        absent=absent,
        rejected=rejected,
        waiting=waiting.unknown + len(waiting.known),
    )


def _apart(lost: Iterable[StoredFile], used: Collection[str | None]) -> tuple[list[StoredFile], list[str]]:
    """The lost tracks without a file, and the ids of those whose file a CUE sheet now divides otherwise.

    `used` has the files of all tracks that are not lost.
    """
    gone, replaced = [], []
    for track in lost:
        if track.path in used:
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
