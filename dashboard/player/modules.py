"""JavaScript modules as one script: Streamlit takes the script of a component as one text."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def bundled(*entries: str) -> str:
    """The files with all modules that they import, each once and after those that it needs itself.

    The files share one scope, so their names at the top level must differ.

    Parameters
    ----------
    entries
        Paths below this folder, such as `engine/engine.js`.
    """
    ordered: dict[Path, None] = {}
    for entry in entries:
        _add((HERE / entry).resolve(), ordered, ())
    return "\n".join(_own(path) for path in ordered)


def _add(path: Path, ordered: dict[Path, None], waiting: tuple[Path, ...]) -> None:
    if path in ordered:
        return
    if path in waiting:
        raise ValueError(f"{path.name} imports itself by way of {waiting[-1].name}")
    for needed in _IMPORT.findall(_text(path)):
        _add((path.parent / needed).resolve(), ordered, (*waiting, path))
    ordered[path] = None


def _own(path: Path) -> str:
    return _EXPORT.sub("", _IMPORT.sub("", _text(path)))


@cache
def _text(path: Path) -> str:
    return path.read_text()
