"""systemd units, and the script that puts them on a host: tried in a folder of the test's own."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from segue.places import ROOT
from tests.deploy.conftest import Machine
from tests.security.conftest import Load, load  # noqa: F401  # a fixture

UNITS = sorted((ROOT / "deploy/hosts/units").glob("*.service"))
EXAMPLE = ROOT / "deploy/hosts/example"
INSTALL = "deploy/hosts/install.sh"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze")


@needs_systemd
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """In a root of their own, where the file they start is."""
    units, start = tmp_path / "etc/systemd/system", tmp_path / "opt/segue/current/deploy/image/entrypoint.sh"
    units.mkdir(parents=True)
    start.parent.mkdir(parents=True)
    shutil.copy(ROOT / "deploy/image/entrypoint.sh", start)
    for unit in UNITS:
        text = unit.read_text().replace("/opt/segue", str(tmp_path / "opt/segue"))
        (units / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(units / unit.name) for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "segue" in line]
    assert (done.returncode, ours) == (0, [])


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda one: one.stem)
def test_units_are_hardened(unit: Path) -> None:
    """systemd's own measure, from 0 (safe) to 10; a unit without any of it has 9.6."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=30", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda one: one.stem)
def test_units_have_limits_and_start_again(unit: Path) -> None:
    text = unit.read_text()
    for key in (
        "Restart=always",
        "StartLimitIntervalSec=0",
        "User=segue",
        "MemoryMax=",
        "TasksMax=",
        "LimitNOFILE=",
    ):
        assert f"\n{key}" in text
    assert "PASSWORD" not in text


def test_there_is_a_unit_for_each_role() -> None:
    roles = re.search(r"^roles='(.*)'$", (ROOT / "deploy/hosts/hosts.sh").read_text(), re.MULTILINE)
    assert roles
    assert sorted(roles[1].split()) == [unit.stem.removeprefix("segue-") for unit in UNITS]
    listed = (EXAMPLE / "hosts").read_text()
    assert all(role in listed for role in roles[1].split())


@pytest.mark.parametrize("job", ["stream", "dashboard", "catalogue"])
def test_the_example_is_settings_that_load(job: str, load: Load, tmp_path: Path) -> None:  # noqa: F811
    lines = (EXAMPLE / "segue.env").read_text().splitlines() if job != "catalogue" else []
    environment = dict(line.split("=", 1) for line in lines if line.startswith("SEGUE_"))
    own = tmp_path / f"{job}.toml"
    own.write_text((EXAMPLE / own.name).read_text().replace('password = ""', 'password = "x"'))
    settings = load({**environment, "SEGUE_CONF": str(own)})
    assert settings.mongo.username == f"segue-{job}"
    assert settings.kafka.username == ("" if job == "catalogue" else f"segue-{job}")
    # A unit's file system is read-only: nothing can be packed there.
    assert settings.spark.package_workers is (job == "catalogue")


class Host:
    """A root folder with a release in it, and install.sh run there."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine, self.root = machine, folder / "root"
        machine.stand_in("systemctl", "useradd", "runuser", "chown")

    def install(self, *arguments: str, refused: str = "") -> list[str]:
        done = self.machine.run(*arguments, script=INSTALL, refused=refused, PREFIX=str(self.root))
        assert done.returncode == 0, done.stderr
        return [one.line for one in self.machine.asked() if one.name == "systemctl"]

    def release(self, version: str) -> Path:
        self.install("prepare", version)
        folder = self.root / "opt/segue/releases" / version
        shutil.copytree(ROOT / "deploy/hosts", folder / "deploy/hosts")
        (folder / ".local").mkdir()
        self.install("set-up", version)
        return folder


@pytest.fixture
def host(machine: Machine, tmp_path: Path) -> Host:
    found = Host(machine, tmp_path)
    found.release("v1")
    (found.root / "etc/segue/segue.env").write_text("A=1\n")
    (found.root / "etc/segue/stream.toml").write_text("[mongo]\n")
    return found


def test_a_role_is_started_once_and_again_only_for_a_reason(host: Host) -> None:
    restart = "systemctl restart segue-stream.service"
    assert restart in host.install("activate", "v1", "stream")
    assert (host.root / "etc/systemd/system/segue-stream.service").is_file()
    assert (host.root / "opt/segue/current").resolve().name == "v1"
    assert restart not in host.install("activate", "v1", "stream")
    # It has a digest of the passwords, from which one could try them.
    assert stat.S_IMODE((host.root / "etc/segue/.stream").stat().st_mode) == 0o600
    assert restart in host.install("activate", "v1", "stream", refused="is-active")
    (host.root / "etc/segue/stream.toml").write_text("[mongo]\nusername = 'x'\n")
    assert restart in host.install("activate", "v1", "stream")
    (host.root / "etc/segue/dashboard.toml").write_text("[mongo]\n")  # another role's
    assert restart not in host.install("activate", "v1", "stream")


def test_a_dashboard_is_started_again_for_another_log_in_provider(host: Host) -> None:
    restart = "systemctl restart segue-dashboard.service"
    (host.root / "etc/segue/oidc.toml").write_text("# none\n")
    assert restart in host.install("activate", "v1", "dashboard")
    assert restart not in host.install("activate", "v1", "dashboard")
    (host.root / "etc/segue/oidc.toml").write_text("[auth]\n")
    assert restart in host.install("activate", "v1", "dashboard")


def test_a_role_without_a_password_is_started_too(host: Host) -> None:
    assert "systemctl restart segue-spark-master.service" in host.install("activate", "v1", "spark-master")
    (host.root / "etc/segue/spark").mkdir()
    (host.root / "etc/segue/spark/spark-defaults.conf").write_text("spark.authenticate true\n")
    assert "systemctl restart segue-spark-master.service" in host.install("activate", "v1", "spark-master")


def test_versions_stand_side_by_side_and_the_oldest_go(host: Host) -> None:
    host.install("activate", "v1", "stream")
    for version in ("v2", "v3", "v4"):
        host.release(version)
        assert "systemctl restart segue-stream.service" in host.install("activate", version, "stream")
    assert (host.root / "opt/segue/current").resolve().name == "v4"
    kept = {folder.name for folder in (host.root / "opt/segue/releases").iterdir()}
    assert len(kept) == 3
    assert "v4" in kept
    assert "systemctl restart segue-stream.service" in host.install("activate", "v3", "stream")
    assert (host.root / "opt/segue/current").resolve().name == "v3"


def test_a_role_that_is_removed_leaves_the_rest(host: Host) -> None:
    host.install("activate", "v1", "stream")
    assert host.install("remove", "stream")[0] == "systemctl disable --now --quiet segue-stream.service"
    assert not (host.root / "etc/systemd/system/segue-stream.service").exists()
    assert (host.root / "etc/segue/stream.toml").exists()
    assert "systemctl disable --now --quiet segue-stream.service" not in host.install("remove", "stream")
