"""Java: the machine's own when it fits, the wheel's otherwise, and both start with Spark's arguments."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from segue.local.java import VECTOR_MODULE, java_home


def _runs(home: Path) -> bool:
    command = [str(home / "bin" / "java"), VECTOR_MODULE, "-version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_runtime_from_the_wheel_starts_with_the_arguments_of_spark(tmp_path: Path) -> None:
    home = java_home(folder=tmp_path / "with a space", machine=False)
    assert home == tmp_path / "with a space"
    assert _runs(home)


def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "old" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.write_text(
        "#!/bin/sh\n"
        f"echo '    java.home = {old.parent.parent}' >&2\n"
        "echo '    java.specification.version = 11' >&2\n"
    )
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(old.parent.parent))
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    assert java_home(folder=tmp_path / "java") == tmp_path / "java"

    old.write_text(old.read_text().replace("version = 11", "version = 17"))
    assert java_home(folder=tmp_path / "java") == old.parent.parent


def test_the_wrapper_is_not_taken_for_the_java_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = java_home(folder=tmp_path / "java", machine=False)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert _runs(java_home(folder=home))
