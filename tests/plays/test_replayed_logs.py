"""Listening logs as other programs save them: a byte order mark, quotes, short lines, other encodings."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.demo.replay_plays import _read_log
from segue.errors import SegueError
from segue.session_logs.logs import read_log

HEADER = "UserId\tSessionId\tItemId\n"


def _items(path: Path, data: bytes) -> list[str]:
    path.write_bytes(data)
    return [row["ItemId"] for row in _read_log(path, limit=None)]


@pytest.mark.parametrize(
    ("text", "encoding", "items", "left_out"),
    [
        ("u\ts\ta\n", "utf-8-sig", ["a"], False),
        ('u\ts\t"Heroes\nu\ts\tb\n', "utf-8", ['"Heroes', "b"], False),
        ("u\ts\tBjörk\n", "latin-1", ["Björk"], False),
        ("u\ts\tWait… Again\n", "cp1252", ["Wait… Again"], False),
        ("u\ts\tBjörk\n", "utf-16", ["Björk"], False),
        ("u\ts\ta\tz\nu\ts\tb\n", "utf-8", ["a", "b"], False),
        ("u\ts\n\nu\ts\tb\n", "utf-8", ["b"], True),
        ("u\t\ta\nu\ts\tb\n", "utf-8", ["b"], True),
        (f"u\ts\t{'x' * 200}\nu\ts\tb\n", "utf-8", ["b"], True),
    ],
)
def test_usable_rows_are_read(
    text: str,
    encoding: str,
    items: list[str],
    left_out: bool,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert _items(tmp_path / "l.tsv", (HEADER + text).encode(encoding)) == items
    assert ("left out" in capfd.readouterr().err) == left_out


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="no column ItemId"):
        _items(tmp_path / "l.tsv", b"UserId\tSessionId\nu\ts\n")


@pytest.mark.parametrize("time", [1_500_000_000_000, -5])
def test_a_wrong_unit_of_time_is_refused(time: int, tmp_path: Path) -> None:
    (tmp_path / "l.tsv").write_text(f"UserId\tSessionId\tItemId\tTime\nu\ts\ta\t{time}\n")
    with pytest.raises(SegueError, match=r"line 2: the Time .* seconds"):
        read_log(tmp_path / "l.tsv")
