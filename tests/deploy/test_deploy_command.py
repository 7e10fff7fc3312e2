"""`./run.sh deploy`: its calls of docker, ssh and kubectl, recorded by stand-ins."""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import re
import shlex
import shutil
import stat
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

from segue.deploy.access import job_access
from segue.places import ROOT
from tests.deploy.conftest import Machine, one_line, tree

HOSTS = "alpha  spark-master stream  # the first\n\nbeta spark-worker\ngamma spark-worker dashboard\n"


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """A list of machines with the settings beside it."""
    place = tmp_path / "hosts"
    place.mkdir()
    (place / "hosts").write_text(HOSTS)
    shutil.copy(ROOT / "deploy/hosts/example/segue.env", place)
    for job in ("stream", "dashboard"):
        (place / f"{job}.toml").write_text(f'[mongo]\nusername = "{job}"\npassword = "hush-{job}"\n')
    return place / "hosts"


COMMON = ("--dry-run", "--undeploy", "--folder", "--help")
OWN = {
    "compose": ("--music", "--domain"),
    "hosts": ("--hosts",),
    "kubernetes": ("--image", "--context"),
}


@pytest.mark.parametrize(
    ("target", "options"),
    [("", [option for own in OWN.values() for option in own]), *OWN.items()],
)
def test_help_has_its_options_and_two_examples_that_parse(
    machine: Machine, target: str, options: list[str]
) -> None:
    done = machine.run("deploy", *target.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.findall(r"^  (--[a-z-]+)", done.stdout, re.MULTILINE)
    assert sorted(shown) == sorted([*COMMON, *options])
    examples = re.findall(r"^  Example: \./run\.sh deploy (.+)$", done.stdout, re.MULTILINE)
    assert len(examples) == 2
    for example in examples:
        words = shlex.split(example)
        assert words[0] in (target or OWN)
        refused = machine.run("deploy", *words)
        assert "there is no option" not in refused.stderr
        assert "needs a value" not in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "name a target"),
        (["cloud"], "there is no target 'cloud'"),
        (["compose", "hosts"], "one target at a time"),
        (["compose", "--quickly"], "there is no option --quickly"),
        (["compose", "--music"], "--music needs a value"),
        (["compose", "--dry-run"], "add --music DIR"),
        (["compose", "--dry-run", "--music", "/nowhere"], "--music /nowhere: there is no such folder"),
        (["compose"], "docker is not installed"),
        (["hosts"], "ssh is not installed"),
        (["kubernetes"], "kubectl is not installed"),
    ],
)
def test_an_error_that_a_user_can_fix_is_one_line(
    machine: Machine, arguments: list[str], expected: str
) -> None:
    assert expected in one_line(machine.run("deploy", *arguments))


@pytest.mark.parametrize(
    ("target", "refused", "expected"),
    [
        (["compose"], "compose version", "docker has no compose plugin"),
        (["compose"], "docker info", "Docker does not answer"),
        (["compose", "--undeploy"], "", "nothing was deployed from"),
        (["hosts"], "", "add --hosts FILE"),
        (["hosts", "--hosts", "/nowhere"], "", "there is no such file"),
        (["kubernetes"], "", "add --context NAME"),
        (
            ["kubernetes", "--context", "c"],
            "kubectl --context c version",
            "the cluster does not answer for the context 'c'",
        ),
        (["kubernetes", "--context", "c"], "", "--image registry.example/segue:1"),
        (["kubernetes", "--context", "c", "--image", "r/segue:1"], "", "admin.toml is missing"),
    ],
)
def test_an_engine_that_does_not_answer_is_one_line(
    machine: Machine, target: list[str], refused: str, expected: str
) -> None:
    machine.stand_in("docker", "kubectl", "ssh", "curl")
    assert expected in one_line(machine.deploy(*target, refused=refused))


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("hosts", "", "names no machine"),
        ("hosts", "alpha\n", "alpha has no role"),
        ("hosts", "alpha streams\n", "there is no role 'streams'"),
        ("hosts", "alpha stream\nbeta stream\n", "several machines have the role stream"),
        ("segue.env", None, "segue.env is missing"),
        ("segue.env", "SEGUE_MONGO__PASSWORD=x\n", "contains a password"),
        ("segue.env", "SEGUE_MONGO__URI=mongodb://a:b@host\n", "contains a password"),
        ("segue.env", "A=1\n", "set SEGUE_SPARK__MASTER to the address of the master"),
        (
            "segue.env",
            "SEGUE_SPARK__MASTER=local[4]\n",
            "set SEGUE_SPARK__MASTER to the address of the master",
        ),
        ("dashboard.toml", None, "dashboard.toml is missing"),
    ],
)
def test_a_list_of_machines_that_cannot_be_deployed_is_one_line(
    machine: Machine, hosts: Path, name: str, change: str | None, expected: str
) -> None:
    machine.stand_in("ssh")
    if change is None:
        (hosts.parent / name).unlink()
    else:
        (hosts.parent / name).write_text(change)
    assert expected in one_line(machine.deploy("hosts", "--hosts", str(hosts)))
    assert machine.asked() == []


