"""The watch of the library as a service: its sign of life, and the role on a list of machines."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import yaml

from segue.places import ROOT

ENTRY = ROOT / "deploy/image/entrypoint.sh"


def recent(file: Path) -> bool:
    done = subprocess.run(["bash", str(ENTRY), "recent", str(file), "30"], check=False, capture_output=True)
    return done.returncode == 0


def test_a_watch_without_a_sign_of_life_is_unhealthy(tmp_path: Path) -> None:
    sign = tmp_path / "library.alive"
    assert not recent(sign)
    sign.touch()
    assert recent(sign)
    os.utime(sign, (time.time() - 1860,) * 2)
    assert not recent(sign)


def test_deployments_ask_for_the_file_that_the_watch_writes() -> None:
    """`.local/run` of a deployed release is a link to /tmp/segue-run."""
    sign = "/tmp/segue-run/library.alive"
    compose = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())["services"]["library"]
    assert compose["healthcheck"]["test"][2:4] == ["recent", sign]
    [container] = yaml.safe_load((ROOT / "deploy/kubernetes/library.yaml").read_text())["spec"]["template"][
        "spec"
    ]["containers"]
    assert container["livenessProbe"]["exec"]["command"][1:3] == ["recent", sign]
    assert compose["command"] == container["args"] == ["library", "watch", "/music"]


def test_the_music_is_mounted_read_only_and_the_watch_reads_no_plays() -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())["services"]["library"]
    assert "${MUSIC}:/music:ro" in compose["volumes"]
    settings, key = compose["secrets"]
    assert (settings["source"], key) == ("catalogue", "app-passwords.key")
    unit = (ROOT / "deploy/hosts/units/segue-library.service").read_text()
    assert "entrypoint.sh library watch\n" in unit
    assert "segue.env" not in unit.replace("# ", ""), "its Kafka settings need a log-in, which this job lacks"
