"""Variants from end to end: served by the stream, marked by the player, counted, and compared."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.batch_jobs.report_experiments import figures, run
from segue.dashboard.queries.items import upcoming
from segue.errors import SegueError
from segue.index.active import ActiveBundle
from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.index.transition_rules import transition_rules_of
from segue.plays.delivery import PlayProducer
from segue.ranking.variants import assigned
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import engagement, recommend
from tests.index.corpus import ANNOY
from tests.plays.examples import a_play
from tests.streaming.conftest import TRACKS, made_up_vectors, track_id
from tests.streaming.reference import contents, histories, items, sort_out

pytestmark = pytest.mark.integration
LISTENERS = [f"listener{n}" for n in range(40)]
HEARD, NEXT = track_id(0), track_id(31)
"""The second is of another style: only session knowledge leads there."""


@pytest.fixture
def running(broker: Settings, database: Database[Document]) -> Settings:
    """A service whose index has transition rules, and an experiment of two variants."""
    names = encode_ids([track_id(n) for n in range(TRACKS)])
    one = np.zeros(1, dtype=np.int32)
    rule = {"track_ids": encode_ids([HEARD, NEXT]), "tracks": one, "next": one + 1, "scores": np.ones(1)}
    folder = Path(broker.index.folder)
    manifest = write_bundle(
        folder,
        Contents(
            vectors=made_up_vectors(),
            track_ids=names,
            artists=np.arange(TRACKS, dtype=np.int32) // 2,
            cold_start=np.arange(0, TRACKS, 7, dtype=np.int32),
            songs=np.arange(TRACKS, dtype=np.int32),
            transition_rules=transition_rules_of(rule, track_ids=names),
        ),
        space="s1",
        backend=ANNOY,
    )
    PublishedBundles(Store(database)).publish(folder / manifest.version)
    database.tracks.insert_many({"_id": name.decode(), "state": "present"} for name in names)
    return broker.model_copy(
        update={
            # A learned order weighs the rule against everything else; by the sum, its track comes first.
            "ranking": broker.ranking.model_copy(update={"model": "sum"}),
            "experiments": broker.experiments.model_copy(
                update={"variants": (("audio", 50.0), ("hybrid", 50.0)), "min_listeners_per_variant": 5}
            ),
        }
    )


def test_the_results_of_each_variant_are_counted_and_compared(
    running: Settings, database: Database[Document], spark: SparkSession
) -> None:
    # In an earlier window: two whole songs at one moment would be in excess.
    earlier = time.time_ns() // 1_000_000 - 20 * 60_000
    with PlayProducer(running.kafka) as producer:
        for user in LISTENERS:
            producer.send(a_play(user_id=user, track_id=HEARD, occurred_at=earlier))
    query = recommend.start(spark, running)
    query.processAllAvailable()
    query.stop()

    # Served as assigned, and as the topic and the pure functions say.
    stored = {one["_id"]: one for one in database.recommendations.find()}
    wanted = {user: assigned(user, experiments=running.experiments) for user in LISTENERS}
    assert {user: one["variant"] for user, one in stored.items()} == wanted
    plays = sort_out(contents(running), running).plays
    bundle = ActiveBundle(Store(database), folder=running.index.folder).current()
    expected = items(histories(plays, running), bundle, running)
    assert {user: one["items"] for user, one in stored.items()} == expected
    for user, one in stored.items():
        led = [i["track_id"] for i in one["items"][:5] if i["reason"] == {"kind": "after", "track_id": HEARD}]
        assert led == ([NEXT] if wanted[user] == "hybrid" else [])

    # Everybody sees the first three; those of the hybrid play and finish the first, the others skip it.
    with PlayProducer(running.kafka) as producer:
        for user in LISTENERS:
            shown = [item.data() for item in upcoming(Store(database), user).items[:3]]
            marks = [{"recommendation_id": one["rec"]["id"], "rank": one["rec"]["rank"]} for one in shown]
            assert {one["rec"]["model"] for one in shown} == {wanted[user]}
            for one, mark in zip(shown, marks, strict=True):
                mark |= {"user_id": user, "track_id": one["id"], "model": one["rec"]["model"]}
                producer.send(a_play(type="impression", ms_played=0, **mark))
            end = "complete" if wanted[user] == "hybrid" else "skip"
            producer.send(a_play(type=end, ms_played=200_000 if end == "complete" else 2000, **marks[0]))
    query = engagement.start(spark, running)
    query.processAllAvailable()
    query.stop()

    found = figures(run(running, since=datetime.now(UTC) - timedelta(hours=2)))
    for name, completion in (("audio", 0.0), ("hybrid", 1.0)):
        there = found["variants"][name]
        listeners = list(wanted.values()).count(name)
        assert (there["listeners"], there["click_through"]["of"]) == (listeners, 3 * listeners)
        assert there["click_through"]["value"] == pytest.approx(1 / 3)
        assert (there["completion"]["value"], there["skip_rate"]["value"]) == (completion, 1 - completion)
    verdicts = {one["metric"]: one["verdict"] for one in found["differences"]}
    assert verdicts == {
        "click_through": "too little to tell",
        "completion": "better",
        "skip_rate": "better",
        "likes": "too little to tell",
    }


def test_without_an_experiment_the_report_says_how_to_begin_one(broker: Settings) -> None:
    with pytest.raises(SegueError, match="SEGUE_EXPERIMENTS__VARIANTS"):
        run(broker, since=datetime.now(UTC))
