"""Reading tags: a file that takes too long is given up."""

from __future__ import annotations

import time
from pathlib import Path, PurePosixPath

import pytest

from segue.catalog import read
from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import AudioFile


def test_a_file_that_takes_too_long_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dawdle(*_: object, **__: object) -> None:
        try:
            while True:
                time.sleep(0.01)
        except Exception:  # as the readers of damaged tags do
            return

    monkeypatch.setattr(read, "TIME_LIMIT", 0.1)
    monkeypatch.setattr(read, "read_tags", dawdle)
    (tmp_path / "a.mp3").write_bytes(b"1")
    file = AudioFile(path=str(tmp_path / "a.mp3"), relative=PurePosixPath("a.mp3"), size=1, modified_ns=1)
    (found,) = read.read_file(file, library="m")
    assert isinstance(found, RejectedFile) and found.reason == "too-slow"
