"""The folders of the code, its configuration and the data of this installation."""

from __future__ import annotations

import os
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
CHECKOUT = (_PACKAGE.parent / "run.sh").is_file()
"""Whether the code runs from a checkout, not from an installed package."""

PROGRAM = "./run.sh" if CHECKOUT else "segue"
"""The name with which a user calls commands of this installation."""


def _root() -> Path:
    if packed := os.environ.get("SEGUE_ROOT"):
        return Path(packed)
    return _PACKAGE.parent if CHECKOUT else LOCAL


def _local() -> Path:
    if home := os.environ.get("SEGUE_HOME"):
        return Path(home).expanduser().absolute()
    if packed := os.environ.get("SEGUE_ROOT"):
        return Path(packed) / ".local"
    if CHECKOUT:
        return _PACKAGE.parent / ".local"
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111  # no error
    return Path(data) / "segue"


LOCAL = _local()
"""The folder of all data that Segue writes on this machine.

It is `.local` in a checkout, which git ignores, and the user's data folder for an installed package
(`~/.local/share/segue` on Linux). SEGUE_HOME overrides it.
"""
ROOT = _root()
"""The base of relative paths in the settings: the project's folder, or LOCAL of an installed package.

SEGUE_ROOT sets it for a packed copy.
"""


def _conf() -> Path:
    if "SEGUE_ROOT" in os.environ:
        return ROOT / "conf"
    folder = _PACKAGE / "conf"
    packed = resources.files("segue") / "conf"
    # The copy of the code on Spark's workers has no configuration.
    return _extracted(packed) if not folder.is_dir() and packed.is_dir() else folder


def _extracted(packed: Traversable) -> Path:
    """Extract the configuration to files, for a package that is imported from inside its wheel."""
    target = LOCAL / "conf"
    target.mkdir(parents=True, exist_ok=True)
    for entry in packed.iterdir():
        if entry.is_file():
            # Another process may be reading the file.
            part = target / f".{entry.name}.{os.getpid()}"
            part.write_bytes(entry.read_bytes())
            part.replace(target / entry.name)
    return target


CONF = _conf()
"""The folder of the configuration that is shipped with the code."""


def absolute(path: str) -> Path:
    """Resolve a path of the settings: below LOCAL if it begins with `.local/`, otherwise relative to ROOT."""
    return LOCAL / path.removeprefix(".local/") if path.startswith(".local/") else ROOT / path
