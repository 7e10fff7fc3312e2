"""From a skip in an app to other similar songs: a real Kafka, streaming job and MongoDB.

The times are printed, and written to the file that the environment variable APP_SKIP_FIGURES names.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.mongo import Document
from tests.dashboard.test_player_routes import a_play
from tests.opensubsonic.conftest import App, track_id
from tests.streaming.job import RestartingJob
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.integration


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker.model_copy(update={"stream": broker.stream.model_copy(update={"metrics_port": 0})})


@pytest.fixture
def streaming(app_settings: Settings, ada: App, tmp_path: Path) -> Iterator[Settings]:
    """A streaming job as a process, over the library of the app."""
    with RestartingJob(app_settings, tmp_path / "stream.log"):
        yield app_settings


def similar(app: App, own: str) -> list[str]:
    return [song["id"] for song in app.get("getSimilarSongs2", id=own, count=5)["similarSongs2"]["song"]]


def planned(app: App) -> list[str]:
    return [song["id"] for song in app.get("getPlaylist", id="made-for-you")["playlist"]["entry"]]


def skip(app: App, own: str, *, seed: str) -> float:
    """Report a skip; returns the milliseconds until the songs similar to `seed` are others."""
    before = similar(app, seed)
    position = {"mediaId": own, "mediaType": "song"}
    app.get("reportPlayback", **position, positionMs=0, state="starting")
    began = time.perf_counter()
    app.get("reportPlayback", **position, positionMs=800, state="stopped")
    until(lambda: own not in (now := similar(app, seed)) and now != before, "other songs")
    return (time.perf_counter() - began) * 1000


def test_five_skips_in_an_app_change_its_next_songs(
    streaming: Settings, ada: App, database: Database[Document]
) -> None:
    with PlayProducer(streaming.kafka) as producer:
        for count in range(2):
            play = a_play(user_id="other", session_id="o", track_id=track_id(2, 1 + count), type="complete")
            producer.send(play).get(PATIENCE)
            wanted = {"_id": "other", "reflects_at": {"$gte": play["occurred_at"]}}
            until(partial(database.recommendations.find_one, wanted), "the streaming job")
    seed, plan = track_id(0, 1), planned(ada)
    skipped, times = [], []
    for _ in range(5):
        skipped.append(similar(ada, seed)[0])
        times.append(skip(ada, skipped[-1], seed=seed))
    assert len(set(skipped)) == 5
    # Similar songs follow the reports themselves, the plan follows the streaming job.
    began = time.perf_counter()
    until(lambda: planned(ada) != plan, "another plan")
    figures = {
        "app_skip_p50_ms": statistics.median(times),
        "app_skip_max_ms": max(times),
        "app_plan_ms": (time.perf_counter() - began) * 1000,
    }
    print(figures)
    if file := os.environ.get("APP_SKIP_FIGURES"):
        Path(file).write_text(json.dumps(figures))
