"""Which values a Spark session gets, however it is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pyspark
import pytest

import segue
from segue.errors import SegueError
from segue.local.jars import ensure_jars, spark_jars
from segue.places import CONF, LOCAL, ROOT
from segue.settings import load_settings
from segue.settings.checkpoint_location import MANAGER
from segue.spark.checkpoint_files import (
    BARE_FILE_SYSTEM,
    LOW_LATENCY,
    checkpoint_defaults,
    refuse_unsafe,
)
from segue.spark.configuration import configuration
from segue.spark.defaults import cluster_defaults, defaults, values_of
from segue.spark.pack import _code, properties, submit_line

SUBMIT = Path(pyspark.__file__).parent / "bin" / "spark-submit"
OTHER = {
    "spark.sql.shuffle.partitions": "7",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.streaming.checkpoint.fileChecksum.enabled": "true",
    "spark.python.worker.reuse": "false",
    "spark.executor.memory": "700m",
}
"""Values that are not Segue's defaults."""
KEYS = ("spark.master", "spark.sql.session.timeZone", MANAGER, *OTHER)
EFFECTIVE = f"""
import json, logging
logging.basicConfig(level=logging.WARNING)
from segue.settings import load_settings
from segue.spark.session import session
spark = session(load_settings(), app="effective")
print("EFFECTIVE " + json.dumps({{key: spark.conf.get(key, None) for key in {KEYS!r}}}))
spark.stop()
"""


def effective(command: list[str], *, folder: Path, **environment: str) -> tuple[dict[str, str], str]:
    """The values of the session that a process makes, and its log."""
    ensure_jars()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=kept | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("EFFECTIVE ")]
    assert len(lines) == 1, done.stderr
    # spark-submit prints Python's log lines among the output.
    return json.loads(lines[0].removeprefix("EFFECTIVE ")), done.stdout


def arguments(conf: Mapping[str, str]) -> list[str]:
    return [part for key, value in conf.items() for part in ("--conf", f"{key}={value}")]


def test_submitted_values_replace_the_defaults_and_required_ones_say_why(tmp_path: Path) -> None:
    script = tmp_path / "effective.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{EFFECTIVE}")
    command = [str(SUBMIT), "--master", "local[3]", "--properties-file", str(CONF / "spark-defaults.conf")]
    command += ["--conf", f"spark.driver.extraClassPath={spark_jars()}/*", "--conf", "spark.ui.enabled=false"]
    command += arguments(OTHER | {"spark.sql.session.timeZone": "Europe/Berlin"})
    values, log = effective([*command, str(script)], folder=tmp_path)
    assert values == OTHER | {
        "spark.master": "local[3]",
        "spark.sql.session.timeZone": "UTC",
        MANAGER: LOW_LATENCY[MANAGER],
    }
    assert "spark.sql.session.timeZone is UTC, not Europe/Berlin: windows and days are counted in UTC" in log


def test_a_wheel_by_py_files_needs_no_python_path_and_partitions_follow_from_cores(tmp_path: Path) -> None:
    wheel = tmp_path / f"segue-{segue.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, file in _code().items():
            archive.write(file, name)
        for file in CONF.iterdir():
            archive.write(file, f"segue/conf/{file.name}")
    script = tmp_path / "effective.py"
    script.write_text(EFFECTIVE)
    jars = ",".join(str(jar) for jar in sorted(spark_jars().glob("*.jar")))
    command = [str(SUBMIT), "--master", "local[3]", "--py-files", str(wheel), "--jars", jars]
    command += ["--conf", "spark.ui.enabled=false", str(script)]
    values, _ = effective(command, folder=tmp_path, SEGUE_HOME=str(tmp_path / "home"))
    assert values["spark.sql.shuffle.partitions"] == "3"
    assert values[MANAGER] == LOW_LATENCY[MANAGER]
    assert values["spark.sql.codegen.wholeStage"] == "false", (
        "as conf/spark-defaults.conf in the wheel has it"
    )


def test_the_users_values_come_first_and_the_required_ones_hold(caplog: pytest.LogCaptureFixture) -> None:
    given = {"spark.sql.session.timeZone": "utc", "spark.sql.adaptive.enabled": "true", "a": "given"}
    values = configuration(given=given, defaults={"a": "default", "b": "default"})
    assert values["a"] == "given" and values["b"] == "default"
    assert values["spark.sql.session.timeZone"] == "UTC" and values["spark.sql.adaptive.enabled"] == "false"
    assert [record.message for record in caplog.records] == [
        "spark.sql.adaptive.enabled is false, not true: "
        "the partitions of a stateful query must not be merged while it runs"
    ]


