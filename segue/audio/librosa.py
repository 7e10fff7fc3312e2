"""librosa, also in a container or a unit that can write nothing beside it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from types import ModuleType


@cache
def librosa() -> ModuleType:
    """The library with the parts that are used, loaded when they are first needed.

    It asks numba to keep what is compiled, and cannot be loaded where numba finds no folder for it. There, a
    folder of this process alone is lent: code is loaded from it, so that no other user may write to it.
    """
    import librosa as library

    try:
        _load(library)
    except RuntimeError:
        import numba

        folder = tempfile.mkdtemp(prefix="segue-numba-")
        numba.config.CACHE_DIR = folder  # type: ignore[attr-defined]
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _load(library)
    return library


def _load(library: ModuleType) -> None:
    """It imports its parts when they are asked for."""
    for part in ("stft", "filters"):
        getattr(library, part)
