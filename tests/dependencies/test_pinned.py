"""The pinned packages and jars, by requirements.txt and the jars' names."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from kafka.codec import has_gzip, has_lz4, has_snappy, has_zstd
from kafka.record.util import crc32c_c
from packaging.requirements import Requirement

from segue.dependencies.pinned import Pinned, jars, python_packages
from segue.errors import SegueError
from segue.places import ROOT

HASH = "--hash=sha256:" + 64 * "0"


@pytest.mark.parametrize(("lock", "at_least"), [("requirements.txt", 80), ("requirements-dev.txt", 100)])
def test_each_requirement_is_pinned_with_a_hash(lock: str, at_least: int) -> None:
    found = python_packages(ROOT / lock)
    assert len(found) == len(set(found)) > at_least
    assert {"pyspark", "pymongo", "kafka-python"} <= {one.name for one in found}


@pytest.mark.parametrize(
    "lock", ["requirements.txt", "requirements-embedded.txt", "requirements-training.txt"]
)
def test_each_installation_reads_every_codec_of_kafka_and_has_quick_checksums(lock: str) -> None:
    """The image and the packs are made from these files, the wheel from pyproject.toml."""
    optional = {"crc32c", "lz4", "python-snappy", "zstandard"}
    assert optional <= {one.name for one in python_packages(ROOT / lock)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [kafka] = [one for one in map(Requirement, project["dependencies"]) if one.name == "kafka-python"]
    assert kafka.extras == {"crc32c", "lz4", "snappy", "zstd"}
    assert all((has_gzip(), has_snappy(), has_lz4(), has_zstd()))
    assert crc32c_c, "checksums in Python are 2000 times slower"


def test_names_are_those_of_the_index(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(
        f"# made by hand\nPyYAML==6.0.3 \\\n    {HASH} \\\n    {HASH}\n    # via something\n"
        f"zope.interface[test]==8.0 ; sys_platform == 'linux' \\\n    {HASH}\n"
    )
    assert python_packages(file) == [
        Pinned("PyPI", "pyyaml", "6.0.3"),
        Pinned("PyPI", "zope-interface", "8.0"),
    ]


@pytest.mark.parametrize("line", [f"numpy>=2 {HASH}", "numpy==2.4.1", f"numpy {HASH}"])
def test_an_unpinned_requirement_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(f"{line}\n")
    with pytest.raises(SegueError, match="not pinned with a hash: numpy"):
        python_packages(file)


@pytest.mark.parametrize(
    ("jar", "name", "version"),
    [
        ("kafka_2.13-4.3.1.jar", "kafka_2.13", "4.3.1"),
        ("spark-sql-kafka-0-10_2.13-4.2.0.jar", "spark-sql-kafka-0-10_2.13", "4.2.0"),
        ("hive-shims-0.23-2.3.10.jar", "hive-shims-0.23", "2.3.10"),
        ("netty-tcnative-2.0.76.Final-linux-x86_64.jar", "netty-tcnative", "2.0.76.Final"),
        ("guava-33.6.0-jre.jar", "guava", "33.6.0-jre"),
        ("zstd-jni-1.5.7-7.jar", "zstd-jni", "1.5.7-7"),
        ("hive-exec-2.3.10-core.jar", "hive-exec", "2.3.10"),
        ("nameless.jar", "nameless", ""),
    ],
)
def test_a_jar_by_its_file(tmp_path: Path, jar: str, name: str, version: str) -> None:
    (tmp_path / jar).touch()
    assert jars([tmp_path, tmp_path]) == [Pinned("Maven", name, version)]
