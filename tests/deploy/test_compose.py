"""The containers of deploy/compose, as far as they can be tested without an engine."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.version import Version

from segue.deploy.access import job_access
from segue.places import ROOT
from segue.settings import Settings
from tests.security.conftest import Load, load  # noqa: F401  # a fixture

FOLDER = ROOT / "deploy" / "compose"
FILE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
TRAINING = "training"
"""The one service with an image of its own, since it is built with more packages."""
OURS = {name for name, service in SERVICES.items() if service["image"].startswith("segue")}
BY_HAND = {name for name, service in SERVICES.items() if service.get("profiles")}
HOLDERS = {name for name, service in SERVICES.items() if service.get("entrypoint") == ["sleep"]}
"""Those that do nothing but hold a network for others."""
_KNOWN = """
    build image user cap_drop security_opt restart logging entrypoint command environment networks mem_limit
    network_mode pids_limit stop_grace_period stop_signal healthcheck volumes secrets profiles hostname
    depends_on deploy ports labels read_only tmpfs ulimits
"""
"""The keys of the Compose specification that are used here."""

each = pytest.mark.parametrize("name", SERVICES)


def test_only_keys_that_compose_knows() -> None:
    assert {key for service in SERVICES.values() for key in service} <= set(_KNOWN.split())
    assert {key for key in FILE if not key.startswith("x-")} == {"name", "services", "networks", "secrets"}


@each
def test_an_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    if name == TRAINING:
        assert image == "segue-training:${VERSION}"
        return
    assert image == "segue:${VERSION}" or re.fullmatch(
        r"[a-z/-]+:v?\d+\.\d+\.\d+(-alpine)?(@sha256:[0-9a-f]{64})?", image
    ), image


def test_only_training_is_built_with_more_than_the_runtime() -> None:
    """A backup or a removal is not to wait for a build with JAX."""
    built = {name: SERVICES[name]["build"]["args"] for name in OURS}
    assert built.pop(TRAINING)["packages"] == "training"
    assert all("packages" not in arguments for arguments in built.values())
    assert SERVICES["operator"]["image"] == "segue:${VERSION}"
    # `compose build` and `compose --profile by-hand build` leave it out.
    assert SERVICES[TRAINING]["profiles"] == [TRAINING]


@each
def test_a_container_runs_as_an_ordinary_user_within_bounds(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == "${UID_OF_SEGUE}:${UID_OF_SEGUE}"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    # An engine's own limit may be 1,024, which 200 visitors of the dashboard reach.
    assert service["ulimits"]["nofile"] == {"soft": 65536, "hard": 65536}
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
        if name not in HOLDERS:
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
def test_files_and_secrets_that_a_service_names_exist(name: str) -> None:
    service = SERVICES[name]
    for secret in service.get("secrets", []):
        assert (secret if isinstance(secret, str) else secret["source"]) in FILE["secrets"]
    for network in service.get("networks", []):
        assert network in FILE["networks"]
    for other, how in service.get("depends_on", {}).items():
        assert how["condition"] == "service_started" or SERVICES[other]["healthcheck"]
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert source.startswith("${") or (FOLDER / source).resolve().exists(), source


@each
def test_another_secret_is_another_start(name: str) -> None:
    """An engine compares labels, not the files behind secrets."""
    service = SERVICES[name]
    read = [one if isinstance(one, str) else one["source"] for one in service.get("secrets", [])]
    files = [FILE["secrets"][one]["file"].rpartition("/")[2] for one in read]
    digests = {f"${{DIGEST_{re.sub('[.-]', '_', file).upper()}}}" for file in files}
    # A service that is run by hand gets a new container each time.
    wanted = set() if name in BY_HAND else digests
    assert set(service.get("labels", {}).get("segue.secrets", "").split()) == wanted


SHARING = {name: service["network_mode"] for name, service in SERVICES.items() if "network_mode" in service}


def test_a_shared_network_outlives_each_of_those_in_it() -> None:
    """A container that starts again has a new network, unless another holds it; others keep the old one."""
    assert {mode.removeprefix("service:") for mode in SHARING.values()} == HOLDERS
    for name in HOLDERS:
        holder = SERVICES[name]
        assert holder["command"] == ["infinity"]
        # As the first process of its container, it would not hear of SIGTERM.
        assert holder["stop_signal"] == "SIGKILL"
        assert sum(mode == f"service:{name}" for mode in SHARING.values()) > 1
        # Nothing but other code is a reason to start it anew.
        assert not {"secrets", "labels", "volumes", "environment", "depends_on"} & holder.keys()
    for name, mode in SHARING.items():
        # An engine refuses these in another's network.
        assert not {"networks", "ports", "hostname"} & SERVICES[name].keys()
        assert SERVICES[name]["depends_on"][mode.removeprefix("service:")]["restart"] is True


def reached_by(name: str) -> set[str]:
    """The names that a container finds others by."""
    mine = set(SERVICES[SHARING.get(name, name).removeprefix("service:")]["networks"])
    found = set()
    for other, service in SERVICES.items():
        networks = service.get("networks", [])
        if mine & set(networks):
            found.add(other)
        if isinstance(networks, dict):
            found |= {alias for one in mine & networks.keys() for alias in networks[one].get("aliases", [])}
    return found


def test_names_lead_to_those_that_are_meant() -> None:
    sources = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text())
    prometheus = urlsplit(sources["datasources"][0]["url"])
    alias = SERVICES["stream"]["environment"]["SPARK_LOCAL_HOSTNAME"]
    # Prometheus and the driver are in one network, and have its name.
    assert SHARING["prometheus"] == SHARING["stream"] == "service:stream-network"
    assert prometheus.hostname == alias == SERVICES["stream-network"]["hostname"]
    assert alias in reached_by("grafana") & reached_by("spark-worker")
    assert "spark-master" in reached_by("stream") & reached_by("spark-worker")
    for name in ("stream", "dashboard", "spark-worker", "access"):
        assert {"kafka-1", "kafka-2", "kafka-3", "mongo-1", "mongo-2", "mongo-3"} <= reached_by(name)


def test_a_proxy_is_healthy_when_it_reaches_the_dashboard() -> None:
    """In a network that the dashboard has left, it still answers itself."""
    configuration = (ROOT / "deploy/proxy/nginx.conf").read_text()
    asked = urlsplit(SERVICES["proxy"]["healthcheck"]["test"][-1])
    own = configuration.partition(f"listen {asked.netloc};")[2]
    answers = re.search(rf"location = {asked.path} {{\s*proxy_pass (\S+);", own)
    assert answers
    assert answers[1] == SERVICES["dashboard"]["healthcheck"]["test"][-1]


def test_secrets_are_files_that_the_deployment_makes() -> None:
    made = (FOLDER / "compose.sh").read_text() + (ROOT / "deploy/lib/secrets.sh").read_text()
    jobs = {f"{job}.toml" for job in (*job_access(), "admin")}
    for secret in FILE["secrets"].values():
        assert list(secret) == ["file"]
        name = secret["file"].removeprefix("${FOLDER}/secrets/")
        assert name in jobs or re.sub(r"kafka-\d", "kafka-$node", name) in made, name


def test_only_the_proxy_is_open_to_others() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"dashboard-network": ["8443:8443"], "grafana": ["127.0.0.1:3000:3000"]}
    outside = {name for name, service in SERVICES.items() if "outside" in service.get("networks", [])}
    assert outside == set(ports)
    reaching = {name for name, network in FILE["networks"].items() if not network.get("internal")}
    assert reaching == {"outside", "catalogue"}
    # The dashboard itself answers on the loopback address of that network alone.
    assert SHARING["proxy"] == SHARING["dashboard"] == "service:dashboard-network"


def test_the_catalogues_jobs_reach_connected_servers_and_read_their_passwords() -> None:
    """They alone: no other job has a way out by their network, or the key without need."""
    reach = {name for name, service in SERVICES.items() if "catalogue" in service.get("networks", [])}
    assert reach == {"catalogue", "library"}
    for name in (*reach, "dashboard", "api"):
        service = SERVICES[name]
        assert "app-passwords.key" in service["secrets"]
        assert service["environment"]["SEGUE_OPENSUBSONIC__KEY_FILE"] == "/run/secrets/app-passwords.key"
        # Recordings of servers are kept there while they are analysed or converted.
        assert "${FOLDER}/data/cache:/var/lib/segue/cache" in service["volumes"]
    image = (ROOT / "deploy/image/Dockerfile").read_text()
    for section in ("SERVERS", "TRANSCODING"):
        assert f"SEGUE_{section}__FOLDER=/var/lib/segue/cache/" in image
    have = {name for name, service in SERVICES.items() if "app-passwords.key" in service.get("secrets", [])}
    assert have == {*reach, "dashboard", "api", "operator"}


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
    assert folder[1] in [volume.split(":")[1] for volume in SERVICES[TRAINING]["volumes"]]


WITHOUT_KAFKA = ("catalogue", "library")


@pytest.mark.parametrize("name", sorted(OURS - HOLDERS - {"spark-master", "spark-worker"}))
def test_a_jobs_environment_is_settings_that_load(
    name: str,
    load: Load,  # noqa: F811
    tmp_path: Any,
) -> None:
    login = '[mongo]\nusername = "a"\npassword = "b"\n'
    file = tmp_path / "settings.toml"
    file.write_text(login if name in WITHOUT_KAFKA else login + login.replace("mongo", "kafka"))
    given = {key: value for key, value in SERVICES[name]["environment"].items() if key.startswith("SEGUE_")}
    environment = {**given, "SEGUE_CONF": str(file)}
    assert SERVICES[name]["environment"]["SEGUE_CONF"] == "/run/secrets/settings.toml"
    settings: Settings = load(environment)
    assert settings.mongo.username == "a"
    # A container's file system is read-only: nothing can be packed there.
    assert settings.spark.package_workers is (name != "stream")
    assert settings.kafka.sasl is (name not in WITHOUT_KAFKA)
    assert settings.kafka.replication_factor == (1 if name in WITHOUT_KAFKA else 3)


def _version(repository: str) -> Version:
    images = {service["image"].partition("@")[0] for service in SERVICES.values()}
    (image,) = (image for image in images if image.rpartition(":")[0] == repository)
    return Version(image.rpartition(":")[2])


def test_mongodb_is_none_that_shows_its_memory_to_strangers() -> None:
    """CVE-2025-14847."""
    assert _version("mongo") >= Version("8.0.17")


def test_kafka_is_the_version_that_the_tests_run() -> None:
    jars = (ROOT / "conf" / "ivy.xml").read_text()
    assert re.search(rf'name="kafka_2\.13" rev="{re.escape(str(_version("apache/kafka")))}"', jars)
