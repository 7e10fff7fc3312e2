"""Temporary files of killed processes are removed; those of living ones stay, whatever their pid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from segue.local.scratch import scratch
from segue.places import ROOT

_HOLDER = """\
import sys, time
from pathlib import Path
from segue.local.scratch import scratch
print(scratch(Path(sys.argv[1])), flush=True)
time.sleep(3600)
"""


def _holder(folder: Path) -> tuple[subprocess.Popen[str], Path]:
    command = [sys.executable, "-c", _HOLDER, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout:
        return process, Path(process.stdout.readline().strip())


def test_the_files_of_a_killed_process_are_removed_at_the_next_start(tmp_path: Path) -> None:
    killed, left = _holder(tmp_path / "scratch")
    living, kept = _holder(tmp_path / "scratch")
    (left / "blockmgr-1").mkdir()
    (left / "blockmgr-1" / "shuffle").write_text("x")
    (kept / "library.so").write_text("x")
    try:
        killed.kill()
        killed.wait()
        own = scratch(tmp_path / "scratch")
        assert not left.exists()
        assert (kept / "library.so").exists()
        assert own.is_dir() and own == scratch(tmp_path / "scratch"), "one folder for each process"
    finally:
        living.kill()
        living.wait()


def test_an_interrupted_removal_is_completed(tmp_path: Path) -> None:
    half = tmp_path / "scratch" / "1-half"
    half.mkdir(parents=True)
    (half / "library.so").write_text("x")
    scratch(tmp_path / "scratch")
    assert not half.exists()
