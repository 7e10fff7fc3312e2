"""An upgrade: plays go on while nothing takes them, and the next release has another index and sends more.

release 1        | index of sound, plays as they are
nothing running  | listeners go on; some already send a field that release 1 does not know
release 2        | the same checkpoint; an index of another space, with session knowledge; other settings
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import numpy as np
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.dashboard.queries.items import upcoming
from segue.index.bundle import Contents, load_bundle, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.index.transition_rules import transition_rules_of
from segue.settings import Settings
from segue.storage.kafka import read_rejected
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.index.corpus import ANNOY
from tests.plays.examples import encoded
from tests.streaming import reference
from tests.streaming.conftest import TRACKS, made_up_vectors, run_until_all_is_taken, track_id
from tests.streaming.test_recommend import send

MINUTE = 60_000
EARLY, BOTH, LATE = "heard before only", "heard on and on", "came during the upgrade"


def plays(user: str, *, first: int, ago: int, **more: object) -> list[bytes]:
    """Eight kept tracks, a minute apart, the last of them `ago` minutes before now."""
    now = time.time_ns() // 1_000_000
    return [
        encoded(
            user_id=user,
            track_id=track_id((first + 6 * n) % TRACKS),
            occurred_at=now - (ago + 8 - n) * MINUTE,
            **more,
        )
        for n in range(8)
    ]


def publish_another_space(settings: Settings, database: Database[Document]) -> str:
    """The same tracks in twice as many dimensions, and their transition rules."""
    names = encode_ids([track_id(n) for n in range(TRACKS)])
    turned = np.linalg.qr(np.random.default_rng(8).normal(size=(16, 16)))[0][:8].astype(np.float32)
    vectors = made_up_vectors() @ turned
    rules = {
        "track_ids": names,
        "tracks": np.arange(TRACKS, dtype=np.int32),
        "next": ((np.arange(TRACKS) + 1) % TRACKS).astype(np.int32),
        "scores": np.full(TRACKS, 0.5, dtype=np.float32),
    }
    manifest = write_bundle(
        settings.index.folder,
        Contents(
            vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
            track_ids=names,
            artists=np.arange(TRACKS, dtype=np.int32) // 2,
            cold_start=np.arange(0, TRACKS, 7, dtype=np.int32),
            transition_rules=transition_rules_of(rules, track_ids=names),
        ),
        space="s2",
        backend=ANNOY,
    )
    return PublishedBundles(Store(database)).publish(Path(settings.index.folder) / manifest.version).version


def shown(database: Database[Document], user: str) -> list[str]:
    """The next songs that the player shows a listener."""
    return [one.track_id for one in upcoming(Store(database), user).items]


def test_no_play_is_lost_and_no_page_is_empty(
    spark: SparkSession, published: Settings, database: Database[Document]
) -> None:
    database.tracks.insert_many(
        {"_id": track_id(n), "title": f"Song {n}", "state": "present"} for n in range(TRACKS)
    )
    send(published, plays(EARLY, first=0, ago=40) + plays(BOTH, first=1, ago=40) + [b"{"])
    run_until_all_is_taken(spark, published)
    before = {user: shown(database, user) for user in (EARLY, BOTH)}
    assert all(len(tracks) == published.ranking.list_length for tracks in before.values())

    send(published, plays(BOTH, first=2, ago=1) + plays(LATE, first=3, ago=1, volume=0.8) + [b"\xff"])
    version = publish_another_space(published, database)
    assert {user: shown(database, user) for user in before} == before
    assert shown(database, LATE)

    ranking = published.ranking.model_copy(update={"list_length": 12, "exploration_share": 0.0})
    taste = published.taste.model_copy(update={"half_life": timedelta(days=3)})
    upgraded = published.model_copy(update={"ranking": ranking, "taste": taste})
    run_until_all_is_taken(spark, upgraded)

    taken, bad, _ = reference.sort_out(reference.contents(upgraded), upgraded)
    assert (len(taken), len(bad)) == (32, 2)
    rejected = [(one.partition, one.offset) for one in read_rejected(upgraded.kafka)]
    assert sorted(rejected) == sorted(bad)
    bundle = load_bundle(Path(upgraded.index.folder) / version)
    expected = reference.items(reference.histories(taken, upgraded), bundle, upgraded)
    stored = {one["_id"]: one for one in database.recommendations.find()}
    for user in (BOTH, LATE):
        assert stored[user]["items"] == expected[user]
        assert (stored[user]["model"], stored[user]["variant"]) == (version, "hybrid")
        assert shown(database, user) == [item["track_id"] for item in expected[user]]
    # A listener who has not listened since keeps the recommendations of release 1.
    assert shown(database, EARLY) == before[EARLY]
    assert stored[EARLY]["model"] != version
