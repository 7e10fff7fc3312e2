"""Archives of Java's classes: found by a digest of Java and jars, used by a real Java, and never needed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from segue.local import class_archive
from segue.local.class_archive import broker_archive, driver_archive, reading, writing
from segue.local.jars import ensure_jars, kafka_jars
from segue.local.java import java_home
from tests.class_archives.making import make

ArchiveFile = Callable[..., Path | None]
LOADED = "org.apache.kafka.common.Uuid"


@pytest.fixture(scope="module")
def home() -> Path:
    ensure_jars()
    home = java_home()
    if broker_archive(home) is None:
        pytest.skip("this Java cannot use archives")
    return home


def run_kafka(home: Path, options: list[str]) -> str:
    """The output of a small program of Kafka's, with the classes that it loads and their sources."""
    command = [str(home / "bin" / "java"), *options, "-Xlog:class+load", "-cp", str(kafka_jars() / "*")]
    done = subprocess.run(
        [*command, "kafka.tools.StorageTool", "random-uuid"], capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def test_java_takes_its_classes_from_the_archive(home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "with a space.jsa"
    assert f"{LOADED} source: file:" in run_kafka(home, writing(archive))
    assert f"{LOADED} source: shared objects file (top)" in run_kafka(home, reading(archive))


@pytest.mark.parametrize("contents", [b"", b"damaged" * 1000])
def test_a_damaged_archive_is_passed_over_in_silence(home: Path, tmp_path: Path, contents: bytes) -> None:
    archive = tmp_path / "damaged.jsa"
    archive.write_bytes(contents)
    lines = run_kafka(home, reading(archive)).splitlines()
    assert any(f"{LOADED} source: file:" in line for line in lines)
    assert [line for line in lines if "archive" in line.lower() and "[class,load]" not in line] == []


def test_without_an_archive_java_gets_no_options(tmp_path: Path) -> None:
    assert reading(None) == reading(tmp_path / "none.jsa") == []


@pytest.mark.parametrize("archive_file", [driver_archive, broker_archive])
def test_an_archive_is_of_one_java_and_of_these_jars(
    archive_file: ArchiveFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tmp_path / "java" / "lib" / "server"
    server.mkdir(parents=True)
    (server / "libjvm.so").touch()
    assert archive_file(tmp_path / "java", folder=tmp_path) is None, "a Java without its own archive"
    (server / "classes.jsa").touch()
    for name in ("kafka_jars", "spark_jars", "pyspark_jars"):
        monkeypatch.setattr(class_archive, name, lambda: tmp_path)
    (tmp_path / "a.jar").touch()
    names = [archive_file(tmp_path / "java", folder=tmp_path)] * 2
    for change in (
        lambda: os.utime(tmp_path / "a.jar", (1, 1)),
        (tmp_path / "b.jar").touch,
        lambda: (server / "libjvm.so").write_text("another version"),
    ):
        change()
        names.append(archive_file(tmp_path / "java", folder=tmp_path))
    assert len(set(names)) == 4
    assert archive_file(tmp_path / "java", folder=tmp_path) == names[-1]


def test_none_is_made_for_a_java_that_cannot_use_it(tmp_path: Path) -> None:
    make(tmp_path / "java", folder=tmp_path / "archives")
    assert list(tmp_path.iterdir()) == []


def test_sparks_driver_starts_with_the_archive_of_this_machine(spark: SparkSession) -> None:
    options = [f'"{option}"' for option in reading(driver_archive(Path(os.environ["JAVA_HOME"])))]
    assert spark.conf.get("spark.driver.defaultJavaOptions", "") == " ".join(options)
