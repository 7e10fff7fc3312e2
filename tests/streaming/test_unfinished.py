"""Files that killed writers leave in a checkpoint are removed; those of live writers stay."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from segue.settings import load_settings
from segue.streaming_jobs.unfinished import ELSEWHERE, HERE, remove_unfinished

UUID = "5e4ff7c6-3d2d-4b0f-9d2a-7d1d3a1f6c11"
LEFT = [
    f"recommend/offsets/.17.{UUID}.tmp",
    f"recommend/offsets/..17.{UUID}.tmp.crc",
    f"recommend/state/0/1/.18.delta.{UUID}.TID412.tmp",
    f"recommend/state/0/1/..18.delta.{UUID}.TID412.tmp.crc",
    f"engagement/.metadata.{UUID}.tmp",
]
KEPT = [
    "recommend/offsets/17",
    "recommend/offsets/.17.crc",
    "recommend/state/0/1/18.delta",
    "recommend/metadata",
    "made_with/part-00000.txt",
    f"damaged/20260101T000000/recommend/offsets/{UUID}",
    "recommend/offsets/notes.tmp",
]


def _checkpoint(folder: Path, *, age: timedelta) -> None:
    written = time.time() - age.total_seconds()
    for name in (*LEFT, *KEPT):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        os.utime(file, (written, written))


def _there(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_left_over_files_of_killed_writers_are_removed_and_no_others(tmp_path: Path, prefix: str) -> None:
    _checkpoint(tmp_path, age=HERE + timedelta(seconds=5))
    spark = load_settings().spark.model_copy(update={"checkpoint_location": f"{prefix}{tmp_path}"})
    assert remove_unfinished(spark) == len(LEFT)
    assert _there(tmp_path) == set(KEPT)
    assert remove_unfinished(spark) == 0


def test_files_that_a_writer_may_still_own_stay(tmp_path: Path) -> None:
    spark = load_settings().spark.model_copy(update={"checkpoint_location": str(tmp_path)})
    _checkpoint(tmp_path, age=timedelta(0))
    assert remove_unfinished(spark) == 0, "a moment ago"
    _checkpoint(tmp_path, age=HERE + timedelta(seconds=5))
    with (tmp_path / LEFT[2]).open("a"):
        assert remove_unfinished(spark) == len(LEFT) - 1, "a paused writer has one open"
    assert _there(tmp_path) == {*KEPT, LEFT[2]}


def test_on_a_shared_disk_they_stay_for_a_day(tmp_path: Path) -> None:
    cluster = {"checkpoint_location": str(tmp_path), "master": "spark://master:7077"}
    spark = load_settings().spark.model_copy(update=cluster)
    _checkpoint(tmp_path, age=ELSEWHERE - timedelta(minutes=5))
    assert remove_unfinished(spark) == 0
    _checkpoint(tmp_path, age=ELSEWHERE + timedelta(minutes=5))
    assert remove_unfinished(spark) == len(LEFT)


@pytest.mark.parametrize("location", ["/there/is/none", "hdfs://name-node/checkpoints"])
def test_a_checkpoint_that_is_away_is_no_error(location: str) -> None:
    spark = load_settings().spark.model_copy(update={"checkpoint_location": location})
    assert remove_unfinished(spark) == 0
