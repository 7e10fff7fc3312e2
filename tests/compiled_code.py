"""librosa's functions, compiled once for all processes of the tests: `python -m tests.compiled_code`.

Compiling takes seventeen seconds of a core. Two processes that compile into one folder spoil each other's
code (segue.audio.librosa), so each side of a run has a folder of its own, which begins as a copy.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from segue.local.process import locked
from segue.places import LOCAL

FOLDER = LOCAL / "numba"


def compiled() -> Path:
    """The folder of the code that was compiled with the installed releases; it may be missing."""
    return FOLDER / f"compiled-librosa-{version('librosa')}-numba-{version('numba')}"


def copied(folder: Path) -> Path:
    """The same folder with the compiled code, if that exists; `folder` stays as it is if it exists."""
    if not folder.exists() and compiled().is_dir():
        shutil.copytree(compiled(), folder)
    return folder


def make() -> None:
    """Compile what Segue and the tests use of librosa, unless it is there; removes code of other releases."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with locked(FOLDER / "lock"):
        if compiled().is_dir():
            return
        # Without the code of this release, all folders are of another one.
        for former in FOLDER.iterdir():
            if former.is_dir():
                shutil.rmtree(former)
        with tempfile.TemporaryDirectory(dir=FOLDER) as part:
            os.environ["NUMBA_CACHE_DIR"] = part  # before numba is imported
            _use_librosa()
            shutil.copytree(part, FOLDER / "part")
        (FOLDER / "part").rename(compiled())


def _use_librosa() -> None:
    from segue.audio.describing import describe_row
    from segue.benchmarks.plain_features import describe_plainly
    from segue.settings import load_settings
    from tests.audio.sounds import melody, write

    audio = load_settings().audio
    with tempfile.TemporaryDirectory() as folder:
        file = str(write(Path(folder) / "melody.flac", melody()))
        describe_row(file, audio)
        for sample_rate in (None, audio.sample_rate):
            describe_plainly(file, audio, sample_rate=sample_rate)


if __name__ == "__main__":
    make()
