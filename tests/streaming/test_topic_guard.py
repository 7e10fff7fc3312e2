"""The guard of running queries, with samples that a test makes up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from segue.settings import load_settings
from segue.storage.topic_sample import TopicSample, TopicSampler
from segue.streaming_jobs.checkpoint_folder import Folder
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.topic_guard import GuardedTopic, TopicGuard
from segue.streaming_jobs.topic_note import read_ends, read_note
from segue.streaming_jobs.topic_watch import ReadOffsets

READ = {"recommend": {0: 10}, "rejected plays": {0: 10}}


def sample(*, id: str = "a", end: int = 10, output: str = "r") -> dict[str, TopicSample]:
    return {
        "plays": TopicSample(name="plays", id=id, begins={0: 0}, ends={0: end}),
        "plays.rejected": TopicSample(name="plays.rejected", id=output, begins={0: 0}, ends={0: 1}),
    }


class Made:
    """A sampler with the values that a test sets."""

    def __init__(self) -> None:
        self.now: Mapping[str, TopicSample] = sample()

    def sample(self) -> Mapping[str, TopicSample]:
        return self.now


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def guard(tmp_path: Path, made: Made) -> TopicGuard:
    found = TopicGuard(
        load_settings(),
        Folder(str(tmp_path)),
        cast("TopicSampler", made),
        metrics=Metrics(),
        read=ReadOffsets(),
    )
    GuardedTopic(found, "recommend", "recommend").admit()
    GuardedTopic(found, "rejected plays", "rejected_plays", output="plays.rejected").admit()
    return found


def test_the_same_topic_is_no_suspect(guard: TopicGuard) -> None:
    for end in (10, 11, 500):
        guard.judge(sample(end=end), READ)
        assert guard.suspects() == set()


@pytest.mark.parametrize("end", [0, 10, 99])
def test_another_topic_is_a_suspect_at_once_at_any_offset(guard: TopicGuard, end: int) -> None:
    guard.judge(sample(id="b", end=end), READ)
    assert guard.suspects() == set(READ)
    assert GuardedTopic(guard, "recommend", "recommend").changed()


def test_a_smaller_end_counts_when_a_second_sample_has_it(guard: TopicGuard) -> None:
    guard.judge(sample(end=8), READ)
    assert guard.suspects() == set()
    guard.judge(sample(end=12), READ)
    guard.judge(sample(end=8), READ)
    assert guard.suspects() == set()
    guard.judge(sample(end=8), READ)
    assert guard.suspects() == set(READ)


def test_a_missing_topic_counts_when_a_second_sample_lacks_it(guard: TopicGuard) -> None:
    guard.judge({}, READ)
    assert guard.suspects() == set()
    guard.judge({}, READ)
    assert guard.suspects() == set(READ)


def test_another_topic_of_rejected_plays_concerns_their_query_only(guard: TopicGuard) -> None:
    guard.judge(sample(output="s"), READ)
    assert guard.suspects() == {"rejected plays"}


def test_a_query_that_is_admitted_again_is_no_suspect(guard: TopicGuard, made: Made, tmp_path: Path) -> None:
    made.now = sample(id="b", output="s")
    guard.judge(made.now, READ)
    guard.admit("recommend", "recommend")
    guard.admit("rejected plays", "rejected_plays", output="plays.rejected")
    guard.judge(made.now, READ)
    assert guard.suspects() == set()
    note = read_note(Folder(str(tmp_path)), "rejected_plays")
    assert (note.id, note.output_id) == ("b", "s")


def test_the_id_of_a_topic_stays_known_while_the_topic_is_missing(
    guard: TopicGuard, made: Made, tmp_path: Path
) -> None:
    made.now = {"plays": sample()["plays"]}
    guard.admit("rejected plays", "rejected_plays", output="plays.rejected")
    assert read_note(Folder(str(tmp_path)), "rejected_plays").output_id == "r"


def test_the_last_ends_are_noted_with_the_id(guard: TopicGuard, tmp_path: Path) -> None:
    guard.judge(sample(end=33), READ)
    assert read_ends(Folder(str(tmp_path))) == {"a": {0: 33}}
