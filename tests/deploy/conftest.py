"""Stand-ins for docker, kubectl, ssh and systemctl that record their arguments, and do nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from segue.places import ROOT

_PLAIN = """
    bash dirname cat sed awk cut sort head tail tr od mkdir mv rm id find xargs sha256sum grep ls sleep
    hostname openssl tar gzip realpath base64 basename env chmod chown ln touch install mktemp wc date
"""
_STAND_IN = """#!/bin/bash
call={record}/$EPOCHREALTIME.$$
printf '%s\\0' {name} "$@" >"$call"
[ -t 0 ] || cat >"$call.stdin"
IFS=';'
for word in $REFUSED; do
  IFS=' '
  [[ "{name} $*" != *"$word"* ]] || exit 1
done
"""


@dataclass(frozen=True)
class Asked:
    """One call of a stand-in."""

    name: str
    arguments: list[str]
    stdin: str

    @property
    def line(self) -> str:
        return " ".join([self.name, *self.arguments])


class Machine:
    """A PATH with plain tools and stand-ins, and a folder for the files of a deployment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "deployed"
        self._bin, self._record = folder / "bin", folder / "asked"
        self._bin.mkdir()
        self._record.mkdir()
        for name in _PLAIN.split():
            if found := shutil.which(name):
                (self._bin / name).symlink_to(found)

    def stand_in(self, *names: str) -> None:
        for name in names:
            file = self._bin / name
            file.unlink(missing_ok=True)
            file.write_text(_STAND_IN.format(record=self._record, name=name))
            file.chmod(0o755)

    def run(
        self, *arguments: str, script: str = "run.sh", refused: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", str(ROOT / script), *arguments],
            capture_output=True,
            text=True,
            env={"PATH": str(self._bin), "HOME": str(self.folder), "REFUSED": refused, **environment},
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=600,
        )

    def deploy(self, *arguments: str, refused: str = "") -> subprocess.CompletedProcess[str]:
        return self.run("deploy", *arguments, "--folder", str(self.folder), refused=refused)

    def asked(self) -> list[Asked]:
        """The calls of the stand-ins since the last call of this function."""
        found = []
        for file in sorted(one for one in self._record.iterdir() if one.suffix != ".stdin"):
            name, *arguments = file.read_bytes().decode().split("\0")[:-1]
            stdin = file.with_name(f"{file.name}.stdin")
            found.append(Asked(name, arguments, stdin.read_bytes().decode("latin-1")))
            file.unlink()
            stdin.unlink()
        return found

    def secrets(self) -> list[str]:
        """Every password that was made up."""
        words = (
            word.strip('";')
            for file in sorted((self.folder / "secrets").glob("*"))
            if not file.name.startswith("tls") and file.name != "kafka-cluster-id"
            for word in file.read_text().replace("=", " ").split()
        )
        return sorted({word for word in words if re.fullmatch("[0-9a-f]{48}", word)})


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def music(tmp_path: Path) -> str:
    (tmp_path / "music").mkdir()
    return str(tmp_path / "music")


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The message of a failed command, which is one line."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert done.stderr.startswith("segue: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr
