"""The shell scripts, by shellcheck."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from segue.places import ROOT

SCRIPTS = ("run.sh", "deploy/deploy.sh", "deploy/hosts/install.sh", "deploy/image/entrypoint.sh")
"""The scripts that are run; the files that they source are checked with them."""


def _shellcheck() -> str | None:
    beside = Path(sys.executable).with_name("shellcheck")
    return str(beside) if beside.exists() else shutil.which("shellcheck")


@pytest.mark.skipif(_shellcheck() is None, reason="shellcheck")
@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing(script: str) -> None:
    done = subprocess.run(
        [str(_shellcheck()), "--external-sources", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_script_is_looked_at() -> None:
    taken_in = "\n".join((ROOT / script).read_text() for script in SCRIPTS)
    for script in (ROOT / "deploy").rglob("*.sh"):
        name = str(script.relative_to(ROOT))
        assert name in SCRIPTS or f"source={name}" in taken_in, name
