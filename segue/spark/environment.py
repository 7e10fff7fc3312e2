"""The Python packages that Spark's workers need, copied from this environment into an archive."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from segue.errors import SegueError
from segue.index.backends import BACKENDS

NEEDED = (
    *sorted({package for backend in BACKENDS.values() for package in backend.packages}),
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "pydantic-settings",
    "pymongo",
    "tenacity",
)
"""Imported by `segue.udfs.replan` and Spark's worker; pyspark is part of Spark on the cluster."""
_LEFT_OUT = ("pandas/tests/", "pyarrow/tests/", "pyarrow/include/", "pyarrow/src/")
"""Left out: a quarter of the archive, and for developers only."""


def distributions(names: tuple[str, ...] = NEEDED) -> dict[str, metadata.Distribution]:
    """The named distributions and all that they require, by name.

    Raises
    ------
    SegueError
        A distribution of `names` is not installed.
    """
    distributions: dict[str, metadata.Distribution] = {}
    queue = list(names)
    while queue:
        name = _canonical(queue.pop())
        if name in distributions:
            continue
        try:
            distributions[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name in names:
                raise SegueError(
                    f"{name} is not installed: start through ./run.sh, which sets it up"
                ) from None
            continue  # required on other platforms or Pythons only
        queue += _required(distributions[name])
    return dict(sorted(distributions.items()))


def _required(distribution: metadata.Distribution) -> Iterator[str]:
    for requirement in distribution.requires or ():
        if "extra ==" not in requirement and (name := re.match(r"[\w.-]+", requirement)):
            yield name[0]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def files(distribution: metadata.Distribution) -> Iterator[tuple[Path, str]]:
    """A distribution's files with their names below site-packages, without those that a worker never runs."""
    for file in distribution.files or ():
        name = file.as_posix()
        # Scripts lie outside site-packages, and byte code is for the interpreter that made it.
        if name.startswith("../") or "__pycache__/" in name or name.startswith(_LEFT_OUT):
            continue
        path = Path(str(file.locate()))
        if path.is_file():
            yield path, name


def write_archive(target: Path) -> None:
    """Write a gzipped tar whose top level is the content of a `site-packages` folder; some 100 MB."""
    # A higher level is hardly smaller and takes many times as long.
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for distribution in distributions().values():
            for path, name in files(distribution):
                archive.add(path, name, recursive=False)
