"""Each command and flag of 0.1 still works, and prints one line with the new name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.commands import COMMANDS, DEFAULTS, command_named
from segue.cli.former import FORMER_COMMANDS, FORMER_FLAGS, command_line, todays
from segue.cli.listing import packages
from segue.cli.main import app, load
from segue.places import ROOT

LINES = {
    "demo --library . --check --json x --tracks 9 --rate 2": (
        "demo --library . --check --json x --tracks-per-listener 9 --rate 2"
    ),
    "up": "up",
    "down": "down",
    "status": "status",
    "status --json -": "status --json -",
    "ingest --name n --fma --json x .": "library ingest --name n --fma --json x .",
    "compress --bitrate 96k --keep-originals /kept --json x .": (
        "library compress --bitrate 96k --keep-originals /kept --json x ."
    ),
    "features --json x": "library features --json x",
    "embeddings --refit --genres --json x": "embeddings train --refit --fit genres --json x",
    "index": "index build",
    "index --json x": "index build --json x",
    "index --rollback": "index rollback",
    "index --json x --rollback": "index rollback --json x",
    "models train --json x": "models train --json x",
    "stream": "stream run",
    "stream --drain": "stream run --drain",
    "pack": "stream pack",
    "pack --to /srv": "stream pack --output /srv",
    "replay --log x --rate 5 --limit 3": "plays replay --data x --rate 5 --limit 3",
    "replay --tracks 4 --log=x": "plays replay --tracks-per-listener 4 --data=x",
    "rejected list --reason malformed --limit 3": "rejected list --reason malformed --limit 3",
    "rejected replay --reason future": "rejected replay --reason future",
    "rejected tracks --reason empty --limit 3": "library rejected --reason empty --limit 3",
    "engagement recount --check": "engagement recount --check",
    "listener export Ada --output x": "listener export Ada --output x",
    "listener forget --yes Ada": "listener forget --yes Ada",
    "backup x.gz": "backup create x.gz",
    "restore --replace x.gz": "backup restore --replace x.gz",
    "access --initiate a:1,b:2 /etc/segue": "access create --initiate a:1,b:2 /etc/segue",
    "audit --advisories x --ignore y --days 3": "dependencies audit --advisories x --ignore y --days 3",
    "dashboard --port 8600": "dashboard serve --port 8600",
    "experiments --days 14 --json x": "experiments report --days 14 --json x",
    "evaluate --data . --json x --plots y --models z": (
        "models evaluate --data . --json x --output y --models z"
    ),
    "tune --data . --model served --trials 3 --store x --seed 1": (
        "models tune --data . --model served --trials 3 --store x --seed 1"
    ),
    "bench index --quick --json x --plot y --tracks 100 --listeners 3 --figures z --data .": (
        "bench index --quick --json x --output y --tracks 100 --listeners 3 --figures z --data ."
    ),
    "deploy compose --dry-run": "deploy compose --dry-run",
    "test -x": "test -x",
}
"""Each command of 0.1, and each of its flags -> the line of today."""
NO_COMMANDS = {"help"}
OLD = sorted(LINES)


@pytest.mark.parametrize("line", OLD)
def test_a_line_of_the_last_version_has_a_line_of_today(line: str) -> None:
    rewritten = todays(line.split())
    assert " ".join(rewritten.arguments) == LINES[line]
    assert (rewritten.notices == []) == (line == LINES[line])
    assert packages(line.split()) == packages(LINES[line].split())


@pytest.mark.parametrize("line", [line for line in OLD if not line.startswith(("deploy", "test"))])
def test_todays_command_takes_it(line: str) -> None:
    words = command_line(line.split())
    command = command_named(" ".join(words[:2])) or command_named(words[0])
    assert command
    arguments = words[len(command.name.split()) :]
    load(command).make_context(command.name, arguments)  # refuses an option that it does not know


@pytest.mark.parametrize("line", OLD)
def test_a_line_of_today_stays_as_it_is(line: str) -> None:
    rewritten = todays(LINES[line].split())
    assert (" ".join(rewritten.arguments), rewritten.notices) == (LINES[line], [])


def test_the_tables_name_commands_of_today_and_all_of_them_are_tried() -> None:
    names = {command.name for command in COMMANDS}
    assert {former.name for former in FORMER_COMMANDS} <= names
    assert {former.command for former in FORMER_FLAGS} <= names
    assert all(
        any(f"{line} ".startswith(f"{former.former} ") for line in LINES) for former in FORMER_COMMANDS
    )
    assert all(any(f" {flag.former}" in line for line in LINES) for flag in FORMER_FLAGS)


@pytest.mark.parametrize("line", ["index --help", "stream --help", "access --help", "backup", "access"])
def test_the_help_of_a_group_is_no_former_name(line: str) -> None:
    assert todays(line.split()).arguments == line.split()


def test_options_of_segue_itself_come_before() -> None:
    assert todays(["--config", "index", "--verbose", "ingest", "."]).arguments == [
        *("--config", "index", "--verbose", "library", "ingest", "."),
    ]


def test_each_former_name_is_said_in_a_line_on_standard_error() -> None:
    done = CliRunner().invoke(app, ["listener", "export", "--out", "x", "--help"])
    assert done.exit_code == 0
    assert done.stderr == (
        "segue: '--out' of 'listener export' is now '--output'; "
        "the old name will be removed in the next version\n"
    )
    done = CliRunner().invoke(app, ["index", "--rollback", "--help"])
    assert done.stderr == (
        "segue: 'index --rollback' is now 'index rollback'; "
        "the old name will be removed in the next version\n"
    )


def test_a_slip_in_a_verb_is_no_former_name() -> None:
    done = CliRunner().invoke(app, ["index", "bulid"])
    assert done.exit_code == 2
    assert "Did you mean 'build'?" in done.stderr


def test_the_code_and_the_deployments_use_names_of_today() -> None:
    names = [*(command.name for command in COMMANDS), *DEFAULTS]
    files = [
        *ROOT.glob("[!.t]*/**/*.py"),
        *ROOT.glob("deploy/**/*.*"),
        *ROOT.glob("conf/*.*"),
        *ROOT.glob("dashboard/**/*.js"),
    ]
    for file in files:
        for words in _called(file):
            assert any(f"{words} ".startswith(f"{name} ") for name in names), f"{file}: ./run.sh {words}"


def _called(file: Path) -> list[str]:
    pattern = r"\./run\.sh ([a-z]{2,}(?: [a-z]+(?:-[a-z]+)*)?)"
    text = file.read_text(errors="replace") if file.is_file() else ""
    return [words for words in re.findall(pattern, text) if words.split()[0] not in NO_COMMANDS]
