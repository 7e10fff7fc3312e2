"""librosa, also in a container or a unit that can write nothing beside it."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

LOCK = Path(tempfile.gettempdir()) / f"segue-librosa-{os.getuid()}.lock"


@cache
def librosa() -> ModuleType:
    """The library with the parts that are used, loaded when they are first needed.

    It asks numba to keep what is compiled, and cannot be loaded where numba finds no folder for it. There, a
    folder of this process alone is lent: code is loaded from it, so that no other user may write to it.

    numba does not guard what it keeps: of two processes that compile at once, one may write its code under
    the number that the other gives to another function, and whoever loads that crashes, from then on. So
    the first process loads it alone, and all others after it, side by side.
    """
    import librosa as library

    try:
        with _first_alone(str(library.__file__)):
            _load(library)
    except RuntimeError:
        import numba

        folder = tempfile.mkdtemp(prefix="segue-numba-")
        numba.config.CACHE_DIR = folder  # type: ignore[attr-defined]
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _load(library)
    return library


@contextlib.contextmanager
def _first_alone(place: str) -> Iterator[None]:
    """Alone among this user's processes until it has been loaded once; at once where no file can be had.

    The file says what was compiled: another release of librosa or numba, or another folder, is a new first.
    """
    build = f"{place} {version('librosa')} {version('numba')} {os.environ.get('NUMBA_CACHE_DIR')}".encode()
    try:
        file = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_SH)
        if os.pread(file, len(build) + 1, 0) == build:
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        os.ftruncate(file, 0)
        os.pwrite(file, build, 0)
    finally:
        os.close(file)


def _load(library: ModuleType) -> None:
    """It imports its parts when they are asked for."""
    for part in ("stft", "filters"):
        getattr(library, part)
