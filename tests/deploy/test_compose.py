"""The containers of deploy/compose: what can be seen without an engine."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from segue.deploy.access import read_access
from segue.settings import ROOT, Settings
from tests.security.conftest import Load, load  # noqa: F401  # a fixture

FOLDER = ROOT / "deploy" / "compose"
FILE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {name for name, service in SERVICES.items() if service["image"].startswith("segue:")}
BY_HAND = {name for name, service in SERVICES.items() if service.get("profiles")}
_KNOWN = """
    build image user cap_drop security_opt restart logging entrypoint command environment networks mem_limit
    network_mode pids_limit stop_grace_period healthcheck volumes secrets profiles hostname depends_on deploy
    ports labels read_only tmpfs
"""
"""The keys of the Compose specification that are used here."""

each = pytest.mark.parametrize("name", SERVICES)


def test_only_keys_that_compose_knows() -> None:
    assert {key for service in SERVICES.values() for key in service} <= set(_KNOWN.split())
    assert {key for key in FILE if not key.startswith("x-")} == {"name", "services", "networks", "secrets"}


@each
def test_an_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image == "segue:${VERSION}" or re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+(-alpine)?", image), image


@each
def test_a_container_runs_as_an_ordinary_user_within_bounds(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == "${UID_OF_SEGUE}:${UID_OF_SEGUE}"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service
    if name in OURS:
        assert service["read_only"] is True
        # An engine's tmpfs is noexec by itself, and no JVM could load a C library from it.
        assert service["tmpfs"] == ["/tmp:mode=1777,exec"]


@each
def test_a_service_has_a_health_check_and_starts_again(name: str) -> None:
    service = SERVICES[name]
    if name in BY_HAND:
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert service["restart"] == "unless-stopped"


@each
def test_no_password_in_a_containers_environment_or_command(name: str) -> None:
    service = SERVICES[name]
    for key, value in service.get("environment", {}).items():
        if re.search("password|secret|key", key, re.IGNORECASE):
            assert key.endswith("_FILE"), key
            assert str(value).startswith("/run/secrets/")
        assert not re.search(r"//[^/]+@", str(value)), key


@each
def test_what_a_service_names_is_there(name: str) -> None:
    service = SERVICES[name]
    for secret in service.get("secrets", []):
        assert (secret if isinstance(secret, str) else secret["source"]) in FILE["secrets"]
    for network in service.get("networks", []):
        assert network in FILE["networks"]
    for other, how in service.get("depends_on", {}).items():
        assert how["condition"] == "service_started" or SERVICES[other]["healthcheck"]
    if mode := service.get("network_mode"):
        assert mode.removeprefix("service:") in SERVICES
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert source.startswith("${") or (FOLDER / source).resolve().exists(), source


def test_secrets_are_files_that_the_deployment_makes() -> None:
    made = (FOLDER / "compose.sh").read_text() + (ROOT / "deploy/lib/secrets.sh").read_text()
    jobs = {f"{job}.toml" for job in (*read_access(), "admin")}
    for secret in FILE["secrets"].values():
        assert list(secret) == ["file"]
        name = secret["file"].removeprefix("${FOLDER}/secrets/")
        assert name in jobs or re.sub(r"kafka-\d", "kafka-$node", name) in made, name


def test_only_the_proxy_is_open_to_others() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"dashboard": ["8443:8443"], "grafana": ["127.0.0.1:3000:3000"]}
    outside = {name for name, service in SERVICES.items() if "outside" in service.get("networks", [])}
    assert outside == set(ports)
    assert all(network["internal"] for name, network in FILE["networks"].items() if name != "outside")
    # The dashboard itself answers on the loopback address of that network alone.
    assert SERVICES["proxy"]["network_mode"] == "service:dashboard"


def test_folders_that_are_mounted_are_made_before() -> None:
    """An engine would make them, as root."""
    script = (FOLDER / "compose.sh").read_text()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("${FOLDER}"):
                assert re.search(rf"[{{,]{source.removeprefix('${FOLDER}/data/')}[,}}]", script), source


def test_a_training_is_kept_in_a_folder_that_is_mounted() -> None:
    image = (ROOT / "deploy/image/Dockerfile").read_text()
    folder = re.search(r"SEGUE_MODELS__FOLDER=(\S+)", image)
    assert folder
    assert folder[1] in [volume.split(":")[1] for volume in SERVICES["operator"]["volumes"]]


@pytest.mark.parametrize("name", sorted(OURS - {"spark-master", "spark-worker"}))
def test_a_jobs_environment_is_settings_that_load(
    name: str,
    load: Load,  # noqa: F811
    tmp_path: Any,
) -> None:
    login = '[mongo]\nuser = "a"\npassword = "b"\n'
    file = tmp_path / "settings.toml"
    file.write_text(login if name == "catalogue" else login + login.replace("mongo", "kafka"))
    given = {key: value for key, value in SERVICES[name]["environment"].items() if key.startswith("SEGUE_")}
    environment = {**given, "SEGUE_CONF": str(file)}
    assert SERVICES[name]["environment"]["SEGUE_CONF"] == "/run/secrets/settings.toml"
    settings: Settings = load(environment)
    assert settings.mongo.user == "a"
    # A container's file system is read-only: nothing can be packed there.
    assert settings.spark.ship is (name != "stream")
    assert settings.kafka.sasl is (name != "catalogue")
    assert settings.kafka.replication == (1 if name == "catalogue" else 3)
