"""Functions that are compiled once for all processes of the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba

from tests.compiled_code import read_code


def _double(number: float) -> float:
    return 2 * number


def _files(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*") if file.is_file()}


def test_code_is_read_from_the_folder_and_only_written_on_request(tmp_path: Path) -> None:
    first: Any = numba.njit(_double)
    second: Any = numba.njit(_double)
    read_code([first], tmp_path, write=True)
    assert first(2) == 4
    written = _files(tmp_path)
    assert written
    read_code([second], tmp_path)
    assert second(3) == 6
    assert sum(second.stats.cache_hits.values()) == 1
    assert second(1.5) == 3.0
    assert sum(second.stats.cache_hits.values()) == 1
    assert _files(tmp_path) == written
