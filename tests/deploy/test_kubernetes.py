"""The manifests of deploy/kubernetes, as kustomize renders them: no cluster is asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from segue.deploy.access import job_access
from segue.places import ROOT
from segue.settings import Settings
from segue.spark.defaults import defaults
from tests.security.conftest import Load, load  # noqa: F401  # a fixture

FOLDER = ROOT / "deploy" / "kubernetes"
Manifest = dict[str, Any]

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders the manifests")


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    done = subprocess.run(
        ["kubectl", "kustomize", "--load-restrictor", "LoadRestrictionsNone", str(FOLDER)],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "KUBECONFIG": "/dev/null"},
    )
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """(name, pod template) of everything that makes pods, Spark's executors among it."""
    for one in manifests:
        spec = one.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            yield one["metadata"]["name"], template
    yield "executor", yaml.safe_load((FOLDER / "executor-pod.yaml").read_text())


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def test_every_kind_is_there(manifests: list[Manifest]) -> None:
    kinds = {one["kind"] for one in manifests}
    assert {"StatefulSet", "Deployment", "CronJob", "Job", "PodDisruptionBudget", "NetworkPolicy"} <= kinds
    assert all(one["metadata"].get("namespace") == "segue" for one in manifests if one["kind"] != "Namespace")
    assert all(one["apiVersion"] and one["metadata"]["name"] for one in manifests)
    assert "Secret" not in kinds


@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
def test_each_follows_kubernetes_own_schema(manifests: list[Manifest], version: str) -> None:
    executor = yaml.safe_load((FOLDER / "executor-pod.yaml").read_text())
    executor["metadata"]["name"] = "executor"  # which Spark gives
    for one in [*manifests, executor]:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_key_that_kubernetes_does_not_know_is_found(manifests: list[Manifest]) -> None:
    one = {**manifests[0], "replcas": 1}
    with pytest.raises(kubernetes_validate.ValidationError, match="replcas"):
        kubernetes_validate.validate(one, "1.30", strict=True)


def test_pods_may_run_in_a_restricted_namespace(manifests: list[Manifest]) -> None:
    """The rules of Kubernetes' Pod Security Standard "restricted"."""
    for name, pod in pods(manifests):
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] == 10001
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
        for container in containers(pod):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
        assert not [volume for volume in pod["spec"]["volumes"] if "hostPath" in volume]


def test_only_the_driver_speaks_to_the_cluster(manifests: list[Manifest]) -> None:
    speak = [name for name, pod in pods(manifests) if pod["spec"].get("automountServiceAccountToken", True)]
    assert speak == ["segue-stream"]
    role = next(one for one in manifests if one["kind"] == "Role")
    resources = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert "secrets" not in resources


def test_containers_are_bounded_pinned_and_watched(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests):
        for container in containers(pod):
            if name == "executor":
                continue  # Spark adds image and resources
            assert container["image"] == "segue" or re.search(r":\d+\.\d+\.\d+", container["image"])
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"]["cpu"]
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
    for name, pod in pods(manifests):
        if name in ("segue-stream", "segue-dashboard"):
            probes = [set(c) & {"startupProbe", "livenessProbe", "readinessProbe"} for c in containers(pod)]
            assert set().union(*probes) == {"startupProbe", "livenessProbe", "readinessProbe"}


def test_files_that_pods_mount_and_read_exist(manifests: list[Manifest]) -> None:
    names = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    logins = {f"{job}.toml" for job in (*job_access(), "admin", "oidc")}
    for name, pod in pods(manifests):
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for container in containers(pod):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys(), name
            for source in container.get("envFrom", []):
                assert ("ConfigMap", source["configMapRef"]["name"]) in names
        for volume in volumes.values():
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in names
            if found := volume.get("configMap"):
                assert ("ConfigMap", found["name"]) in names
            if secret := volume.get("secret"):
                assert secret["secretName"] in ("segue-logins", "segue-tls", "segue-app-key")
                assert {item["key"] for item in secret.get("items", [])} <= logins
    assert ("ServiceAccount", "segue-executor") in names