def test_a_machine_that_is_not_reached_ends_it_before_anything_is_done(machine: Machine, hosts: Path) -> None:
    machine.stand_in("ssh")
    said = one_line(machine.deploy("hosts", "--hosts", str(hosts), refused="beta"))
    assert "beta: cannot log in with an ssh key, or sudo asks for a password" in said
    assert all("true" in asked.arguments for asked in machine.asked())


@pytest.mark.parametrize("undeploy", [[], ["--undeploy"]])
@pytest.mark.parametrize("target", ["compose", "hosts", "kubernetes"])
def test_a_dry_run_prints_the_steps_and_does_nothing(
    machine: Machine, music: str, hosts: Path, target: str, undeploy: list[str]
) -> None:
    """Not even an engine is needed."""
    machine.stand_in("docker", "kubectl", "ssh")
    before = tree(machine.folder.parent)
    options = {
        "compose": ["--music", music, "--domain", "music.example"],
        "hosts": ["--hosts", str(hosts)],
        "kubernetes": ["--context", "c", "--image", "registry.example/segue:1"],
    }[target]
    done = machine.deploy(target, *options, *undeploy, "--dry-run")
    assert done.returncode == 0, done.stderr
    steps = [line for line in done.stdout.splitlines() if line.startswith("# ")]
    assert len(steps) >= (1 if undeploy else 10)
    assert machine.asked() == []
    assert tree(machine.folder.parent) == before
    assert done.stderr == "segue: dry run: nothing was changed\n"


def test_compose_in_its_order(machine: Machine, music: str) -> None:
    machine.stand_in("docker", "curl")
    done = machine.deploy("compose", "--music", music, "--domain", "music.example")
    assert done.returncode == 0, done.stderr
    prefix = f"docker compose --project-name segue --env-file {machine.folder}/compose.env "
    asked = machine.asked()
    assert [one.line.partition("compose.yaml ")[2] for one in asked if one.line.startswith(prefix)] == [
        "build",
        "up --detach --wait kafka-1 kafka-2 kafka-3 mongo-1 mongo-2 mongo-3",
        "run --rm access access create --initiate mongo-1:27017,mongo-2:27017,mongo-3:27017 /run/secrets",
        "run --rm catalogue library ingest /music",
        "run --rm catalogue library features",
        "run --rm catalogue embeddings train",
        "run --rm catalogue index build",
        "up --detach --wait --remove-orphans",
    ]
    assert asked[-1].line.startswith("curl ")
    assert "the dashboard: healthy" in done.stderr


def test_a_second_compose_run_keeps_passwords_and_files(machine: Machine, music: str) -> None:
    """Another start of containers with other passwords would lock everybody out."""
    machine.stand_in("docker", "curl")
    assert machine.deploy("compose", "--music", music, "--domain", "music.example").returncode == 0
    before = tree(machine.folder)
    assert machine.deploy("compose").returncode == 0
    assert tree(machine.folder) == before
    assert machine.deploy("compose", "--undeploy").returncode == 0
    assert machine.asked()[-1].line.endswith("down --remove-orphans")
    assert tree(machine.folder) == before


