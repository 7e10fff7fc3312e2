"""The files of a checkpoint by pyarrow and by Hadoop: each reads the files that the other has written."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from segue.streaming_jobs.checkpoint_folder import Files, Folder
from segue.streaming_jobs.hadoop_folder import HadoopFolder, checkpoint_folder


@pytest.fixture(params=["pyarrow", "hadoop"])
def files(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Files:
    if request.param == "pyarrow":
        return Folder(str(tmp_path))
    return HadoopFolder(spark, str(tmp_path))


def test_files_are_written_replaced_and_moved(files: Files, tmp_path: Path) -> None:
    assert files.names("query") == [] and files.read("query/offsets/1") == b"" and not files.has("query")
    files.write("query/offsets/1", b"first\0")
    files.write("query/offsets/2", b"other")
    files.replace("query/offsets/1", b"second")
    assert files.read("query/offsets/1") == b"second"
    assert [name for name in files.names("query/offsets") if not name.startswith(".")] == ["1", "2"]
    assert files.folders("query") == ["query", "query/offsets"]
    files.move("query/offsets/1", into="aside/now")
    files.move("query/offsets/9", into="aside/now")
    assert not files.has("query/offsets/1")
    assert files.read("aside/now/query/offsets/1") == b"second"
    assert not list((tmp_path / "query" / "offsets").glob(".1*"))


def test_each_reads_files_that_the_other_has_replaced(spark: SparkSession, tmp_path: Path) -> None:
    arrow, hadoop = Folder(str(tmp_path)), HadoopFolder(spark, str(tmp_path))
    hadoop.write("query/1", b"with checksums")
    arrow.replace("query/1", b"without checksums")
    assert hadoop.read("query/1") == b"without checksums"
    hadoop.replace("query/1", b"with them again")
    assert arrow.read("query/1") == b"with them again"


def test_the_place_decides(spark: SparkSession, tmp_path: Path) -> None:
    assert isinstance(checkpoint_folder(spark, str(tmp_path)), Folder)
    assert isinstance(checkpoint_folder(spark, "hdfs://127.0.0.1:1/checkpoint"), HadoopFolder)