def test_a_job_sees_its_own_password_only(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests):
        for volume in pod["spec"]["volumes"]:
            if volume.get("secret", {}).get("secretName") == "segue-logins" and name != "segue-users":
                own = ["settings.toml", *(["oidc.toml"] if name == "segue-dashboard" else [])]
                assert [item["path"] for item in volume["secret"]["items"]] == own
        for container in containers(pod):
            for variable in container.get("env", []):
                assert "PASSWORD" not in variable["name"]


def test_the_library_reads_passwords_of_servers_and_has_a_place_for_recordings(
    manifests: list[Manifest],
) -> None:
    settings = dict(
        line.split("=", 1)
        for line in (FOLDER / "settings.env").read_text().splitlines()
        if line and not line.startswith("#")
    )
    key = settings["SEGUE_OPENSUBSONIC__KEY_FILE"]
    have = set()
    for name, pod in pods(manifests):
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for container in containers(pod):
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            found = mounts.get(key.rpartition("/")[0])
            if found is None:
                continue
            have.add(name)
            assert found["readOnly"] is True
            assert volumes[found["name"]]["secret"]["secretName"] == "segue-app-key"
            assert "emptyDir" in volumes[mounts["/var/lib/segue/cache"]["name"]]
    assert have == {"segue-dashboard", "segue-library"}


def test_selectors_find_their_pods(manifests: list[Manifest]) -> None:
    labels = {pod["metadata"]["labels"]["app.kubernetes.io/name"] for _, pod in pods(manifests)}
    for one in manifests:
        spec = one.get("spec", {})
        found = spec.get("podSelector") or spec.get("selector")
        if found:
            wanted = found.get("matchLabels", found)
            assert wanted["app.kubernetes.io/name"] in labels, one["metadata"]["name"]
    budget = next(one for one in manifests if one["kind"] == "PodDisruptionBudget")
    replicas = next(one for one in manifests if one["kind"] == "Deployment")["spec"]["replicas"]
    assert 1 <= budget["spec"]["minAvailable"] < replicas


def test_a_driver_that_never_got_ready_does_not_hold_up_the_next(manifests: list[Manifest]) -> None:
    """In order, an update waits for the pod that it replaces to be ready: kubernetes issue 67250."""
    stream = next(one for one in manifests if one["kind"] == "StatefulSet")
    assert stream["spec"]["podManagementPolicy"] == "Parallel"
    assert stream["spec"]["replicas"] == 1


def test_the_driver_is_where_executors_look_for_it(manifests: list[Manifest]) -> None:
    spark = dict(
        line.split(maxsplit=1)
        for line in (FOLDER / "spark-defaults.conf").read_text().splitlines()
        if line and not line.startswith("#")
    )
    service = next(
        one for one in manifests if one["kind"] == "Service" and one["spec"].get("clusterIP") == "None"
    )
    assert spark["spark.driver.host"] == f"{service['metadata']['name']}.segue.svc"
    ports = {port["port"] for port in service["spec"]["ports"]}
    assert ports == {int(spark["spark.driver.port"]), int(spark["spark.driver.blockManager.port"])}
    # The job reads conf/spark-defaults.conf once more, whose values stand over these.
    assert not spark.keys() & defaults().keys()
    policy = next(
        one
        for one in manifests
        if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "segue-stream"
    )
    assert {port["port"] for port in policy["spec"]["ingress"][0]["ports"]} == ports


@pytest.mark.parametrize("job", ["dashboard", "catalogue"])
def test_the_settings_load(job: str, load: Load, tmp_path: Any) -> None:  # noqa: F811
    maps = ["settings.env"] if job == "catalogue" else ["settings.env", "kafka.env"]
    lines = [line for name in maps for line in (FOLDER / name).read_text().splitlines()]
    environment = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    file = tmp_path / "settings.toml"
    login = '[mongo]\nusername = "a"\npassword = "b"\n'
    file.write_text(login if job == "catalogue" else login + login.replace("mongo", "kafka"))
    settings: Settings = load({**environment, "SEGUE_CONF": str(file)})
    assert settings.mongo.username == "a"
    assert not re.search("//[^/]*@", " ".join(environment.values()), re.IGNORECASE)
    assert not [name for name in environment if "PASSWORD" in name]