def digests(machine: Machine) -> dict[str, str]:
    """The digests of each secret in compose."""
    lines = (machine.folder / "compose.env").read_text().splitlines()
    return dict(line.split("=") for line in lines if line.startswith("DIGEST_"))


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("stream.toml", {"STREAM_TOML"}),
        ("oidc.toml", {"OIDC_TOML"}),
        ("app-passwords.key", {"APP_PASSWORDS_KEY"}),
        ("tls.crt", {"TLS_CRT"}),
        # The brokers' configuration has the administrator's password in it.
        ("admin.toml", {"ADMIN_TOML", *(f"KAFKA_{node}_PROPERTIES" for node in "123")}),
    ],
)
def test_a_changed_secret_reaches_the_services_that_read_it(
    machine: Machine, music: str, file: str, changed: set[str]
) -> None:
    machine.stand_in("docker", "curl")
    machine.deploy("compose", "--music", music)
    before = digests(machine)
    secret = machine.folder / "secrets" / file
    secret.write_text(re.sub("[0-9a-f]{48}", "a-password-of-my-own", secret.read_text()) + "\n")
    assert machine.deploy("compose").returncode == 0
    after = digests(machine)
    assert {name for name in after if after[name] != before[name]} == {f"DIGEST_{one}" for one in changed}


def test_a_digest_does_not_let_a_password_be_guessed(machine: Machine, music: str, tmp_path: Path) -> None:
    """A reader of the label who knows all of a file but the password cannot try passwords."""
    machine.stand_in("docker", "curl")
    (tmp_path / "other").mkdir()
    other = Machine(tmp_path / "other")
    other.stand_in("docker", "curl")
    content = '[mongo]\nusername = "segue-stream"\npassword = "1234"\n'
    for one in (machine, other):
        (one.folder / "secrets").mkdir(parents=True)
        (one.folder / "secrets/stream.toml").write_text(content)
        assert one.deploy("compose", "--music", music).returncode == 0
    told = digests(machine)["DIGEST_STREAM_TOML"]
    assert re.fullmatch("[0-9a-f]{12}", told)
    assert told != hashlib.sha256(content.encode()).hexdigest()[:12]
    assert told != digests(other)["DIGEST_STREAM_TOML"]


def test_passwords_are_in_files_of_this_user_alone(machine: Machine, music: str) -> None:
    machine.stand_in("docker", "curl")
    done = machine.deploy("compose", "--music", music)
    secrets = machine.secrets()
    # Two each for four jobs and one for the catalogue; brokers, Spark, Grafana, MongoDB's key, the digests'.
    assert len(secrets) == 9 + 5
    for file in (machine.folder / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    told = done.stdout + done.stderr + "".join(one.line + one.stdin for one in machine.asked())
    told += (machine.folder / "compose.env").read_text()
    assert [secret for secret in secrets if secret in told] == []


def test_every_job_gets_a_login_for_the_servers_it_uses(machine: Machine, music: str) -> None:
    machine.stand_in("docker", "curl")
    machine.deploy("compose", "--music", music)
    for job, access in job_access().items():
        login = tomllib.loads((machine.folder / "secrets" / f"{job}.toml").read_text())
        assert set(login) == ({"mongo", "kafka"} if access.kafka else {"mongo"})
        assert {one["username"] for one in login.values()} == {f"segue-{job}"}


def test_a_step_that_fails_ends_the_deployment(machine: Machine, music: str) -> None:
    machine.stand_in("docker", "curl")
    done = machine.deploy("compose", "--music", music, refused="catalogue library features")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "segue: could not compute the audio features of new tracks"
    )
    assert machine.asked()[-1].line.endswith("run --rm catalogue library features")


