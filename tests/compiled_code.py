"""Functions that are compiled once for all processes of the tests: `python -m tests.compiled_code`.

Compiling takes most of a minute of a core. Two processes that compile into one folder spoil each other's code
(segue.audio.librosa). So each side of a run has its own folder for librosa's functions, which begins as a
copy. The functions of the recommenders (segue.recommenders.compiled) are written here; the tests only read
them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from segue.local.process import locked
from segue.places import LOCAL, ROOT

FOLDER = LOCAL / "numba"
_LOOPS = ("recommenders", "session_logs")
"""The packages whose functions and constants are in the compiled code of the recommenders."""


def compiled() -> Path:
    """The folder of the code that was compiled with the installed releases; it may be missing."""
    return FOLDER / f"compiled-librosa-{version('librosa')}-numba-{version('numba')}"


def copied(folder: Path) -> Path:
    """The same folder with the compiled code, if that exists; `folder` stays as it is if it exists."""
    if not folder.exists() and compiled().is_dir():
        shutil.copytree(compiled(), folder)
    return folder


def compiled_loops() -> Path:
    """The folder of the recommenders' code, by the text and the times of its modules; it may be missing.

    numba compares the time of a function's own file, but not the files of the functions and constants that it
    uses.
    """
    text = hashlib.blake2b(digest_size=8)
    for package in _LOOPS:
        for file in sorted((ROOT / "segue" / package).glob("*.py")):
            text.update(f"{file.name} {file.stat().st_mtime_ns} ".encode() + file.read_bytes())
    return FOLDER / f"compiled-loops-{text.hexdigest()}-numba-{version('numba')}"


def loops() -> list[Any]:
    """The compiled functions of the recommenders' modules that are imported."""
    if "numba" not in sys.modules:
        return []
    from numba.core.dispatcher import Dispatcher

    return [
        value
        for name, module in sorted(sys.modules.items())
        if name.startswith("segue.recommenders.")
        for value in vars(module).values()
        if isinstance(value, Dispatcher) and value.py_func.__module__ == name
    ]


def read_code(functions: Sequence[Any], folder: Path, *, write: bool = False) -> None:
    """Let compiled functions use the code in a folder.

    Without `write`, nothing is written there, and processes cannot spoil it: each compiles the missing
    functions.
    """
    if not functions:
        return
    import numba
    from numba.core.caching import FunctionCache

    class ReadOnly(FunctionCache):
        def save_overload(self, sig: Any, data: Any) -> None:
            pass

    kind: Any = FunctionCache if write else ReadOnly
    former = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    try:
        for function in functions:
            function._cache = kind(function.py_func)
    finally:
        numba.config.CACHE_DIR = former  # type: ignore[attr-defined]


def make() -> None:
    """Compile the missing functions that Segue and the tests use; remove code of other releases."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with locked(FOLDER / "lock"):
        if not compiled().is_dir():
            # Without the code of this release, all folders are of another one.
            for former in FOLDER.iterdir():
                if former.is_dir():
                    shutil.rmtree(former)
            _fill(compiled(), _use_librosa)
        if not compiled_loops().is_dir():
            for former in FOLDER.glob("compiled-loops-*"):
                shutil.rmtree(former)
            _fill(compiled_loops(), _use_loops)


def _fill(folder: Path, use: Callable[[Path], None]) -> None:
    """Make a folder with the code that `use` compiles into it."""
    shutil.rmtree(FOLDER / "part", ignore_errors=True)  # of a run that was killed
    with tempfile.TemporaryDirectory(dir=FOLDER) as part:
        use(Path(part))
        shutil.copytree(part, FOLDER / "part")
    (FOLDER / "part").rename(folder)


def _use_librosa(compiled_here: Path) -> None:
    os.environ["NUMBA_CACHE_DIR"] = str(compiled_here)  # before numba is imported
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


def _use_loops(compiled_here: Path) -> None:
    from segue.evaluation.next_track import compared, evaluate
    from segue.session_logs.splits import split_by_time
    from segue.settings import load_settings
    from tests.benchmarks.test_quality import albums

    models = compared(load_settings())
    read_code(loops(), compiled_here, write=True)
    split = split_by_time(albums())
    evaluate([split], {name: models[name] for name in ("context-tree", "v-sknn", "served:ranked", "ranked")})


if __name__ == "__main__":
    make()
