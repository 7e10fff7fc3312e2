"""A listener's own data: all of it given out, and none of it left."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database
from pyspark.sql import SparkSession
from starlette.testclient import TestClient

from segue.batch_jobs.recount_engagement import run as recount
from segue.collections import NOT_PERSONAL
from segue.dashboard.services import Services
from segue.people.forgotten import Forgotten
from segue.plays.delivery import PlayProducer
from segue.privacy.leaving import CONFIRMATION, sweep
from segue.settings import Settings
from segue.social.follows import Follows
from segue.social.links import ShareLinks
from segue.storage.kafka import read_rejected
from segue.storage.kafka_records import plays_of
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import engagement, recommend, rejected_plays
from tests.dashboard.conftest import Enter, enter, whose  # noqa: F401
from tests.plays.examples import a_play
from tests.streaming.conftest import published, run_until_all_is_taken, track_id  # noqa: F401

SURE = {"confirm": CONFIRMATION}


def stream(spark: SparkSession, settings: Settings) -> None:
    """All queries until the topic is taken."""
    run_until_all_is_taken(spark, settings, (recommend, rejected_plays, engagement))


def send(settings: Settings, *plays: Document) -> None:
    with PlayProducer(settings.kafka) as producer:
        for play in plays:
            producer.send(play)


def traces(database: Database[Document], *words: str) -> list[str]:
    """The collections in which a word stands anywhere."""
    return [
        name
        for name in database.list_collection_names()
        if any(word in str(one) for one in database[name].find() for word in words)
    ]


@dataclass(frozen=True)
class Lived:
    """A listener with a past."""

    user_id: str
    client: TestClient
    settings: Settings


@pytest.fixture
def services(database: Database[Document], broker: Settings) -> Iterator[Services]:
    found = Services(Store(database), broker)
    yield found
    found.delivery.close()


@pytest.fixture
def ada(
    published: Settings,  # noqa: F811
    database: Database[Document],
    spark: SparkSession,
    enter: Enter,  # noqa: F811
    services: Services,
) -> Lived:
    """Ada has an account, hearts, links, friends, and plays that went through the streams."""
    database.tracks.insert_many({"_id": track_id(n), "artist": "A", "genres": ["Folk"]} for n in range(6))
    client = enter()
    client.post("/api/people/sign-up", json={"name": "Ada", "password": "correct horse"})
    me = whose(services, client).user_id
    client.post("/api/people/log-in", json={"name": "Ada", "password": "wrong horse"})
    other = services.authenticator.sign_up("Ben", "another horse", guest_id=None, address="x").user_id
    now = int(datetime.now(UTC).timestamp() * 1000)
    plays = [
        {
            "event_id": a_play()["event_id"],
            "track_id": track_id(n),
            "type": kind,
            "ms_played": 200_000,
            "position_ms": 0,
            "duration_ms": 200_000,
            "occurred_at": now - n * 1000,
            "source": "home",
        }
        for n, kind in enumerate(("play", "complete", "like"))
    ]
    answer = client.post("/api/events", json={"sent_at": now, "plays": plays})
    assert len(answer.json()["taken"]) == 3
    send(published, a_play(user_id=other, track_id=track_id(1)))
    ShareLinks(Store(database)).create(me, "track", track_id(1), title="Mine")
    follows = Follows(Store(database))
    follows.ask(me, "ben")
    follows.ask(other, "ada")
    database.playlists.insert_many(
        [
            {"_id": "p1", "owner": me, "name": "Mine", "tracks": []},
            {"_id": "p2", "owner": other, "name": "Ours", "collaborators": [me], "tracks": []},
        ]
    )
    stream(spark, published)
    assert {"tastes", "recommendations", "listening", "listening_sessions"} <= set(traces(database, me))
    return Lived(me, client, published)


def test_export_has_everything_and_no_secrets(ada: Lived, database: Database[Document]) -> None:
    me = ada.user_id
    answer = ada.client.get("/api/me/export")
    assert answer.status_code == 200
    packed = zipfile.ZipFile(io.BytesIO(answer.content))
    assert "listener export" not in packed.read("README.txt").decode(), "nothing is missing"
    text = "".join(packed.read(name).decode() for name in packed.namelist())
    names = {name.removesuffix(".json") for name in packed.namelist()}
    stored = set(traces(database, me)) - {"sent_plays", "forgotten"}
    assert stored <= names
    assert not stored & NOT_PERSONAL
    assert "$argon2" not in text
    assert str(database.sessions.find_one({"user_id": me}, {"_id": 1})) not in text
    plays = [json.loads(line) for line in packed.read("plays.jsonl").decode().splitlines()]
    assert sorted(play["type"] for play in plays) == ["complete", "like", "play"]
    assert {play["user_id"] for play in plays} == {me}


def test_leaving_needs_to_be_said_and_meant(ada: Lived, enter: Enter) -> None:  # noqa: F811
    client = ada.client
    assert client.post("/api/me/leave", json={}).status_code == 400
    foreign = {"origin": "https://evil.example"}
    told = {"confirm": CONFIRMATION}
    assert client.post("/api/me/leave", json=told, headers=foreign).status_code == 403
    nobody = enter()
    nobody.cookies.clear()
    assert nobody.post("/api/me/leave", json=told).status_code == 401
    assert nobody.get("/api/me/export").status_code == 401
    assert client.get("/api/me/export").status_code == 200


def test_who_leaves_is_gone_everywhere_and_does_not_come_back(
    ada: Lived, database: Database[Document], spark: SparkSession
) -> None:
    me, settings = ada.user_id, ada.settings
    statistics = list(database.listening_stats.find())
    assert statistics
    others = database.tastes.count_documents({}) - 1
    assert ada.client.post("/api/me/leave", json={**SURE, "password": "correct horse"}).status_code == 200
    sweep(Store(database), now=datetime.now(UTC) + timedelta(hours=1))
    assert traces(database, "'Ada'", "'ada'") == []
    assert traces(database, me) == ["audit_log"]  # an id that nothing names any more
    assert list(database.listening_stats.find()) == statistics  # sums stay, and name nobody
    assert database.tastes.count_documents({}) == others
    # A late play, windows in state, and the topic read anew from its beginning bring nothing back.
    send(settings, a_play(user_id=me, track_id=track_id(5)))
    stream(spark, settings)
    anew = settings.spark.model_copy(
        update={"checkpoint_location": f"{settings.spark.checkpoint_location}-anew"}
    )
    stream(spark, settings.model_copy(update={"spark": anew}))
    recount(settings, spark=spark, quiet=True)
    assert traces(database, me) == ["audit_log"]
    # Even without MongoDB's note: the tombstone in the topic says it to the recount.
    database.forgotten.delete_many({})
    recount(settings, spark=spark, quiet=True)
    assert traces(database, me) == ["audit_log"]
    assert list(read_rejected(settings.kafka)) == []
    assert len(list(plays_of(settings.kafka, me))) == 4  # until retention.plays


def test_a_batch_that_was_under_way_is_swept_up(database: Database[Document]) -> None:
    Forgotten(Store(database)).remember("ada", plays_kept=timedelta(days=1))
    database.tastes.insert_one({"_id": "ada"})
    sweep(Store(database))
    assert database.tastes.count_documents({}) == 1
    sweep(Store(database), now=datetime.now(UTC) + timedelta(hours=1))
    assert database.tastes.count_documents({}) == 0
    assert "ada" not in str(list(database.forgotten.find()))
    assert Forgotten(Store(database)).among({"ada", "ben"}) == {"ada"}
