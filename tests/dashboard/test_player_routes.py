"""Plays from players: each is in Kafka once, with the listener of its session."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from segue.dashboard.api.player import LARGEST
from segue.dashboard.queries.attributed import FIELDS, signed
from segue.dashboard.queries.items import Attribution, Item, Upcoming
from segue.dashboard.services import Services
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka_records import records_of
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import Enter, whose


def a_play(**fields: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid4()),
        "track_id": "t1",
        "type": "skip",
        "ms_played": 1200,
        "position_ms": 1200,
        "duration_ms": 20000,
        "occurred_at": round(time.time() * 1000),
        "source": "home",
        **fields,
    }


def envelope(*plays: Any, sent_at: float | None = None) -> dict[str, Any]:
    return {"sent_at": time.time() * 1000 if sent_at is None else sent_at, "plays": list(plays)}


def in_kafka(settings: Settings) -> list[dict[str, Any]]:
    """Everything in the topic of plays."""
    kafka = settings.kafka
    return [json.loads(record.value) for record in records_of(kafka, kafka.plays_topic)]


@pytest.fixture
def services(database: Database[Document], broker: Settings) -> Iterator[Services]:
    found = Services(Store(database), broker)
    yield found
    found.delivery.close()


@pytest.mark.integration
def test_a_play_reaches_kafka_once_however_often_it_is_sent(
    enter: Enter, services: Services, broker: Settings
) -> None:
    client, play = enter(), a_play()
    for _ in range(3):
        answer = client.post("/api/events", json=envelope(play))
        assert (answer.status_code, answer.json()) == (200, {"taken": [play["event_id"]], "refused": {}})
    me = whose(services, client)
    assert in_kafka(broker) == [{**play, "user_id": me.user_id, "session_id": me.session_id}]


@pytest.mark.integration
def test_nobody_speaks_for_another(enter: Enter, services: Services, broker: Settings) -> None:
    client = enter()
    client.post("/api/events", json=envelope(a_play(user_id="ada", session_id="hers", evil={"$set": 1})))
    (found,) = in_kafka(broker)
    assert found["user_id"] == whose(services, client).user_id
    assert found["session_id"] == whose(services, client).session_id
    assert "evil" not in found


def shown_to(
    services: Services, user_id: str, track_id: str = "t1", propensity: float | None = None
) -> dict[str, Any]:
    """The attribution of a listener's recommended track, as a page gives it to the player."""
    attribution = Attribution(recommendation_id="r.1", rank=3, variant="hybrid", propensity=propensity)
    item = Item(track_id=track_id, title="", artist="", source="home", attribution=attribution)
    upcoming = signed(Upcoming("r.1", [item], "taste"), user_id=user_id, settings=services.settings)
    rec = upcoming.items[0].data()["rec"]
    return {"recommendation_id": rec["id"], "rank": rec["rank"], "model": rec["model"]}


@pytest.mark.integration
def test_a_play_is_attributed_to_a_recommendation_only_with_its_signature(
    enter: Enter, services: Services, broker: Settings
) -> None:
    client = enter()
    me = whose(services, client).user_id
    mine, others = shown_to(services, me), shown_to(services, "ada")
    drawn = shown_to(services, me, propensity=0.0125)
    unsigned = {**mine, "recommendation_id": "r.1"}
    forged = [
        unsigned,
        others,
        {**drawn, "recommendation_id": drawn["recommendation_id"].replace("~12500.", "~1000000.")},
        {**mine, "recommendation_id": mine["recommendation_id"].replace("r.1.", "r.1~1000000.")},
        {**mine, "model": "audio"},
        {**mine, "rank": 1},
        {**mine, "rank": 3.0},
        {**mine, "track_id": "t2"},
        {**mine, "recommendation_id": f"{mine['recommendation_id'][:-1]}\N{COMBINING ACUTE ACCENT}"},
        {"recommendation_id": mine["recommendation_id"]},
        {"rank": 1, "model": "hybrid"},
    ]
    sent = [a_play(**fields) for fields in (mine, {**mine, "propensity": 1}, drawn, *forged)]
    answer = client.post("/api/events", json=envelope(*sent)).json()
    assert answer == {"taken": [play["event_id"] for play in sent], "refused": {}}
    found = {play["event_id"]: play for play in in_kafka(broker)}
    kept = [{name: found[play["event_id"]].get(name) for name in FIELDS} for play in sent]
    assert kept == [
        *[{"recommendation_id": "r.1", "rank": 3, "model": "hybrid", "propensity": None}] * 2,
        {"recommendation_id": "r.1", "rank": 3, "model": "hybrid", "propensity": 12_500},
        *[dict.fromkeys(FIELDS)] * len(forged),
    ]


@pytest.mark.integration
def test_the_queue_keeps_the_signature_for_another_device(
    enter: Enter, services: Services, broker: Settings, database: Database[Document]
) -> None:
    database.tracks.insert_one({"_id": "t1", "title": "", "artist": "", "album": None, "genres": []})
    client = enter()
    mine = shown_to(services, whose(services, client).user_id)
    rec = {"id": mine["recommendation_id"], "rank": mine["rank"], "model": mine["model"]}
    item = {"id": "t1", "key": "k", "source": "home", "queued": False, "rec": rec}
    queue = {"version": 0, "player": "p", "at": 0, "position": 0, "items": [item]}
    assert client.put("/api/queue", json=queue).status_code == 200
    (kept,) = client.get("/api/queue").json()["items"]
    assert kept["rec"] == rec