@pytest.mark.parametrize(
    ("location", "local", "expected"),
    [
        ("/data/checkpoints", True, LOW_LATENCY),
        ("file:///data/checkpoints", True, LOW_LATENCY),
        ("file:///shared/checkpoints", False, {}),
        ("hdfs://name-node/checkpoints", True, {}),
        ("s3a://bucket/checkpoints", True, {}),
    ],
)
def test_the_file_manager_follows_from_the_checkpoints_file_system(
    location: str, local: bool, expected: dict[str, str]
) -> None:
    assert checkpoint_defaults(location, local=local) == expected


def test_without_its_class_the_bare_file_system_is_left_out() -> None:
    values = checkpoint_defaults("/data", local=True, bare=False)
    assert MANAGER in values and BARE_FILE_SYSTEM not in values.values()


@pytest.mark.parametrize(
    "location", ["s3a://bucket/checkpoints", "S3://bucket/a", "gs://bucket/a", "wasbs://c@a/b"]
)
@pytest.mark.parametrize("manager", [None, "FileContextBasedCheckpointFileManager", LOW_LATENCY[MANAGER]])
def test_renaming_in_an_object_store_is_refused(location: str, manager: str | None) -> None:
    with pytest.raises(SegueError, match=f"set {MANAGER} to .*Abortable.* or spark.checkpoint_location"):
        refuse_unsafe(location, {MANAGER: manager} if manager else {})


@pytest.mark.parametrize("location", ["ftp://host/a", "SFTP://host/a", "https://host/a"])
@pytest.mark.parametrize("manager", [None, "org.x.AbortableStreamBasedCheckpointFileManager"])
def test_servers_for_files_are_refused(location: str, manager: str | None) -> None:
    with pytest.raises(SegueError, match=r"half written: set spark\.checkpoint_location to"):
        refuse_unsafe(location, {MANAGER: manager} if manager else {})


@pytest.mark.parametrize(
    ("location", "values"),
    [
        ("s3a://bucket/a", {MANAGER: "org.x.AbortableStreamBasedCheckpointFileManager"}),
        ("hdfs://name-node/a", {}),
        ("hdfs://name-node/a", LOW_LATENCY),
        ("/data", LOW_LATENCY),
        ("abfss://c@account/a", {}),
    ],
)
def test_safe_pairs_are_accepted(location: str, values: dict[str, str]) -> None:
    refuse_unsafe(location, values)


def test_a_pack_says_nothing_about_the_checkpoint_or_the_number_of_partitions(tmp_path: Path) -> None:
    values = properties(tmp_path, jars=[])
    assert not set(values) & {*LOW_LATENCY, "spark.sql.shuffle.partitions", "spark.sql.codegen.wholeStage"}
    assert values.items() >= cluster_defaults().items() - {
        ("spark.driver.extraJavaOptions", cluster_defaults()["spark.driver.extraJavaOptions"]),
        ("spark.driver.extraClassPath", cluster_defaults()["spark.driver.extraClassPath"]),
    }


@pytest.mark.parametrize("values", [defaults(), defaults(tuned=False), cluster_defaults()])
def test_no_web_page_ends_a_job_by_a_link(values: dict[str, str]) -> None:
    assert values["spark.ui.killEnabled"] == "false"


def test_the_defaults_leave_the_checkpoint_to_its_file_system() -> None:
    assert not set(defaults()) & set(LOW_LATENCY)
    assert values_of(CONF / "spark-defaults.conf").items() >= LOW_LATENCY.items(), (
        "for spark-submit, as it is"
    )


def test_the_submit_line_has_the_variables_that_a_packed_job_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SEGUE_CONF", raising=False)
    settings = load_settings()
    made = tmp_path / "a pack"
    submit = (
        f"spark-submit --master spark://HOST:7077 --deploy-mode client --properties-file '{made}/spark.conf'"
    )
    assert submit_line(made, settings) == f"SEGUE_HOME={LOCAL} {submit} '{made}/stream.py'"
    own = settings.model_copy(
        update={
            "kafka": settings.kafka.model_copy(update={"bootstrap_servers": "host:9092"}),
            "mongo": settings.mongo.model_copy(update={"uri": "mongodb://host"}),
            "spark": settings.spark.model_copy(update={"master": "spark://a:7077"}),
        }
    )
    monkeypatch.setenv("SEGUE_CONF", "/etc/segue.toml")
    assert submit_line(made, own).startswith(
        "SEGUE_CONF=/etc/segue.toml spark-submit --master spark://a:7077 "
    )
