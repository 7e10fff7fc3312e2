"""Files and folders that a scan leaves out: hidden and deleted ones, snapshots, and those that a user names.

A file .nomedia leaves out its folder, and so does an empty .segueignore. Otherwise the lines of .segueignore
are patterns as in .gitignore (https://git-scm.com/docs/gitignore).
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import pathspec

from segue.catalog.stored_paths import readable, stored_path
from segue.catalog.text_encoding import AUTO, decoded
from segue.normal_forms import normalised

log = logging.getLogger(__name__)
LEFT_OUT = frozenset(
    {
        "#recycle", "@recycle", "@eadir", "$recycle.bin", "recycler", "recycled", "system volume information",
        "lost+found", "#snapshot", "@snapshot", "@tmp", "@sharesnap", "@recently-snapshot", "__macosx",
        "found.000",
        "~snapshot", "@sharebin", "trashbox", "network trash folder", "temporary items",
    }
)  # fmt: skip
"""Folders of deleted files, snapshots and systems, in lower case."""
_LONGEST = 1 << 20
"""The bytes of a .segueignore that are read."""


def is_left_out(name: str, *, is_folder: bool) -> bool:
    """Whether a name is that of a hidden folder, a bin or a snapshot, or of a metadata file of macOS.

    "...And Justice for All" is an album.
    """
    if not is_folder:
        return name.startswith("._")
    return (name.startswith(".") and not name.startswith("..")) or name.lower() in LEFT_OUT


def leads_back(link: Path) -> bool:
    """Whether a link to a folder leads to one that it is in itself, however far above."""
    return Path(os.path.realpath(link.parent)).is_relative_to(os.path.realpath(link))


class Patterns:
    """The patterns of .segueignore files: each applies below the folder of its file."""

    def __init__(self, levels: tuple[tuple[Path, pathspec.GitIgnoreSpec], ...] = ()) -> None:
        self._levels = levels

    @property
    def any(self) -> bool:
        """Whether there are patterns."""
        return bool(self._levels)

    def match(self, path: Path, *, is_folder: bool) -> bool:
        """Whether a pattern leaves out a file or folder."""
        return any(
            spec.match_file(normalised("NFC", path.relative_to(base).as_posix()) + ("/" if is_folder else ""))
            for base, spec in self._levels
            if path.is_relative_to(base)
        )

    def within(self, folder: Path, names: Collection[str]) -> Patterns | None:
        """The patterns for the entries of a folder, by its own files; None if the whole folder is left out.

        Raises
        ------
        OSError
            Its .segueignore cannot be read.
        """
        if ".nomedia" in names:
            return None
        if ".segueignore" not in names:
            return self
        file = folder / ".segueignore"
        if not file.is_file():  # to read a named pipe would take for ever
            log.warning("%s is not a file and is not used", readable(stored_path(file)))
            return self
        with file.open("rb") as opened:
            text = decoded(opened.read(_LONGEST), AUTO).removeprefix("\ufeff")  # editors on Windows write it
        # macOS takes accents in names apart, editors do not.
        lines = re.split(r"\r\n|\r|\n", normalised("NFC", text))
        return self._and(file, lines) if text.strip() else None

    def _and(self, file: Path, lines: Sequence[str]) -> Patterns:
        valid = [line for line in lines if _is_pattern(line, file)]
        return Patterns((*self._levels, (file.parent, pathspec.GitIgnoreSpec.from_lines(valid))))


def _is_pattern(line: str, file: Path) -> bool:
    """Whether a line can be used. Like git, Segue passes over a line that is not a pattern."""
    try:
        pathspec.GitIgnoreSpec.from_lines([line])
    except ValueError:
        log.warning(
            "%s: the line %r is not a pattern and is not used", readable(stored_path(file)), line[:100]
        )
        return False
    return True
