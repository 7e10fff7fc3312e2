"""Tells tracks whose files were removed from those whose disk is away."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import AudioFile
from segue.catalog.stored_paths import path_to_open, shown
from segue.catalog.track_records import StoredFile

FEW = 3
"""Up to this number, lost files are never too many."""


@dataclass(frozen=True, kw_only=True)
class Absent:
    """Tracks without a file after a scan."""

    vanished: tuple[str, ...] = ()
    """Their files were removed."""
    away: tuple[str, ...] = ()
    """Their folder cannot be read now."""
    in_question: tuple[str, ...] = ()
    """Those that vanished, but are too many to believe it."""


def told_apart(
    lost: Iterable[StoredFile],
    *,
    roots: Collection[Path],
    seen: Iterable[AudioFile],
    rejected: Iterable[RejectedFile],
    present: int,
    largest_share: float,
) -> Absent:
    """Tell lost tracks apart.

    A disk is away if a folder or file cannot be read, if a folder that had music is there but has nothing in
    it, as the mount point of a missing disk, or if the files were on a file system of which the scan has seen
    nothing.

    Parameters
    ----------
    roots
        The folders of the library.
    present
        The number of the library's tracks that had a file before the scan.
    largest_share
        The share of `present` above which vanished tracks are in question.
    """
    closed = {item.path for item in rejected if item.reason == "unreadable"}
    devices = {file.device for file in seen}
    is_empty_mount = cache(lambda folder: _is_empty_mount(folder, roots))
    vanished, away = [], []
    for track in lost:
        path = path_to_open(track.path or "")
        if (
            _is_within(shown(path), closed)
            or is_empty_mount(path.parent)
            or _is_elsewhere(track, devices, path)
        ):
            away.append(track.track_id)
        else:
            vanished.append(track.track_id)
    if len(vanished) >= FEW and len(vanished) > largest_share * present:
        return Absent(away=tuple(away), in_question=tuple(vanished))
    return Absent(vanished=tuple(vanished), away=tuple(away))


def _is_within(path: str, closed: Collection[str]) -> bool:
    while path not in closed:
        path, slash, _ = path.rpartition("/")
        if not slash:
            return False
    return True


def _is_empty_mount(folder: Path, roots: Collection[Path]) -> bool:
    """Whether the nearest existing folder, below one of the library's, has nothing in it."""
    while not _is_there(folder):
        if folder == folder.parent:
            return False
        folder = folder.parent
    if folder in roots or not any(root in folder.parents for root in roots):
        return False
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def _is_elsewhere(track: StoredFile, devices: Collection[int], path: Path) -> bool:
    """Whether the file was on a file system that is not mounted where the file was."""
    if not track.device or track.device in devices or not devices:
        return False
    folder = path.parent
    while not _is_there(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        return folder.stat().st_dev != track.device
    except OSError:
        return True


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False


def by_root(stored: Mapping[str, StoredFile], root: Path) -> list[str]:
    """The tracks whose files were below a folder."""
    return [
        track.track_id
        for track in stored.values()
        if track.path and path_to_open(track.path).is_relative_to(root)
    ]
