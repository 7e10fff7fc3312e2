"""The environment of Spark's executors, which do not run on the machine of the driver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

import pytest
import yaml

from segue.places import ROOT

DEPLOY = ROOT / "deploy"
WORKER_FOLDER = "SEGUE_INDEX__WORKER_FOLDER"


def _of_file(name: str) -> str:
    """The value of WORKER_FOLDER in a file of settings."""
    lines = (DEPLOY / name).read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{WORKER_FOLDER}="))


def _compose() -> tuple[str, list[str]]:
    services = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())["services"]
    mounts = [volume.split(":") for volume in services["spark-worker"]["volumes"]]
    return services["stream"]["environment"][WORKER_FOLDER], [to for _, to, *mode in mounts if mode != ["ro"]]


def _hosts() -> tuple[str, list[str]]:
    unit = dict(
        line.split("=", 1)
        for line in (DEPLOY / "hosts/units/segue-spark-worker.service").read_text().splitlines()
        if "=" in line
    )
    return _of_file("hosts/example/segue.env"), [f"/var/lib/{unit['StateDirectory']}"]


def _kubernetes() -> tuple[str, list[str]]:
    pod = yaml.safe_load((DEPLOY / "kubernetes/executor-pod.yaml").read_text())
    mounts = pod["spec"]["containers"][0]["volumeMounts"]
    return _of_file("kubernetes/settings.env"), [
        mount["mountPath"] for mount in mounts if not mount.get("readOnly")
    ]


@pytest.mark.parametrize("deployment", [_compose, _hosts, _kubernetes])
def test_executors_may_write_where_they_keep_the_index(
    deployment: Callable[[], tuple[str, list[str]]],
) -> None:
    """A relative folder would count from where an executor starts, which is no place for writing."""
    folder, writable = deployment()
    assert any(PurePosixPath(folder).is_relative_to(place) for place in writable), (folder, writable)
