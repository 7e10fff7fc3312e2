"""The help of every command: golden files, examples that parse, plain usage lines.

python -m tests.cli.test_help        writes the golden files anew
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from segue.cli.commands import COMMANDS, DEFAULTS, GROUPS, command_named
from segue.cli.former import command_line, name_in, todays
from segue.cli.main import app, load
from segue.places import LOCAL, ROOT

HELP = Path(__file__).parent / "help"
NAMES = ["", "help", *GROUPS, *(command.name for command in COMMANDS if not command.checkout)]
EXAMPLE = re.compile(r"^ *Example: +((?:[A-Z_]+=\S+ |[a-z].* \| )*\./run\.sh .*)$", re.MULTILINE)
WIDTH = {"TERMINAL_WIDTH": "100", "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}


def help_of(name: str) -> str:
    arguments = ["help"] if name == "help" else [*name.split(), "--help"]
    shown = CliRunner().invoke(app, arguments, prog_name="./run.sh", env=WIDTH)
    assert shown.exit_code == 0, shown.output
    return shown.stdout.replace(str(LOCAL), "DATA")


def golden(name: str) -> Path:
    return HELP / f"{name.replace(' ', '-') or 'segue'}.txt"


def examples(name: str) -> list[str]:
    """The examples in a command's docstring, as one writes them."""
    command = command_named(name)
    assert command
    return EXAMPLE.findall(load(command).help or "")


@pytest.mark.parametrize("name", NAMES)
def test_help_equals_its_golden_file(name: str) -> None:
    assert help_of(name) == golden(name).read_text(), "python -m tests.cli.test_help writes it anew"


def test_there_is_no_golden_file_without_a_command() -> None:
    assert {file.name for file in HELP.iterdir()} == {golden(name).name for name in NAMES}


@pytest.mark.parametrize("name", [command.name for command in COMMANDS if not command.checkout])
def test_two_examples_parse(name: str) -> None:
    found = examples(name)
    assert len(found) >= 2, f"{name} has fewer than two examples"
    for example in found:
        for call in re.split(r" && | \| ", example):
            words = [word for word in shlex.split(call) if not re.match(r"[A-Z_]+=", word)]
            if words[0] != "./run.sh":
                continue
            arguments = words[1:]
            assert todays(arguments).notices == []
            line = command_line(arguments)
            name_called = name_in(line)
            rest = line[len(name_called.split()) :]
            if name_called in DEFAULTS:
                name_called += f" {DEFAULTS[name_called]}"
            called = command_named(name_called)
            assert called, call
            load(called).make_context(called.name, rest)


@pytest.mark.parametrize("name", [command.name for command in COMMANDS if command.checkout])
def test_commands_of_a_checkout_have_help_before_anything_is_set_up(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "segue" / "cli", tmp_path / "segue" / "cli")
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / "run.sh", tmp_path)
    done = subprocess.run(
        [tmp_path / "run.sh", name, "--help"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(EXAMPLE.findall(done.stdout)) >= 2
    assert not (tmp_path / ".local").exists()


def test_every_option_is_explained() -> None:
    for command in COMMANDS:
        if command.checkout:
            continue
        for parameter in load(command).params:
            assert getattr(parameter, "help", None), f"{command.name}: {parameter.name}"


def main() -> None:
    HELP.mkdir(exist_ok=True)
    for file in HELP.iterdir():
        file.unlink()
    for name in NAMES:
        golden(name).write_text(help_of(name))
    typer.echo(f"{len(NAMES)} files")


if __name__ == "__main__":
    main()
