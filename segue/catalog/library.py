"""A library: folders of music with a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from segue.catalog.fma import FmaTrack, Layout, number_of, path_of, read_metadata
from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import SUFFIXES, AudioFile, scan
from segue.catalog.stored_paths import path_to_open, shown
from segue.catalog.text_encoding import AUTO
from segue.catalog.track import track_id
from segue.errors import SegueError
from segue.settings import LibrarySettings


@dataclass(frozen=True, kw_only=True)
class FolderContents:
    """The current contents of a folder: audio files by track id, and the files that cannot be tracks."""

    files: dict[str, AudioFile]
    rejected: list[RejectedFile]
    known: Mapping[int, FmaTrack]

    def joined(self, other: FolderContents) -> FolderContents:
        """The contents of both folders."""
        return FolderContents(
            files={**other.files, **self.files},
            rejected=[*self.rejected, *other.rejected],
            known={**other.known, **self.known},
        )


@dataclass(frozen=True, kw_only=True)
class Library:
    """A name with the folders of music that it stands for."""

    name: str
    folder: Path
    further: tuple[Path, ...] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders."""
        return (self.folder, *self.further)


def named_libraries(settings: LibrarySettings) -> list[Library]:
    """The libraries of the setting `library.folders`.

    Raises
    ------
    SegueError
        A folder is in two libraries or within another folder, or two further folders of a library have the
        same name.
    """
    libraries: list[Library] = []
    taken: dict[Path, str] = {}
    for name, folders in settings.folders:
        first, *further = (Path(folder).expanduser().resolve() for folder in folders)
        libraries.append(Library(name=name, folder=first, further=tuple(further)))
        for folder in (first, *further):
            for other, whose in taken.items():
                if folder.is_relative_to(other) or other.is_relative_to(folder):
                    raise SegueError(
                        f"library.folders: {folder} of {name} and {other} of {whose} overlap: name each "
                        "folder once"
                    )
            taken[folder] = name
        if len({folder.name for folder in further}) < len(further):
            raise SegueError(
                f"library.folders: two folders of {name} have the same name: give them different names"
            )
    return libraries


def library_of(settings: LibrarySettings, folder: Path) -> Library:
    """The library that a folder belongs to; without one in the settings, the folder's name is that of a new
    library.
    """
    root = folder.expanduser().resolve()
    for library in named_libraries(settings):
        if root in library.folders:
            return library
    return Library(name=root.name or "music", folder=root)


class NoMusic(SegueError):
    """A folder that does not exist, cannot be read, or has no music: perhaps its disk is away."""


def check_folder(folder: Path) -> Path:
    """The folder as an absolute path.

    Raises
    ------
    NoMusic
        The folder does not exist or is not readable.
    """
    root = folder.expanduser().resolve()
    if not root.is_dir():
        raise NoMusic(f"{folder} is not a folder: give the folder that has the music")
    try:
        with os.scandir(root) as entries:
            next(entries, None)
    except OSError as error:
        raise NoMusic(f"{folder}: {error.strerror}") from None
    return root


def find_music(
    root: Path, *, library: str, layout: Layout | None, area: str = "", encoding: str = AUTO
) -> FolderContents:
    """Find audio files, in the folders of an FMA layout or in the whole folder.

    Parameters
    ----------
    area
        The name of a further folder of the library, empty for its first.
    encoding
        The encoding of CUE sheets that are not Unicode, or "auto".

    Raises
    ------
    NoMusic
        There is no audio file.
    """
    files: dict[str, AudioFile] = {}
    rejected: list[RejectedFile] = []
    known = read_metadata(layout) if layout else {}
    for top in layout.audio if layout else (root,):
        for found in scan(top, encoding=encoding):
            if isinstance(found, RejectedFile):
                rejected.append(found)
                continue
            item = replace(found, area=area) if area else found
            own_id = track_id(library, _place(item, known))
            if own_id not in files:
                files[own_id] = item
            elif layout is None:
                first = shown(path_to_open(files[own_id].path))
                detail = f"the same track as {first}: compressed, or its name is encoded otherwise"
                rejected.append(
                    RejectedFile(
                        path=shown(path_to_open(item.path)),
                        track_id=own_id,
                        reason="same-name",
                        detail=detail,
                    )
                )
    if not files and not rejected:
        raise NoMusic(f"{root} has no music ({', '.join(sorted(SUFFIXES))}): nothing was changed")
    return FolderContents(files=files, rejected=rejected, known=known)


def _place(file: AudioFile, known: Mapping[int, FmaTrack]) -> PurePosixPath:
    """The path that a track's id is made from. A file of FMA's tables has one place, in any folder.

    Some programs unpack an archive into a folder of its name: fma_small/fma_small/000/000002.mp3.
    """
    number = number_of(file.relative) if known else None
    return path_of(number) if number is not None and number in known else file.within
