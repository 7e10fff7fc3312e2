"""The jars: complete, without those that pyspark bundles, and a clear line where they cannot be fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.errors import SegueError
from segue.local import jars


def test_spark_gets_only_the_jars_that_pyspark_lacks() -> None:
    jars.ensure_jars()
    names = {jar.name.rsplit("-", 1)[0] for jar in jars.spark_jars().glob("*.jar")}
    assert names == {
        "commons-pool2",
        "hadoop-bare-naked-local-fs",
        "kafka-clients",
        "spark-sql-kafka-0-10_2.13",
        "spark-token-provider-kafka-0-10_2.13",
    }
    assert any(jar.name.startswith("kafka_2.13") for jar in jars.kafka_jars().glob("*.jar"))


def test_a_changed_list_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jars.ensure_jars()
    assert jars.jars_ready()
    changed = tmp_path / "ivy.xml"
    changed.write_text(jars.IVY_FILE.read_text() + "\n")
    monkeypatch.setattr(jars, "IVY_FILE", changed)
    assert not jars.jars_ready()


def test_without_a_network_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy that does not answer, like the network of a machine that is offline.
    nowhere = "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1 -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=1"
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", nowhere)
    folder = tmp_path / "jars"
    with pytest.raises(SegueError, match="the jars could not be fetched from Maven Central") as caught:
        jars.ensure_jars(folder)
    assert "\n" not in str(caught.value)
    assert not folder.exists()


def test_the_fetched_jars_are_the_pinned_ones() -> None:
    jars.ensure_jars()
    jars._compare(jars.JARS)


@pytest.mark.parametrize("what", ["changed", "missing", "more"])
def test_another_jar_than_the_pinned_one_is_refused(tmp_path: Path, what: str) -> None:
    jars.ensure_jars()
    for jar in jars.JARS.glob("*/*.jar"):
        (tmp_path / jar.parent.name).mkdir(exist_ok=True)
        (tmp_path / jar.parent.name / jar.name).symlink_to(jar.resolve())
    [victim] = tmp_path.glob("spark/kafka-clients-*.jar")
    if what == "changed":
        whole = victim.read_bytes()
        victim.unlink()
        victim.write_bytes(whole[:-1])
    elif what == "missing":
        victim.unlink()
    else:
        victim = victim.with_name("more-1.0.jar")
        victim.write_bytes(b"")
    with pytest.raises(SegueError, match=rf"do not match jars\.sha256: spark/{victim.name};"):
        jars._compare(tmp_path)
