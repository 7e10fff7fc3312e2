"""What a command has found out, as a JSON file: asked for before the work begins, written after it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue.errors import SegueError


def can_write(path: Path | None) -> None:
    """Before work that takes long: whether its figures can be written there; None is nowhere.

    Raises
    ------
    SegueError
        It is a folder, its folder does not exist, or one of them may not be written to.
    """
    if path is None:
        return
    try:
        there = path.exists()
        if path.is_dir():
            raise SegueError(f"--json {path}: that is a folder, give a file")
        if not there and not path.parent.is_dir():
            raise SegueError(f"--json {path}: there is no folder {path.parent}")
    except OSError as error:
        raise SegueError(f"--json {path}: {error.strerror}") from None
    if not os.access(path if there else path.parent, os.W_OK):
        raise SegueError(f"--json {path}: it may not be written to")


def write_figures(path: Path | None, figures: Mapping[str, Any]) -> None:
    """Write them; a number that is not finite, which JSON has no word for, becomes null. None is nowhere.

    Raises
    ------
    SegueError
        The file cannot be written.
    """
    if path is None:
        return
    try:
        path.write_text(json.dumps(_plain(figures), indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise SegueError(f"--json {path}: {error.strerror}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