def test_hosts_in_their_order(machine: Machine, hosts: Path) -> None:
    machine.stand_in("ssh")
    done = machine.deploy("hosts", "--hosts", str(hosts))
    assert done.returncode == 0, done.stderr
    asked = [one for one in machine.asked() if "true" not in one.arguments]
    words = [one.arguments[4:] for one in asked]
    assert all(one.arguments[:4] == ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"] for one in asked)
    told = [" ".join(one).replace("sudo -n ", "") for one in words]
    version = told[0].rpartition(" ")[2]
    units = [line for line in told if " activate " in line or "healthy" in line or "is-active" in line]
    for host, files in {
        "alpha": ["segue.env", "spark-defaults.conf", "stream.toml"],
        "beta": ["segue.env", "spark-defaults.conf"],
        "gamma": ["segue.env", "spark-defaults.conf", "oidc.toml", "dashboard.toml"],
    }.items():
        mine = [line.replace("-n ", "") for line in told if host in line and line not in units]
        assert mine[:3] == [
            f"{host} bash -s -- prepare {version}",
            f"{host} tar -xz -C /opt/segue/releases/{version}",
            f"{host} bash -s -- set-up {version}",
        ]
        assert [line.rpartition("/")[2] for line in mine[3:]] == files
    # Every machine has all it needs before the first unit is touched; then one after the other.
    assert told[-len(units) :] == units
    assert [line for line in units if " activate " in line] == [
        f"alpha bash -s -- activate {version} spark-master",
        f"beta bash -s -- activate {version} spark-worker",
        f"gamma bash -s -- activate {version} spark-worker",
        f"alpha bash -s -- activate {version} stream",
        f"gamma bash -s -- activate {version} dashboard",
    ]


def test_a_worker_is_healthy_when_its_master_answers_there(machine: Machine, hosts: Path) -> None:
    """Asked on the master's own machine, one that listens on the loopback address alone would do."""
    machine.stand_in("ssh")
    assert machine.deploy("hosts", "--hosts", str(hosts)).returncode == 0
    asked = [one.arguments[5:] for one in machine.asked() if one.arguments[-2:-1] == ["healthy"]]
    assert [host for host, *_, at in asked if at == "spark://10.0.0.1:7077"] == ["alpha", "beta", "gamma"]


def test_passwords_go_to_hosts_by_standard_input(machine: Machine, hosts: Path) -> None:
    machine.stand_in("ssh")
    done = machine.deploy("hosts", "--hosts", str(hosts))
    asked = machine.asked()
    sent = [one for one in asked if "hush-" in one.stdin]
    assert {one.arguments[-1] for one in sent} == {"/etc/segue/stream.toml", "/etc/segue/dashboard.toml"}
    assert all("0600" in one.arguments for one in sent)
    assert not any("hush-" in one.line for one in asked)
    assert "hush-" not in done.stdout + done.stderr


def test_the_file_of_the_log_in_provider_goes_to_the_dashboards_alone(machine: Machine, hosts: Path) -> None:
    machine.stand_in("ssh")
    (hosts.parent / "oidc.toml").write_text("[auth]\nclient_secret = 'hush'\n")
    assert machine.deploy("hosts", "--hosts", str(hosts)).returncode == 0
    sent = [one for one in machine.asked() if "client_secret" in one.stdin and "tar" not in one.arguments]
    assert [(one.arguments[4], one.arguments[-1]) for one in sent] == [("gamma", "/etc/segue/oidc.toml")]
    assert "0600" in sent[0].arguments


def test_hosts_get_the_code_and_nothing_private(machine: Machine, hosts: Path) -> None:
    machine.stand_in("ssh")
    machine.deploy("hosts", "--hosts", str(hosts))
    packed = next(one.stdin for one in machine.asked() if "tar" in one.arguments)
    with tarfile.open(fileobj=io.BytesIO(packed.encode("latin-1"))) as archive:
        members = archive.getmembers()
    names = {member.name for member in members}
    assert {"run.sh", "segue/settings/loading.py", "deploy/image/entrypoint.sh", "dashboard/app.py"} <= names
    assert not [name for name in names if ".local" in name or name.endswith((".pyc", "secrets.toml"))]
    # Packages below segue are links to folders beside it.
    links = {
        member.name: posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname))
        for member in members
        if member.issym()
    }
    assert {"segue/udfs", "segue/batch_jobs"} <= links.keys()
    assert {link for link, to in links.items() if to not in names} == {"segue/benchmarks"}
    assert all(member.uid == 0 and not member.mode & 0o022 for member in members)
    assert all(member.mode & 0o111 for member in members if member.name.endswith(("run.sh", "entrypoint.sh")))


def test_hosts_are_left_in_the_other_order(machine: Machine, hosts: Path) -> None:
    machine.stand_in("ssh")
    assert machine.deploy("hosts", "--hosts", str(hosts), "--undeploy").returncode == 0
    asked = [one.line for one in machine.asked() if "remove" in one.arguments]
    assert [line.rpartition(" ")[2] for line in asked] == [
        "dashboard",
        "stream",
        "spark-worker",
        "spark-worker",
        "spark-master",
    ]


@pytest.fixture
def admin(machine: Machine) -> None:
    secrets = machine.folder / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "admin.toml").write_text(f'[mongo]\nusername = "root"\npassword = "{os.urandom(24).hex()}"\n')


