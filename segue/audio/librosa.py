"""Loads librosa, also where its folder is read-only: in a container or a systemd unit."""

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
    """Load librosa and the submodules in use, at the first call.

    librosa makes numba cache compiled code, and fails to load if numba finds no writable folder for it. In
    that case this process gets a private folder: numba executes code from it, so that no other user may be
    able to write to it.

    numba does not lock its cache: two processes that compile at once may write different functions under
    the same number, and every process that loads that entry crashes. So the first process loads librosa
    alone, and the others load it in parallel afterwards.
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
    """Hold a lock among this user's processes until librosa has been loaded once; no lock without a file.

    The file names the build: another release of librosa or numba, or another folder, needs a new first load.
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
    """Import the submodules, which librosa loads lazily."""
    for part in ("stft", "filters"):
        getattr(library, part)
