"""Errors that a user can correct are one line, whatever is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segue.errors import SegueError, one_line_errors
from segue.local.process import LAST_PORT, free_port, listening
from segue.places import ROOT
from segue.session_logs.logs import read_log


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        (["docs", "serve", "--port", "99999"], 2, "less than or equal to 65535"),
        (["dashboard", "serve", "--port", "-1"], 2, "greater than or equal to 1"),
        (["dashboard", "serve", "--host", ""], 2, "the argument after --host is empty"),
        (["experiments", "report", "--days", "1e12"], 2, "less than or equal to 36525"),
        (["library", "rejected", "--limit", "9" * 30], 2, "less than or equal to 1000000"),
        (["library", "ingest", ""], 2, "the argument after ingest is empty"),
        (["library", "compress", "--yes", ""], 2, "the argument after --yes is empty"),
        (["status", "--json", ""], 2, "the argument after --json is empty"),
        (["status", "--json="], 2, "--json= is empty"),
        (["docs", "build", "--output", "/dev/null/site"], 1, "segue: /dev/null/site: Not a directory"),
        (["settings", "explain", ""], 2, "the argument after explain is empty"),
        (["settings", "show", "nonsense"], 1, "there is no setting nonsense"),
        (["settings", "check", "/dev"], 1, "cannot be read: Is a directory"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], status: int, last: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "segue", *arguments],
        env=os.environ | {"SEGUE_HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    lines = done.stderr.strip().splitlines()
    assert last in lines[-1]
    assert status == 2 or len(lines) == 1
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_used_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught, one_line_errors():
        (tmp_path / "none" / "file").write_text("")
    assert caught.value.code == 1
    assert capsys.readouterr().err == f"segue: {tmp_path}/none/file: No such file or directory\n"


def test_an_error_of_a_connection_keeps_its_trace() -> None:
    with pytest.raises(ConnectionResetError), one_line_errors():
        raise ConnectionResetError


def test_the_last_port_has_none_after_it() -> None:
    with listening("127.0.0.1", LAST_PORT), pytest.raises(SegueError, match="no free port"):
        free_port(LAST_PORT)


@pytest.mark.parametrize("host", [f"{'a' * 70}.example", "a..b"])
def test_a_host_that_is_no_name_is_one_line(host: str) -> None:
    with pytest.raises(SegueError, match="cannot listen on"):
        listening(host, 8501)


def test_a_session_log_of_another_encoding_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.tsv"
    log.write_bytes(b"UserId\tSessionId\xff")
    with pytest.raises(SegueError, match="it is not UTF-8"):
        read_log(log)
