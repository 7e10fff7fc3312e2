"""An upgrade: data of an earlier version are read, nothing is computed again, and no play is lost.

The earlier version's files are in data/. It was stopped in the middle of a window. The oracle is
its own result for the later plays, computed in a copy from there on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from segue.batch_jobs import build_index, extract_features, train_embeddings, train_models
from segue.batch_jobs.recount_engagement import run as recount
from segue.embeddings.registry import load_space
from segue.engagement.counted_windows import CountedWindows, day_of
from segue.engagement.daily import DailyRollUp
from segue.engagement.definitions import fingerprint
from segue.index.active import ActiveBundle
from segue.index.bundle import load_bundle
from segue.spark.training import Trained
from segue.storage.kafka import read_rejected
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import checkpoint, engagement, recommend, rejected_plays
from tests.streaming.conftest import run_until_all_is_taken
from tests.upgrade.conftest import Earlier

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("Spark")]


def test_the_settings_file_is_read(earlier: Earlier) -> None:
    settings = earlier.settings
    assert settings.kafka.plays_topic == "plays-upgrade"
    assert settings.stream.allowed_lateness.days == 20_000
    assert settings.ranking.feedback_min_plays == 3


def test_the_bundle_in_use_is_loaded_as_it_is(earlier: Earlier) -> None:
    version = earlier.active("index")
    in_folder = load_bundle(Path(earlier.settings.index.folder) / version)
    in_use = ActiveBundle(Store(earlier.database), folder=earlier.settings.index.folder).current()
    assert (in_folder.version, in_use.version) == (version, version)
    assert len(in_use.vectors) == earlier.database.tracks.count_documents({"state": "present"})
    assert in_use.transition_rules is not None


def test_the_bundle_is_fetched_where_its_folder_is_missing(earlier: Earlier, tmp_path: Path) -> None:
    in_use = ActiveBundle(Store(earlier.database), folder=str(tmp_path)).current()
    assert in_use.version == earlier.active("index")


def test_every_space_is_loaded(earlier: Earlier) -> None:
    for version in earlier.facts["spaces"]:
        space = load_space(Store(earlier.database), version)
        assert space.version == version
        stored = earlier.database.embeddings.find_one({"space": version}) or {}
        described = earlier.database.features.find_one({"_id": stored["track_id"]}) or {}
        descriptors = np.frombuffer(described["vector"], dtype="<f4").reshape(1, -1)
        place = space.place([stored["track_id"]], descriptors)[0]
        np.testing.assert_allclose(place, np.frombuffer(stored["vector"], dtype="<f4"), atol=1e-5)


def test_no_track_is_computed_again(earlier: Earlier) -> None:
    settings, database = earlier.settings, earlier.database
    described = extract_features.run(None, settings, Store(database), quiet=True)
    assert ([described.version], described.computed, described.removed) == (earlier.facts["features"], 0, 0)
    assert described.tracks == database.tracks.count_documents({"state": "present"})
    embedded = train_embeddings.run(settings, Store(database))
    assert (embedded.fitted, embedded.embedded, embedded.removed, embedded.moods) == (False, 0, 0, 0)
    assert embedded.space == earlier.active("audio-space")
    assert database.moods.distinct("version") == earlier.facts["moods"]


def test_the_index_is_not_built_again(earlier: Earlier) -> None:
    built = build_index.run(Store(earlier.database), earlier.settings.index)
    assert built.unchanged
    assert built.manifest.version == earlier.active("index")


def test_nothing_is_learned_or_counted_again(earlier: Earlier, spark: SparkSession) -> None:
    versions = {one.kind: (one.version, one.unchanged) for one in _trained(earlier, spark)}
    for kind in ("following", "session-space"):
        assert versions[kind] == (earlier.active(kind), True)
    assert fingerprint(earlier.settings.engagement.window) == earlier.facts["definitions"]
    assert recount(earlier.settings, check=True, spark=spark, quiet=True).different == 0


def _trained(earlier: Earlier, spark: SparkSession) -> list[Trained]:
    return train_models.run(earlier.settings, spark=spark, quiet=True)


@pytest.fixture(scope="module")
def went_on(earlier: Earlier, spark: SparkSession) -> dict[str, dict[str, Document]]:
    """The documents after the upgrade: today's streaming job has gone on from the earlier checkpoints."""
    earlier.send_what_came_after()
    checkpoint.check(spark, earlier.settings)
    # One after the other, so that the ranking has the same feedback as in the earlier version's run.
    for job in (recommend, engagement, rejected_plays):
        run_until_all_is_taken(spark, earlier.settings, (job,))
    return {name: _by_id(earlier.database[name].find()) for name in earlier.expected()}


