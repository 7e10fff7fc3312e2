"""The folders of a library: the contents of those that are there, and the tracks of those that are away.

Delivery: marking tracks as away may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from segue.catalog.absence import by_root
from segue.catalog.fma import Layout, find_layout
from segue.catalog.gathering import gather
from segue.catalog.library import FolderContents, NoMusic, check_folder, find_music
from segue.catalog.stored_paths import path_to_open, shown, stored_path
from segue.catalog.text_encoding import AUTO
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_records import StoredFile
from segue.counted import counted
from segue.errors import SegueError
from segue.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class LibraryFolders:
    """The folders of a library: those that were read (`roots`), and those that are away."""

    contents: FolderContents
    roots: list[Path]
    away: list[Path]
    tracks_away: int

    def are_there_for(self, file: StoredFile) -> bool:
        """Whether a stored file is in none of the folders that are away."""
        path = path_to_open(file.path) if file.path else None
        return path is None or not any(path.is_relative_to(folder) for folder in self.away)

    def check_same(self, stored: Iterable[StoredFile], library: str) -> None:
        """Refuse another folder with the same name: each run would mark the other's tracks as vanished.

        Raises
        ------
        SegueError
            A stored file of the library exists outside these folders.
        """
        folders = [*self.roots, *self.away]
        starts = tuple(f"{stored_path(folder)}/" for folder in folders)
        for file in stored:
            if file.state != "present" or file.path is None or file.path.startswith(starts):
                continue
            path = path_to_open(file.path)
            if not any(path.is_relative_to(folder) for folder in folders) and path.exists():
                raise SegueError(
                    f"the library {library!r} has {shown(path)}, which is not in "
                    f"{' or '.join(map(str, folders))}: give another --name, or name all folders of the "
                    "library in library.folders"
                )


def find_folders(
    store: Store, folders: Sequence[Path], *, library: str, fma: bool, encoding: str = AUTO
) -> LibraryFolders:
    """Read the folders of a library, and mark the tracks of those that are away.

    Parameters
    ----------
    fma
        Whether the folders must have FMA's layout.
    encoding
        The encoding of CUE sheets that are not Unicode, or "auto".

    Raises
    ------
    SegueError
        All of the folders are away, or FMA's tables are missing.
    """
    found: list[FolderContents] = []
    roots, away, errors, tracks_away = list[Path](), list[Path](), list[SegueError](), 0
    for number, folder in enumerate(folders):
        try:
            root = check_folder(folder)
            area, layout = folder.name if number else "", _layout_of(root, fma=fma)
            contents = find_music(root, library=library, layout=layout, area=area, encoding=encoding)
        except NoMusic as error:
            tracks = _mark_away(store, folder, library=library)
            errors.append(_with_tracks(error, tracks, library=library) if tracks else error)
            away.append(folder.expanduser().resolve())
            tracks_away += tracks
            continue
        found.append(contents)
        roots.append(root)
    if not found:
        raise errors[0]
    contents = reduce(FolderContents.joined, found)
    return LibraryFolders(contents=contents, roots=roots, away=away, tracks_away=tracks_away)


def _mark_away(store: Store, folder: Path, *, library: str) -> int:
    """Mark the tracks of a folder as away; returns their number."""
    tracks = TrackFiles(store)
    away = by_root(tracks.files_of(library), folder.expanduser().resolve())
    if away:
        tracks.mark_away(away)
        gather(store)
    return len(away)


def _with_tracks(error: NoMusic, tracks: int, *, library: str) -> SegueError:
    return SegueError(
        f"{error}; its disk seems to be unmounted: {counted(tracks, 'track')} of {library!r} stay, marked as "
        "unavailable, until the next run finds them"
    )


def _layout_of(root: Path, *, fma: bool) -> Layout | None:
    if (layout := find_layout(root)) is None and fma:
        raise SegueError(
            f"{root} has no fma_metadata/tracks.csv: put FMA's metadata and audio folders side by side"
        )
    return layout
