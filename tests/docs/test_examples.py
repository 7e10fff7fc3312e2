"""Every example of the documentation is run or checked, or the page says why not."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from segue.cli.commands import COMMANDS
from segue.cli.former import GLOBAL_WITH_VALUE
from segue.cli.main import load
from segue.documentation.reference.schemas import SCHEMAS
from segue.errors import SegueError
from segue.places import ROOT
from segue.settings import load_settings
from tests.docs.blocks import Block, command_lines, of_pages
from tests.docs.shell import PATIENCE, Shell

BLOCKS = of_pages()
RUN = ("docs/tutorials/", "docs/how-to/")
"""Pages whose commands are run; elsewhere they are parsed."""
REFERENCE = "docs/reference/commands.md"
"""Says at its beginning that its examples are parsed only."""
CHECKED = {"python", "toml", "json"}
TEXTS = {"", "text", "ini", "nginx", "yaml", "promql"}
"""Languages of blocks that are no examples: output, diagrams, and files of other programs."""
ALONE = ("docs/tutorials/first-hour.md", "docs/tutorials/deploy-with-compose.md")
"""Tutorials that begin in a fresh checkout."""
LIBRARY = "docs/tutorials/own-music.md"
"""Makes the library that the other pages assume."""
WITH_LIBRARY = (
    "docs/tutorials/first-experiment.md",
    "docs/tutorials/first-model.md",
    "docs/tutorials/submit-to-spark.md",
)
"""Tutorials that continue LIBRARY, in the order in which they are run."""


SLOW = pytest.mark.timeout(4 * PATIENCE)
"""A page has many commands, each of which may take PATIENCE on a busy machine."""


def of(*languages: str) -> list[Block]:
    return [one for one in BLOCKS if one.language in languages and one.comment("not run") is None]


def _is_run(block: Block) -> bool:
    return block.language in ("sh", "console", "python") and block.comment("not run") is None


def place(block: Block) -> str:
    return block.place


def test_every_block_is_run_or_checked_or_says_why_not() -> None:
    known = CHECKED | TEXTS | {"sh", "console"}
    assert [one.place for one in BLOCKS if one.language not in known] == []
    assert [one.place for one in BLOCKS if one.comment("not run") == ""] == []


def test_commands_say_why_they_are_not_run() -> None:
    elsewhere = [one for one in BLOCKS if not one.page.startswith((*RUN, REFERENCE)) and _is_run(one)]
    assert [one.place for one in elsewhere if one.language in ("sh", "console")] == []


@pytest.mark.parametrize("block", [one for one in BLOCKS if command_lines(one)], ids=place)
def test_commands_in_examples_have_these_options(block: Block) -> None:
    for line in command_lines(block):
        _parse(line)


@pytest.mark.parametrize("block", of("toml"), ids=place)
def test_settings_in_examples_are_accepted(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    certificate = tmp_path / "file.pem"
    certificate.touch()
    file.write_text(re.sub(r'"/[\w/.-]+\.pem"', f'"{certificate}"', block.text))
    monkeypatch.setenv("SEGUE_CONF", str(file))
    load_settings()


@pytest.mark.parametrize("block", of("json"), ids=place)
def test_json_in_examples_is_valid(block: Block) -> None:
    value = json.loads(block.text)
    if name := block.comment("schema"):
        Draft202012Validator(SCHEMAS[name]).validate(value)


def test_python_in_examples_runs(tmp_path: Path) -> None:
    """A loop, since there may be none: an empty list of parameters would be a skipped test."""
    for block in of("python"):
        if block.page.startswith(RUN):
            continue
        done = subprocess.run(
            [sys.executable, "-P", "-c", block.text],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block.place}: {done.stderr}"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A checkout after LIBRARY, which takes minutes; the pages that continue it share it."""
    with Shell(tmp_path_factory.mktemp("library") / "checkout") as shell:
        _run_page(LIBRARY, shell)
        yield shell


@SLOW
@pytest.mark.docs
@pytest.mark.parametrize("page", ALONE)
def test_tutorials_run_as_they_are_written(page: str, tmp_path: Path) -> None:
    with Shell(tmp_path / "checkout") as shell:
        _run_page(page, shell)


@SLOW
@pytest.mark.docs
@pytest.mark.parametrize("page", WITH_LIBRARY)
def test_tutorials_that_continue_run_as_they_are_written(page: str, library: Shell) -> None:
    _run_page(page, library)


@SLOW
@pytest.mark.docs
@pytest.mark.parametrize(
    "page", sorted({one.page for one in BLOCKS if one.page.startswith(RUN[1]) and _is_run(one)})
)
def test_guides_run_as_they_are_written(page: str, library: Shell) -> None:
    _run_page(page, library)


def test_every_tutorial_is_run() -> None:
    listed = [*ALONE, LIBRARY, *WITH_LIBRARY]
    assert sorted(listed) == sorted({one.page for one in BLOCKS if one.page.startswith(RUN[0])})


def _run_page(page: str, shell: Shell) -> None:
    with shell.variables_of_their_own():
        for block in BLOCKS:
            if block.page == page and _is_run(block):
                shell.run_block(block)


def _parse(line: str) -> None:
    """Let Typer parse a command line, without calling the command."""
    words = shlex.split(line, comments=True)
    if words[0] in GLOBAL_WITH_VALUE:
        words = words[2:]
    command = max(
        (one for one in COMMANDS if words[: len(one.name.split())] == one.name.split()),
        key=lambda one: len(one.name),
        default=None,
    )
    if command is None:
        assert words[0] in ("help", "--help", "--version", "docs"), f"no such command: {line}"
        return
    if command.checkout or "--help" in words:
        return
    try:
        arguments = words[len(command.name.split()) :]
        load(command).make_context(command.name, arguments)
    except SegueError as error:
        pytest.fail(f"{line}: {error}")