def test_tastes_have_the_plays_before_and_after(
    earlier: Earlier, went_on: Mapping[str, Mapping[str, Document]]
) -> None:
    _check_same(earlier, went_on, "tastes", approximately=("vector",))
    after = {_play(record).get("user_id") for record in earlier.records[earlier.facts["sent_before"] :]}
    assert {"user-ada", "user-ben", "guest-new"} <= after


def test_recommendations_follow_from_them(
    earlier: Earlier, went_on: Mapping[str, Mapping[str, Document]]
) -> None:
    _check_same(earlier, went_on, "recommendations", approximately=("items",))


@pytest.mark.parametrize("name", ["listening", "listening_sessions", "listening_stats"])
def test_every_play_is_counted_once(
    earlier: Earlier, went_on: Mapping[str, Mapping[str, Document]], name: str
) -> None:
    _check_same(earlier, went_on, name)


def test_a_window_that_was_open_keeps_its_signals(
    earlier: Earlier, went_on: Mapping[str, Mapping[str, Document]]
) -> None:
    length = int(earlier.settings.stream.window.total_seconds() * 1000)
    sent = earlier.facts["sent_before"]
    before, after = (
        {
            (play["user_id"], play["occurred_at"] // length * length, play["track_id"])
            for play in map(_play, records)
            if play.get("type") in ("complete", "skip")
        }
        for records in (earlier.records[:sent], earlier.records[sent:])
    )
    windows = {(user, start) for user, start, _ in before} & {(user, start) for user, start, _ in after}
    assert len(windows) >= 2
    for user, start in windows:
        stored = went_on["tastes"][user]["windows"][str(start)]
        heard = {track for who, when, track in before | after if (who, when) == (user, start)}
        assert set(stored["tracks"]) >= heard


def test_a_rejected_play_is_not_rejected_again(
    earlier: Earlier, went_on: Mapping[str, Mapping[str, Document]]
) -> None:
    """The rejected topic of this test is new, so it holds the records after the upgrade alone."""
    found = Counter((one.partition, one.offset, one.reason) for one in read_rejected(earlier.settings.kafka))
    before = {tuple(one) for one in earlier.facts["rejected_before"]}
    assert found == Counter({tuple(one) for one in earlier.facts["rejected_after"]} - before)
    assert found.total() == 1


def test_a_recount_of_the_whole_topic_agrees(
    earlier: Earlier, went_on: Mapping[str, Mapping[str, Document]], spark: SparkSession
) -> None:
    assert went_on
    assert recount(earlier.settings, check=True, spark=spark, quiet=True).different == 0
    assert earlier.database.listening.distinct("definitions") == [earlier.facts["definitions"]]


def test_days_that_ended_before_the_upgrade_get_statistics(
    earlier: Earlier, went_on: Mapping[str, Mapping[str, Document]]
) -> None:
    store = Store(earlier.database)
    expected: Counter[tuple[str, str, str]] = Counter()
    for one in went_on["listening_stats"].values():
        expected[one["dimension"], f"{one['start']:%Y-%m-%d}", one["key"]] += one["plays"]
    due = {day_of(window.start) for window in CountedWindows(store).changes(since=datetime.min)}
    assert due == {day_of(one["start"]) for one in went_on["listening_stats"].values()}
    for day in due:
        DailyRollUp(store, earlier.settings).sum_day(day)
    days = {
        (one["dimension"], f"{one['start']:%Y-%m-%d}", one["key"]): one["plays"]
        for one in earlier.database.listening_days.find()
    }
    assert days == dict(expected)


def _by_id(documents: Iterable[Document]) -> dict[str, Document]:
    """Some ids are documents themselves."""
    return {str(document["_id"]): document for document in documents}


def _play(record: Mapping[str, Any]) -> dict[str, Any]:
    try:
        play = json.loads(record["value"] or "{}")
    except ValueError:
        return {}
    return dict(play)


def _check_same(
    earlier: Earlier,
    went_on: Mapping[str, Mapping[str, Document]],
    name: str,
    *,
    approximately: tuple[str, ...] = (),
) -> None:
    """The documents are those that the earlier version made, in every field that it knew."""
    expected = _by_id(earlier.expected()[name])
    assert went_on[name].keys() == expected.keys()
    for key, document in expected.items():
        now = went_on[name][key]
        for field, value in document.items():
            if field == "updated_at":
                continue
            if field not in approximately:
                assert now[field] == value, (name, key, field)
            elif isinstance(value, bytes):
                one, other = (np.frombuffer(data, dtype="<f4") for data in (now[field], value))
                np.testing.assert_allclose(one, other, atol=1e-5)
            else:
                assert [item["track_id"] for item in now[field]] == [item["track_id"] for item in value]
                for one, other in zip(now[field], value, strict=True):
                    assert one["reason"] == other["reason"]
                    assert one["score"] == pytest.approx(other["score"], abs=1e-4)
