"""The JSON of a command's figures: its contents, and that an impossible place is reported first."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.cli.main import main
from segue.errors import SegueError
from segue.figures import can_write, write_figures

NOBODY = 65534


def test_a_value_that_json_cannot_express_is_null(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    figures = {"a": math.nan, "b": {"c": [1.5, math.inf], "d": (math.nan, None, "x", True)}}
    write_figures(file, figures)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(file.read_text(), parse_constant=refuse)
    assert found == {"a": None, "b": {"c": [1.5, None], "d": [None, None, "x", True]}}


def test_where_a_file_can_be_nothing_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    can_write(None)
    can_write(tmp_path / "new.json")
    can_write(Path("relative.json"))
    can_write(Path(os.devnull))
    assert list(tmp_path.iterdir()) == []
    write_figures(None, {})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no/where/x.json", "does not exist"),
        (".", "is a folder"),
        ("file/x.json", "does not exist"),
        ("n" * 300, "File name too long"),
    ],
)
def test_where_none_can_be_is_said_in_a_line(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SegueError, match=why) as raised:
        can_write(tmp_path / name)
    assert "\n" not in str(raised.value)
    with pytest.raises(SegueError, match="--json"):
        write_figures(tmp_path / name, {})


@contextlib.contextmanager
def nobody() -> Iterator[Path]:
    """A folder of somebody who may not write to another folder in it, nor look into a third."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    for name, mode in (("", 0o755), ("closed", 0o555), ("dark", 0o000)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(mode)
    (folder / "figures.json").touch(mode=0o444)
    as_root = os.geteuid() == 0
    if as_root:  # who may write everywhere
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield folder
    finally:
        if as_root:
            os.setresuid(0, 0, 0)
        (folder / "dark").chmod(0o700)
        (folder / "closed").chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["closed/x.json", "dark/x.json", "figures.json"])
def test_a_place_that_may_not_be_written_is_reported(name: str) -> None:
    with nobody() as folder, pytest.raises(SegueError, match=r"is not writable|Permission denied"):
        can_write(folder / name)


COMMANDS = (
    "status",
    "library ingest /no/music",
    "library compress /no/music",
    "library features",
    "embeddings train",
    "models train",
    "index build",
    "index rollback",
    "models evaluate --data /no/logs",
    "experiments report",
    "bench moods",
    "demo",
)
"""All that take `--json FILE`."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_it_before_it_works(
    command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # Settings that do not exist: a command that began to work would say so.
    monkeypatch.setenv("SEGUE_CONF", "/no/settings.toml")
    monkeypatch.setattr(sys, "argv", ["segue", *command.split(), "--json", "/no/dir/x.json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capfd.readouterr() == ("", "segue: --json /no/dir/x.json: the folder /no/dir does not exist\n")
