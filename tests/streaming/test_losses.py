"""Which records a query has lost, from samples and positions without a broker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from segue.errors import SegueError
from segue.storage.topic_sample import TopicSample
from segue.streaming_jobs.checkpoint_folder import ASIDE, Folder
from segue.streaming_jobs.losses import Cause, Loss, find_loss
from segue.streaming_jobs.positions import Position, move, position
from segue.streaming_jobs.topic_note import TopicNote, read_ends, read_note, write_ends, write_topic_note

NOTE = TopicNote(id="first")
PLACE = Position("recommend", batch=7, at=1_000_000, offsets={0: 100, 1: 50})


def topic(*, id: str | None = "first", begins: Mapping[int, int], ends: Mapping[int, int]) -> TopicSample:
    return TopicSample(name="plays", id=id, begins=begins, ends=ends)


def loss(found: TopicSample | None, *, place: Position = PLACE, note: TopicNote = NOTE) -> Loss | None:
    return find_loss(
        place,
        found,
        note,
        name="plays",
        known_ends={"first": {0: 110, 1: 57}},
        offsets_at=lambda at: {0: 20 + at // 1_000_000, 1: 30},
    )


@pytest.mark.parametrize(
    "fine",
    [
        topic(begins={0: 0, 1: 0}, ends={0: 100, 1: 50}),
        topic(begins={0: 100, 1: 50}, ends={0: 500, 1: 50}),
        topic(begins={0: 3, 1: 0, 2: 0}, ends={0: 100, 1: 51, 2: 9}),  # another partition was added
        topic(id=None, begins={0: 0, 1: 0}, ends={0: 100, 1: 50}),
    ],
)
def test_a_topic_that_has_all_that_follows_has_lost_nothing(fine: TopicSample) -> None:
    assert loss(fine) is None
    assert loss(fine, note=TopicNote()) is None


@pytest.mark.parametrize("reached", [0, 100, 100_000])
def test_another_topic_of_the_same_name_is_read_from_its_beginning(reached: int) -> None:
    found = loss(topic(id="second", begins={0: 2, 1: 0}, ends={0: reached, 1: reached}))
    assert found is not None
    assert (found.cause, found.records, found.exact) == (Cause.RECREATED, 10 + 7, False)
    assert found.restart == {0: 2, 1: 0}
    assert "at least 17 records lost for recommend" in found.line


@pytest.mark.parametrize("unread", [0, 7])
@pytest.mark.parametrize("note", [NOTE, TopicNote()])
def test_a_topic_with_fewer_partitions_is_another_one_whatever_its_id(note: TopicNote, unread: int) -> None:
    """Spark would refuse to start: a partition of the checkpoint is gone."""
    place = Position("recommend", batch=7, at=1_000_000, offsets={0: 100, 1: unread})
    found = loss(topic(id=note.id, begins={0: 3}, ends={0: 500}), place=place, note=note)
    assert found is not None
    assert (found.cause, found.restart) == (Cause.RECREATED, {0: 3})


def test_a_missing_topic_is_a_loss_of_its_records() -> None:
    found = loss(None)
    assert found is not None
    assert (found.cause, found.records, dict(found.restart)) == (Cause.DELETED, 17, {})


def test_expired_records_are_counted_exactly() -> None:
    found = loss(topic(begins={0: 130, 1: 50, 2: 4}, ends={0: 200, 1: 50, 2: 8}))
    assert found is not None
    assert (found.cause, found.records, found.exact) == (Cause.EXPIRED, 30, True)
    assert found.restart == {0: 130, 1: 50, 2: 4}
    assert "30 records lost" in found.line


def test_a_truncated_partition_is_read_again_from_shortly_before_the_last_batch() -> None:
    found = loss(topic(begins={0: 0, 1: 0}, ends={0: 60, 1: 55}))
    assert found is not None
    assert (found.cause, found.records) == (Cause.TRUNCATED, 40)
    assert found.restart == {0: 20, 1: 50}


def test_a_planned_batch_beyond_the_end_is_a_loss() -> None:
    place = Position("recommend", batch=7, at=0, offsets={0: 100, 1: 50}, planned={0: 160, 1: 50})
    found = loss(topic(begins={0: 0, 1: 0}, ends={0: 120, 1: 50}), place=place)
    assert found is not None
    assert (found.cause, found.records) == (Cause.TRUNCATED, 40)


def test_a_position_moves_and_the_state_stays(tmp_path: Path) -> None:
    plan = '{"batchWatermarkMs":5,"batchTimestampMs":777,"conf":{}}'
    write(tmp_path, "offsets/3", f'v1\n{plan}\n{{"plays":{{"0":10,"1":20}}}}')
    write(tmp_path, "offsets/.3.crc", "sums")
    write(tmp_path, "offsets/4", f'v1\n{plan}\n{{"plays":{{"0":15,"1":20}}}}')
    write(tmp_path, "commits/3", 'v1\n{"nextBatchWatermarkMs":5}')
    write(tmp_path, "state/0/0/4.delta", "state after batch 3")
    write(tmp_path, "state/0/0/5.delta", "written by batch 4")
    folder = Folder(str(tmp_path))
    place = position(folder, "recommend", topic="plays")
    assert place == Position("recommend", batch=3, at=777, offsets={0: 10, 1: 20}, planned={0: 15, 1: 20})
    move(folder, place, {0: 0, 1: 0, 2: 0}, topic="plays")
    assert position(folder, "recommend", topic="plays") == Position(
        "recommend", batch=3, at=777, offsets={0: 0, 1: 0, 2: 0}
    )
    assert folder.read("recommend/offsets/3").decode().split("\n")[1] == plan
    left = {path.name for path in tmp_path.rglob("*") if path.is_file() and ASIDE not in path.parts}
    assert left == {"3", "4.delta"}
    aside = {path.name for path in (tmp_path / ASIDE).rglob("*") if path.is_file()}
    assert aside == {"3", "4", "5.delta"}


def test_a_query_without_a_committed_batch_starts_from_the_beginning_again(tmp_path: Path) -> None:
    write(tmp_path, "offsets/0", 'v1\n{}\n{"plays":{"0":9}}')
    write(tmp_path, "sources/0/0", '\0v1\n{"plays":{"0":4}}')
    folder = Folder(str(tmp_path))
    place = position(folder, "recommend", topic="plays")
    assert place == Position("recommend", offsets={0: 4}, planned={0: 9})
    found = loss(topic(begins={0: 6}, ends={0: 20}), place=place)
    assert found is not None
    assert (found.cause, found.records) == (Cause.EXPIRED, 2)
    move(folder, place, found.restart, topic="plays")
    assert position(folder, "recommend", topic="plays") is None
    assert not folder.has("recommend/sources/0/0")


def test_a_plan_that_cannot_be_read_names_the_repair(tmp_path: Path) -> None:
    write(tmp_path, "offsets/0", "v1\n")
    with pytest.raises(SegueError, match="stream repair"):
        position(Folder(str(tmp_path)), "recommend", topic="plays")


@pytest.mark.parametrize(
    ("times", "source"),
    [
        ("{}", '{"plays": 5}'),
        ("{}", '{"plays": {"0": "x"}}'),
        ("{}", '{"plays": {"zero": 1}}'),
        ("{}", '{"plays": {"0": null}}'),
        ("{}", "[" * 5000),
        ("{", '{"plays": {"0": 1}}'),
        ("[]", '{"plays": {"0": 1}}'),
        ('{"batchTimestampMs": "soon"}', '{"plays": {"0": 1}}'),
    ],
)
def test_a_plan_with_other_values_names_the_repair(tmp_path: Path, times: str, source: str) -> None:
    write(tmp_path, "offsets/0", f"v1\n{times}\n{source}")
    write(tmp_path, "commits/0", "v1\n{}")
    with pytest.raises(SegueError, match="stream repair"):
        position(Folder(str(tmp_path)), "recommend", topic="plays")


WRONG_NOTES = (
    '{"id": 5}',
    '{"output_id": ["r"]}',
    '{"lost": 5}',
    '{"lost": "abc"}',
    '{"lost": {"cause": "expired"}}',
    '{"lost": [5]}',
    '{"lost": [{"cause": "expired", "records": "many", "at": 5.0}]}',
    '{"lost": [{"cause": "expired", "records": -1, "at": 5.0}]}',
    '{"lost": [{"cause": ["expired"], "records": 1, "at": 5.0}]}',
    '{"lost": [{"cause": "expired", "records": 1, "at": NaN}]}',
    "[" * 5000,
)


def test_a_note_keeps_the_losses_and_a_damaged_one_is_empty(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    assert read_note(folder, "recommend") == TopicNote()
    note = TopicNote(id="first", output_id="other").losing("expired", 4).losing("recreated", 5)
    write_topic_note(folder, "recommend", note)
    assert read_note(folder, "recommend") == note
    for content in ("", "{", "[]", json.dumps({"id": "first", "more": 1}), *WRONG_NOTES):
        write(tmp_path, "topic.json", content)
        assert read_note(folder, "recommend") == TopicNote()


@pytest.mark.parametrize(
    "content",
    ['{"a": 5}', '{"a": {"x": 1}}', '{"a": {"0": "1"}}', '{"a": {"0": null}}', "[" * 5000, "\x00", "7"],
)
def test_ends_that_cannot_be_read_are_not_known(tmp_path: Path, content: str) -> None:
    folder = Folder(str(tmp_path))
    (tmp_path / "topic_ends.json").write_text(content)
    assert read_ends(folder) == {}
    write_ends(folder, {"a": {0: 5, 1: 7}})
    assert read_ends(folder) == {"a": {0: 5, 1: 7}}


def write(checkpoint: Path, name: str, content: str) -> None:
    path = checkpoint / "recommend" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
