"""Decides, by names and times alone, which stored tracks the files of a scan are, and which must be read.

A scan may cover a library or some of its folders. Nothing is opened here, and nothing is written: the result
is a :class:`Plan`. Whether a file is read depends on whether it is known and whether its size and times
differ from the stored ones, never on the time of the last scan.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from segue.catalog.fma import FmaTrack
from segue.catalog.lyrics_files import digest_of
from segue.catalog.scan import AudioFile
from segue.catalog.track import READER
from segue.catalog.track_records import StoredFile

_SECOND = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which track is which file. Files are named by their places (:func:`segue.catalog.track.track_id`)."""

    same: dict[str, str] = field(default_factory=dict)
    """Files that need not be read: track id by place. They may have moved, or be back."""
    to_read: dict[str, str] = field(default_factory=dict)
    """Files to read whose track is certain: track id by place."""
    unknown: list[str] = field(default_factory=list)
    """Files to read that may be new songs, or lost ones (:class:`segue.catalog.identity.Recogniser`)."""
    lost: dict[str, StoredFile] = field(default_factory=dict)
    """Tracks without a file: the scan should have found them, or they were missing before."""


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """The results of a scan."""

    files: Mapping[str, AudioFile]
    """By place."""
    facts: Mapping[str, FmaTrack | None] = field(default_factory=dict)
    """The rows of a data set's tables, by place. A file that has one has its track by the row's number."""
    covers: Callable[[StoredFile], bool] = lambda file: True
    """Whether the scan covers a stored file: a missing one is then lost."""


def plan(stored: Mapping[str, StoredFile], scanned: Scanned, *, everything: bool = False) -> Plan:
    """Compare the stored tracks of a library with a scan.

    Parameters
    ----------
    everything
        Read unchanged files, too.
    """
    made = Plan()
    places = _by_place(stored.values())
    claimed: set[str] = set()
    rest: list[str] = []

    def claim(place: str, track: StoredFile) -> None:
        claimed.add(track.track_id)
        file, fact = scanned.files[place], scanned.facts.get(place)
        read = everything or not _is_read(track, file, fact)
        (made.to_read if read else made.same)[place] = track.track_id

    for place, file in scanned.files.items():
        known = next(iter(places.get(place, ())), None)
        certain = known is not None and (scanned.facts.get(place) is not None or known.state == "no-audio")
        if known is not None and (certain or _is_at_rest(known, file)):
            claim(place, known)
        else:
            rest.append(place)
    left = [track for track in stored.values() if track.track_id not in claimed]
    for place, track in _same_files(left, {place: scanned.files[place] for place in rest}):
        claim(place, track)
    made.unknown.extend(place for place in rest if place not in made.same and place not in made.to_read)
    made.lost.update(
        (track.track_id, track)
        for track in stored.values()
        if track.track_id not in claimed
        and track.state != "no-audio"
        and (track.state == "vanished" or scanned.covers(track))
    )
    return made


def fresh_id(place: str, *, taken: Collection[str]) -> str:
    """The id of a new track: that of its place, or another if an earlier track of the place has it."""
    number, own = 1, place
    while own in taken:
        number += 1
        own = hashlib.sha256(f"{place}\n{number}".encode()).hexdigest()[:16]
    return own


def _by_place(stored: Iterable[StoredFile]) -> dict[str, list[StoredFile]]:
    """Tracks by the place where they were last, those with a file first."""
    places: dict[str, list[StoredFile]] = defaultdict(list)
    for track in sorted(stored, key=lambda track: (track.state != "present", track.track_id)):
        places[track.place].append(track)
    return places


def _is_at_rest(track: StoredFile, file: AudioFile) -> bool:
    return (track.size, track.modified_ns, track.changed_ns) == (
        file.size, file.modified_ns, file.changed_ns,
    )  # fmt: skip


def _is_read(track: StoredFile, file: AudioFile, fact: FmaTrack | None) -> bool:
    """Whether the stored fields are those of the file, read by this version of the reader."""
    return (
        track.state != "no-audio"
        and track.reader == READER
        and track.known == (fact and fact.digest())
        and track.cue == (file.cue and file.cue.document())
        and track.lyrics_digest == digest_of(file.lyrics)
        and track.pictures == file.pictures
        and _is_at_rest(track, file)
    )


def _same_files(
    tracks: Iterable[StoredFile], files: Mapping[str, AudioFile]
) -> Iterator[tuple[str, StoredFile]]:
    """Files that were renamed or moved, with their tracks.

    A file keeps its inode, size and time. Size and time guard against a new file that got the inode of a
    removed one. For tracks of releases that stored no inode, a size and a time that only one track and one
    file have suffice, if the time is not rounded to a second, as archives and cameras do.
    """
    by_inode: dict[tuple[int | None, ...], list[StoredFile]] = defaultdict(list)
    by_time: dict[tuple[int | None, int | None], list[StoredFile]] = defaultdict(list)
    for track in tracks:
        song = track.cue["number"] if track.cue else None
        if track.inode is not None:
            by_inode[track.inode, track.size, track.modified_ns, song].append(track)
        elif track.size and track.modified_ns and track.modified_ns % _SECOND:
            by_time[track.size, track.modified_ns].append(track)
    same_time: dict[tuple[int | None, int | None], list[str]] = defaultdict(list)
    for place, file in files.items():
        song = file.cue.number if file.cue else None
        if found := by_inode.get((file.inode, file.size, file.modified_ns, song)):
            # Inodes are unique on a device only, and a device may get another number.
            best = min(found, key=lambda track: (track.device != file.device, track.place != place))
            found.remove(best)
            yield place, best
        else:
            same_time[file.size, file.modified_ns].append(place)
    for stamp, places in same_time.items():
        if len(places) == len(by_time.get(stamp, ())) == 1:
            yield places[0], by_time[stamp][0]