@pytest.mark.integration
def test_an_event_id_of_one_listener_is_free_for_another(enter: Enter, broker: Settings) -> None:
    play = a_play()
    for client in (enter(), enter()):
        assert client.post("/api/events", json=envelope(play)).json()["taken"] == [play["event_id"]]
    assert len({found["user_id"] for found in in_kafka(broker)}) == 2


@pytest.mark.integration
def test_an_invalid_play_is_refused_and_the_others_are_accepted(enter: Enter, broker: Settings) -> None:
    good, bad, none = a_play(), a_play(type="dance"), a_play(event_id="x")
    answer = enter().post("/api/events", json=envelope(bad, good, none)).json()
    assert answer["taken"] == [good["event_id"]]
    assert answer["refused"] == {bad["event_id"]: "invalid_type", "x": "invalid_event_id"}
    assert [found["event_id"] for found in in_kafka(broker)] == [good["event_id"]]


@pytest.mark.integration
def test_a_clock_that_is_far_off_is_corrected_and_a_close_one_is_left(
    enter: Enter, services: Services, broker: Settings
) -> None:
    now, hour = round(time.time() * 1000), 3_600_000
    client, off, close = enter(), a_play(occurred_at=now - hour - 500), a_play(occurred_at=now - 500)
    client.post("/api/events", json=envelope(off, sent_at=now - hour))
    client.post("/api/events", json=envelope(close, sent_at=now - 900))
    found = {play["event_id"]: play["occurred_at"] for play in in_kafka(broker)}
    assert abs(found[off["event_id"]] - (now - 500)) < 3000
    assert found[close["event_id"]] == now - 500
    sample = services.metrics.registry.get_sample_value
    assert sample("segue_player_clocks_corrected_total") == 1
    assert sample("segue_clock_ahead_seconds") == 0


@pytest.mark.integration
def test_likes_stay_with_the_listener(enter: Enter, broker: Settings) -> None:
    mine, other = enter(), enter()
    mine.post("/api/events", json=envelope(a_play(type="like"), a_play(type="dislike", track_id="t2")))
    assert mine.get("/api/upcoming").json()["opinions"] == {"t1": "like", "t2": "dislike"}
    assert other.get("/api/upcoming").json()["opinions"] == {}


@pytest.mark.integration
def test_a_repeated_like_does_not_undo_a_newer_opinion(enter: Enter) -> None:
    mine, like = enter(), a_play(type="like")
    for play in (like, a_play(type="dislike"), like):
        mine.post("/api/events", json=envelope(play))
    assert mine.get("/api/upcoming").json()["opinions"] == {"t1": "dislike"}


@pytest.mark.integration
def test_a_broken_off_sending_is_taken_up_again(enter: Enter, services: Services, broker: Settings) -> None:
    client, play = enter(), a_play()
    key = f"{whose(services, client).user_id}:{play['event_id']}"
    now = datetime.now(UTC)
    services.store.database.sent_plays.insert_one({"_id": key, "sent": False, "at": now})
    assert client.post("/api/events", json=envelope(play)).json()["taken"] == []
    assert in_kafka(broker) == []
    services.store.database.sent_plays.update_one({"_id": key}, {"$set": {"at": now - timedelta(minutes=1)}})
    assert client.post("/api/events", json=envelope(play)).json()["taken"] == [play["event_id"]]
    assert len(in_kafka(broker)) == 1


@pytest.mark.integration
def test_while_kafka_is_away_the_player_keeps_its_plays(
    enter: Enter, services: Services, database: Database[Document], broker: Settings
) -> None:
    away = broker.model_copy(
        update={"kafka": broker.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:9"})}
    )
    services.delivery.__init__(Store(database), lambda: PlayProducer(away.kafka))  # type: ignore[misc]
    client, play = enter(), a_play()
    answer = client.post("/api/events", json=envelope(play))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    services.delivery.__init__(Store(database), lambda: PlayProducer(broker.kafka))  # type: ignore[misc]
    assert client.post("/api/events", json=envelope(play)).json()["taken"] == [play["event_id"]]
    assert len(in_kafka(broker)) == 1


@pytest.mark.integration
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"sent_at": "x", "plays": []}',
        b'{"sent_at": 1, "plays": [1]}',
        b"\xff",
        b"nul",
        b"[" * 9000,
    ],
)
def test_a_body_of_another_shape_is_refused(enter: Enter, body: bytes) -> None:
    assert enter().post("/api/events", content=body).status_code == 400


@pytest.mark.integration
def test_too_much_is_refused(enter: Enter) -> None:
    client = enter()
    assert client.post("/api/events", content=b" " * (LARGEST + 1)).status_code == 413
    assert client.post("/api/events", json=envelope(*[{}] * 101)).status_code == 400


@pytest.mark.integration
def test_strangers_and_other_sites_are_refused(enter: Enter, broker: Settings) -> None:
    client = enter()
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert client.post("/api/events", json=envelope(a_play()), headers=headers).status_code == 403
    client.cookies.clear()
    assert client.post("/api/events", json=envelope(a_play())).status_code == 401
    assert in_kafka(broker) == []
