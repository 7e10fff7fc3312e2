"""A checkpoint as a power cut leaves it: found, repaired, and continued with exact state."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segue.errors import SegueError
from segue.places import ROOT
from segue.settings import load_settings
from segue.streaming_jobs.checkpoint import FOLDER, contract, damaged_note, differences, write_note
from segue.streaming_jobs.checkpoint_folder import ASIDE, Folder
from segue.streaming_jobs.damage import Damage, find
from segue.streaming_jobs.hadoop_folder import HadoopFolder
from segue.streaming_jobs.repair import damages, repair, repair_command, repair_exactly

QUERY = "counting"


class Counting:
    """A stateful query that counts the rows of a growing folder."""

    def __init__(self, spark: SparkSession, rows: Path, checkpoint: Path) -> None:
        self._spark, self._rows, self._checkpoint = spark, rows, checkpoint
        self.counts: dict[int, int] = {}

    def add(self, *values: int) -> None:
        """Add a file of rows; each becomes a batch."""
        number = len(list(self._rows.glob("*.json")))
        part = self._rows / f"{number}.part"
        part.write_text("".join(json.dumps({"value": value}) + "\n" for value in values))
        part.rename(self._rows / f"{number:03}.json")

    def run(self) -> dict[int, int]:
        """All rows that are there now, a file a batch; the counts by value."""
        rows = self._spark.readStream.schema("value long").option("maxFilesPerTrigger", 1)
        counted = rows.json(f"{self._rows}/*.json").groupBy("value").agg(F.count("*").alias("n"))
        writer = counted.writeStream.outputMode("update").foreachBatch(self._keep)
        query = writer.option("checkpointLocation", str(self._checkpoint / QUERY)).start()
        try:
            query.processAllAvailable()
        finally:
            query.stop()
        return self.counts

    def _keep(self, rows: DataFrame, batch: int) -> None:
        self.counts |= {row.value: row.n for row in rows.collect()}


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows and a checkpoint of five batches, 0 to 4."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "rows").mkdir()
    counting = Counting(spark, folder / "rows", folder / "checkpoint")
    for n in range(5):
        counting.add(*range(n + 1))
    assert counting.run() == {0: 5, 1: 4, 2: 3, 3: 2, 4: 1}
    return folder


@pytest.fixture
def counting(spark: SparkSession, made: Path, tmp_path: Path) -> Counting:
    """The query with a copy of the checkpoint."""
    shutil.copytree(made / "checkpoint", tmp_path / "checkpoint")
    # The source knows its files by their paths, so that the rows stay where they are.
    return Counting(spark, made / "rows", tmp_path / "checkpoint")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: int(path.name.partition(".")[0]))


@pytest.mark.parametrize("harm", [cut, empty, zeros])
@pytest.mark.parametrize(
    ("file", "complete", "repeated"),
    [
        ("offsets/[0-9]*", 3, 1),  # its batch is committed, so that its plan has to be made again
        ("commits/[0-9]*", 3, 0),
        ("state/0/0/[0-9]*.delta", 3, 1),
        ("state/0/1/[0-9]*.delta", 3, 1),
    ],
)
def test_damage_is_found_and_the_repaired_query_counts_exactly(
    counting: Counting, tmp_path: Path, harm: Callable[[Path], None], file: str, complete: int, repeated: int
) -> None:
    checkpoint = Folder(str(tmp_path / "checkpoint"))
    harm(newest(tmp_path / "checkpoint" / QUERY, file))
    damage = find(checkpoint, QUERY)
    assert damage and (damage.complete, damage.repeated) == (complete, repeated)
    moved = repair(checkpoint, damage)
    assert set(damage.files) <= files(tmp_path / "checkpoint" / moved)
    assert find(checkpoint, QUERY) is None
    expected = {0: 5, 1: 4, 2: 3, 3: 2, 4: 1}
    assert {value: n for value, n in counting.run().items() if expected[value] != n} == {}
    assert counting.counts.keys() == expected.keys(), "the batch that ran again updates all values"


def test_the_files_of_a_remote_checkpoint_are_repaired_through_spark(
    spark: SparkSession, counting: Counting, tmp_path: Path
) -> None:
    empty(newest(tmp_path / "checkpoint" / QUERY, "offsets/[0-9]*"))
    checkpoint = HadoopFolder(spark, str(tmp_path / "checkpoint"))
    [damage] = damages(checkpoint)
    assert (damage.complete, damage.repeated) == (3, 1)
    repair(checkpoint, damage)
    assert damages(checkpoint) == []
    assert counting.run()[4] == 1


@pytest.mark.parametrize("location", ["ftp-none://host/folder", "s3a://bucket/folder"])
def test_a_file_system_that_spark_does_not_know_gives_one_line(
    monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.setenv("SEGUE_SPARK__CHECKPOINT_LOCATION", location)
    command = [sys.executable, "-m", "segue", "stream", "repair", "--yes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("segue: ")]
    assert line


@pytest.mark.parametrize("location", ["absent", "empty"])
def test_a_location_without_a_checkpoint_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], location: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SEGUE_SPARK__CHECKPOINT_LOCATION", str(tmp_path / location))
    with pytest.raises(SystemExit) as ended:
        repair_command(yes=True)
    assert ended.value.code == 1
    assert f"there is no checkpoint at {tmp_path / location}" in capsys.readouterr().err


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_plan_that_was_not_carried_out_is_made_again(counting: Counting, tmp_path: Path) -> None:
    offsets = tmp_path / "checkpoint" / QUERY / "offsets"
    (offsets / "5").write_bytes((offsets / "4").read_bytes()[:100])
    damage = find(Folder(str(tmp_path / "checkpoint")), QUERY)
    assert damage == Damage(QUERY, (f"{QUERY}/offsets/5",), (), complete=4, repeated=0)
    repair_exactly(str(tmp_path / "checkpoint"))
    assert not (offsets / "5").exists()
    assert counting.run() == {}, "everything was counted before"


@pytest.mark.parametrize(
    "source",
    ['{"plays": 5}', '{"plays": {"0": "x"}}', '{"plays": {"0": -1}}', "[" * 5000, '{"logOffset": "1"}'],
)
def test_a_plan_with_other_values_is_damaged(counting: Counting, tmp_path: Path, source: str) -> None:
    """The repair removes everything that a start refuses."""
    plan = newest(tmp_path / "checkpoint" / QUERY, "offsets/[0-9]*")
    times = plan.read_text().split("\n")[1]
    plan.with_name("5").write_text(f"v1\n{times}\n{source}")
    damage = find(Folder(str(tmp_path / "checkpoint")), QUERY)
    assert damage == Damage(QUERY, (f"{QUERY}/offsets/5",), (), complete=4, repeated=0)


@pytest.mark.parametrize(
    "content",
    [b"v1", b"v1\n5", b'v1\n{"nextBatchWatermarkMs":"x"}', b'v1\n{"nextBatchWatermarkMs":true}'],
)
def test_a_commit_with_other_values_is_damaged(counting: Counting, tmp_path: Path, content: bytes) -> None:
    newest(tmp_path / "checkpoint" / QUERY, "commits/[0-9]*").write_bytes(content)
    damage = find(Folder(str(tmp_path / "checkpoint")), QUERY)
    assert damage and (damage.files, damage.complete) == ((f"{QUERY}/commits/4",), 3)
    repair_exactly(str(tmp_path / "checkpoint"))
    assert counting.run()[4] == 1


@pytest.mark.parametrize("name", ["offsets/5", "commits", "metadata"])
def test_a_file_that_cannot_be_read_is_named_and_left_alone(
    counting: Counting, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "checkpoint" / QUERY / name
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("a file in the place of a folder")
    else:
        path.unlink(missing_ok=True)
        path.mkdir()
    with pytest.raises(SegueError, match=rf"{name} in the checkpoint cannot be read .*: check the disk"):
        repair_exactly(str(tmp_path / "checkpoint"))
    assert path.exists()


@pytest.mark.parametrize("content", [None, b"", b'{"id":"2', b"[]", b"{}", b'{"id":5}', b"[" * 5000])
def test_a_lost_id_is_written_anew(counting: Counting, tmp_path: Path, content: bytes | None) -> None:
    metadata = tmp_path / "checkpoint" / QUERY / "metadata"
    metadata.unlink()
    if content is not None:
        metadata.write_bytes(content)
    repair_exactly(str(tmp_path / "checkpoint"))
    assert json.loads(metadata.read_text())["id"]
    assert counting.run() == {}


def test_a_sound_checkpoint_is_left_alone(made: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    assert damages(Folder(str(made / "checkpoint"))) == []
    repair_exactly(str(made / "checkpoint"))
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_a_repair_that_repeats_batches_waits_for_the_operator(counting: Counting, tmp_path: Path) -> None:
    cut(newest(tmp_path / "checkpoint" / QUERY / "state/0/0", "[0-9]*.delta"))
    with pytest.raises(SegueError, match=r"damaged: counting/state/0/0/5\.delta\. Run `\./run\.sh stream"):
        repair_exactly(str(tmp_path / "checkpoint"))
    assert not (tmp_path / "checkpoint" / ASIDE).exists()


def test_a_repair_that_is_cut_off_finds_the_same_batch_again(counting: Counting, tmp_path: Path) -> None:
    cut(newest(tmp_path / "checkpoint" / QUERY / "state/0/0", "[0-9]*.delta"))
    checkpoint = Folder(str(tmp_path / "checkpoint"))
    damage = find(checkpoint, QUERY)
    assert damage
    checkpoint.move(damage.files[0], into=ASIDE)
    again = find(checkpoint, QUERY)
    assert again and again.complete == damage.complete
    repair(checkpoint, again)
    assert counting.run() == {0: 5, 1: 4, 2: 3, 3: 2, 4: 1}


def test_without_a_complete_batch_the_way_on_is_named(counting: Counting, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint" / QUERY
    for n in range(5):
        empty(folder / "commits" / str(n))
    empty(folder / "offsets" / "0")
    (folder / "offsets" / "0").unlink()
    checkpoint = Folder(str(tmp_path / "checkpoint"))
    damage = find(checkpoint, QUERY)
    assert damage and damage.complete is None
    with pytest.raises(SegueError, match="no complete batch is left"):
        repair(checkpoint, damage)


@pytest.mark.parametrize(
    "content", ['{"state format": "2", "str', "5", '["ab"]', '{"state format": 2}', "[" * 5000]
)
def test_a_damaged_note_is_found_and_written_for_the_present_settings(tmp_path: Path, content: str) -> None:
    (tmp_path / FOLDER).mkdir()
    note = tmp_path / FOLDER / "part-00000-a.txt"
    note.write_text(content)
    checkpoint, settings = Folder(str(tmp_path)), load_settings()
    with pytest.raises(SegueError, match="stream repair"):
        differences(checkpoint, settings)
    path = damaged_note(checkpoint)
    assert path == f"{FOLDER}/part-00000-a.txt"
    write_note(checkpoint, path, settings)
    assert json.loads(note.read_text()) == contract(settings)
    assert damaged_note(checkpoint) is None
    assert (tmp_path / ASIDE / FOLDER / "part-00000-a.txt").exists()
