"""A short run of `bench soak --chaos`: players post events while processes of the service are killed.

The service restarts ended processes, as service managers do. The complete run takes an hour.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from segue.benchmarks.chaos.run import SHORT
from segue.benchmarks.chaos.schedule import schedule
from segue.local.jars import ensure_jars
from segue.places import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]
MINUTES, SEED = 3, 13


def test_an_acknowledged_event_is_counted_once_after_any_failure(tmp_path: Path) -> None:
    ensure_jars()
    file = tmp_path / "chaos.json"
    command = [sys.executable, "-P", "-m", "segue", "bench", "soak", "--chaos", "--quick"]
    command += ["--seed", str(SEED), "--minutes", str(MINUTES), "--json", str(file)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = {name.removeprefix("chaos_"): value for name, value in json.loads(file.read_text()).items()}
    assert figures["acknowledged"] > 100
    assert figures["in_facts"] == figures["acknowledged"]
    lost = ("missing", "twice", "rejected", "refused", "unanswered", "files_left_over")
    assert {name: figures[name] for name in lost} == dict.fromkeys(lost, 0)
    assert figures["recount_exact"] is True
    faults = [fault.kind for fault in schedule(SEED, seconds=60 * MINUTES, **SHORT)]
    assert {kind: figures[f"{kind}s"] for kind in faults} == {kind: faults.count(kind) for kind in faults}
    assert figures["starts_stream"] > 2, "the killed one, and the last restart"
    assert f"--seed {SEED}" in done.stderr, "how to repeat the run"
