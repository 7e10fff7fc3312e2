"""A library: a folder of music with a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segue.catalog.fma import FmaTrack, Layout, number_of, path_of, read_metadata
from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import SUFFIXES, AudioFile, scan
from segue.catalog.stored_paths import path_to_open, shown
from segue.catalog.text_encoding import AUTO
from segue.catalog.track import track_id
from segue.errors import SegueError


@dataclass(frozen=True, kw_only=True)
class FolderContents:
    """The current contents of a folder: audio files by track id, and the files that cannot be tracks."""

    files: dict[str, AudioFile]
    rejected: list[RejectedFile]
    known: Mapping[int, FmaTrack]


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


def find_music(root: Path, *, library: str, layout: Layout | None, encoding: str = AUTO) -> FolderContents:
    """Find audio files, in the folders of an FMA layout or in the whole folder.

    `encoding` is that of CUE sheets that are not Unicode, or "auto".

    Raises
    ------
    NoMusic
        There is no audio file.
    """
    files: dict[str, AudioFile] = {}
    rejected: list[RejectedFile] = []
    known = read_metadata(layout) if layout else {}
    for top in layout.audio if layout else (root,):
        for item in scan(top, encoding=encoding):
            if isinstance(item, RejectedFile):
                rejected.append(item)
                continue
            own_id = track_id(library, _place(item.relative, known))
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


def _place(relative: PurePosixPath, known: Mapping[int, FmaTrack]) -> PurePosixPath:
    """The path that a track's id is made from. A file of FMA's tables has one place, in any folder.

    Some programs unpack an archive into a folder of its name: fma_small/fma_small/000/000002.mp3.
    """
    number = number_of(relative)
    return path_of(number) if number is not None and number in known else relative
