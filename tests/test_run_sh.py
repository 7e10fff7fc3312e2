"""The one entry point: the commands that it lists, and its messages on a machine that lacks something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from segue.cli.commands import COMMANDS
from segue.places import ROOT


def _run(*arguments: str, root: Path = ROOT, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(root / "run.sh"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path or os.environ["PATH"]},
        cwd="/",
        check=False,
        timeout=600,
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A copy on which nothing has been set up, and beside it a PATH with the plain tools and Python only."""
    root = tmp_path / "a copy"
    for name in (
        "run.sh",
        "requirements.txt",
        "requirements-embedded.txt",
        "conf/ivy.xml",
        "segue/cli/commands.py",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "cat", "cksum", "sed", "awk", "df", "uname", "mkdir", "flock", "rm"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    return root


def _python(bare: Path, text: str) -> None:
    script = bare.parent / "bin" / "python3"
    script.write_text(f"#!/bin/bash\n{text}\n")
    script.chmod(0o755)


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"]])
def test_help_lists_every_command_with_an_example(arguments: list[str]) -> None:
    done = _run(*arguments)
    assert done.returncode == 0
    names = [command.name for command in COMMANDS]
    assert re.findall(r"^  (\w+(?: \w+)?) +\w", done.stdout, re.MULTILINE) == names
    for name in names:
        assert re.search(rf"^ +\./run\.sh {name}\b", done.stdout, re.MULTILINE)


def test_an_unknown_command_is_refused_in_one_line() -> None:
    done = _run("nonsense")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "segue: there is no command 'nonsense': ./run.sh help lists them\n"


def test_a_machine_without_python_is_told_so(bare: Path) -> None:
    done = _run("up", root=bare, path=str(bare.parent / "bin"))
    assert done.returncode == 1
    assert done.stderr.startswith("segue: no Python 3.11 to 3.14 found: install one: apt install python3")
    assert done.stderr.count("\n") == 1


def test_a_machine_without_the_venv_module_is_told_so(bare: Path) -> None:
    _python(bare, f'[[ "$*" != *ensurepip* ]] || exit 1; exec {sys.executable} "$@"')
    done = _run("up", root=bare, path=str(bare.parent / "bin"))
    assert done.returncode == 1
    assert "install its venv module: apt install python3-venv" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_machine_without_a_compiler_is_told_so(bare: Path) -> None:
    _python(bare, f'exec {sys.executable} "$@"')
    done = _run("up", root=bare, path=str(bare.parent / "bin"))
    assert done.returncode == 1
    assert (
        done.stderr == "segue: no C++ compiler found: install a C++ compiler: apt install g++ python3-dev\n"
    )


def test_a_machine_with_a_full_disk_is_told_so(bare: Path) -> None:
    _python(bare, f'exec {sys.executable} "$@"')
    tools = bare.parent / "bin"
    (tools / "g++").symlink_to("/bin/true")
    (tools / "df").unlink()
    (tools / "df").write_text("#!/bin/bash\necho header\necho /dev/x 100000000 99000000 1000000 99% /\n")
    (tools / "df").chmod(0o755)
    done = _run("up", root=bare, path=str(tools))
    assert done.returncode == 1
    assert "only 1 GB are free on the disk of" in done.stderr
    assert not (bare / ".local" / "venv").exists()
