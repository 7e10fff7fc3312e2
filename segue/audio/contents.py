"""Opens a recording once for all that is read of it: tags, length, pictures and a digest of the sound."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from segue.audio.errors import Undecodable

SMALL = 1 << 17
"""Bytes up to which a file is read into memory at once: system calls take longer than the reading."""


@contextmanager
def contents_of(path: Path) -> Iterator[BinaryIO]:
    """The contents of a recording.

    Raises
    ------
    Undecodable
        No decoder should open the path: with "missing", "unreadable" or "empty".
    """
    try:
        # A named pipe would otherwise wait for a writer.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Undecodable("missing", "no such file") from None
    except OSError as error:
        raise Undecodable("unreadable", error.strerror or str(error)) from None
    with os.fdopen(number, "rb") as file:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise Undecodable("unreadable", "not a regular file")
        if not status.st_size:
            raise Undecodable("empty", "0 bytes")
        yield io.BytesIO(_whole(file)) if status.st_size <= SMALL else file


def _whole(file: BinaryIO) -> bytes:
    try:
        return file.read(SMALL + 1)
    except OSError as error:
        raise Undecodable("unreadable", error.strerror or str(error)) from None