@pytest.mark.usefixtures("admin")
def test_kubernetes_in_its_order_and_on_the_named_cluster_only(machine: Machine) -> None:
    machine.stand_in("kubectl", "docker")
    done = machine.deploy("kubernetes", "--context", "here", "--image", "registry.example/segue:1")
    assert done.returncode == 0, done.stderr
    asked = machine.asked()
    kube = [one for one in asked if one.name == "kubectl" and "kustomize" not in one.arguments]
    assert all(one.arguments[:2] == ["--context", "here"] for one in kube)
    told = [one.line.removeprefix("kubectl --context here --namespace segue ") for one in asked]
    order = [
        "docker push registry.example/segue:1-",
        "create secret generic segue-logins",
        "delete job segue-users",
        "apply --filename",
        "wait --for=condition=complete",
        "rollout status deployment/segue-dashboard",
        "rollout status statefulset/segue-stream",
    ]
    places = [max(n for n, line in enumerate(told) if line.startswith(start)) for start in order]
    assert places == sorted(places)
    secrets = machine.secrets()
    # With the administrator's, of whom there is one section here, and the key of the digests.
    assert len(secrets) == 9
    told_all = done.stdout + done.stderr + "".join(told)
    assert [secret for secret in secrets if secret in told_all] == []


@pytest.mark.usefixtures("admin")
def test_other_code_is_another_image_on_kubernetes(machine: Machine, music: str) -> None:
    """Under the same name nothing would be replaced, and the old pods would be found healthy."""
    machine.stand_in("kubectl", "docker", "curl")
    machine.deploy("compose", "--music", music)
    version = re.search(r"^VERSION=(\w+)$", (machine.folder / "compose.env").read_text(), re.MULTILINE)
    assert version
    machine.deploy("kubernetes", "--context", "here", "--image", "registry.example/segue:1")
    overlay = (machine.folder / "kubernetes" / "kustomization.yaml").read_text()
    tag = f"1-{version[1]}"
    assert f'newName: registry.example/segue, newTag: "{tag}"' in overlay
    assert f"name=registry.example/segue:{tag}" in overlay
    docker = [
        one.arguments for one in machine.asked() if one.name == "docker" and one.arguments[0] != "compose"
    ]
    assert [arguments[0] for arguments in docker if f"registry.example/segue:{tag}" in arguments] == [
        "build",
        "push",
    ]


def annotated(machine: Machine) -> dict[str, str]:
    """The digests of secrets in the pod templates of Kubernetes, as kustomize renders them."""
    done = subprocess.run(
        [
            "kubectl",
            "kustomize",
            "--load-restrictor",
            "LoadRestrictionsNone",
            str(machine.folder / "kubernetes"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "KUBECONFIG": "/dev/null"},
    )
    return {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["annotations"]["segue.secrets"]
        for one in yaml.safe_load_all(done.stdout)
        if one["kind"] in ("StatefulSet", "Deployment")
    }


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders the manifests")
@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("stream.toml", {"segue-stream"}),
        ("dashboard.toml", {"segue-dashboard"}),
        ("oidc.toml", {"segue-dashboard"}),
        ("app-passwords.key", {"segue-dashboard", "segue-library"}),
        ("tls.crt", {"segue-dashboard"}),
        ("catalogue.toml", {"segue-library"}),
        ("operator.toml", set()),
    ],
)
@pytest.mark.usefixtures("admin")
def test_a_changed_secret_reaches_the_pods_that_read_it(
    machine: Machine, file: str, changed: set[str]
) -> None:
    machine.stand_in("kubectl", "docker")
    target = ("kubernetes", "--context", "here", "--image", "registry.example/segue:1")
    assert machine.deploy(*target).returncode == 0
    before = annotated(machine)
    assert machine.deploy(*target).returncode == 0
    assert annotated(machine) == before
    with (machine.folder / "secrets" / file).open("a") as secret:
        secret.write("\n")
    assert machine.deploy(*target).returncode == 0
    after = annotated(machine)
    assert after.keys() == {"segue-stream", "segue-dashboard", "segue-library"}
    assert {name for name in after if after[name] != before[name]} == changed


@pytest.mark.usefixtures("admin")
def test_kubernetes_is_left_with_its_volumes_and_secrets(machine: Machine) -> None:
    machine.stand_in("kubectl")
    assert machine.deploy("kubernetes", "--context", "here", "--undeploy").returncode == 0
    deleted = [one.line for one in machine.asked() if "delete" in one.arguments]
    assert deleted
    assert not [line for line in deleted if "namespace/" in line or "pvc" in line or "secret" in line]
