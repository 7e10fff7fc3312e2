"""Events of programs: validated, once each, and of the key's listener."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from segue.client import Client, Event
from segue.dashboard.services import Services
from segue.plays.delivery import LEFT_OVER, SentPlays
from segue.privacy.leaving import forget
from segue.settings import Settings, milliseconds
from segue.taste.opinions import Opinions
from tests.dashboard.test_player_routes import in_kafka
from tests.developers.conftest import Program, recommend
from tests.opensubsonic.conftest import track_id

pytestmark = pytest.mark.integration
ONE = track_id(0, 3)


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


def now() -> int:
    return round(time.time() * 1000)


def event(**changes: Any) -> dict[str, Any]:
    made = {"event_id": str(uuid.uuid4()), "track_id": ONE, "type": "play", "occurred_at": now()}
    return {name: value for name, value in {**made, **changes}.items() if value is not ...}


def send(program: Program, *events: dict[str, Any]) -> list[tuple[str, str | None]]:
    """The results of events."""
    response = program.ask("POST", "/events", json={"events": list(events)})
    assert response.status_code == 200, response.text
    return [(one["status"], one["reason"]) for one in response.json()["results"]]


def test_an_event_reaches_kafka_once_however_often_it_is_sent(ada: Program, services: Services) -> None:
    one, other = event(type="play"), event(type="complete", ms_played=6000)
    assert send(ada, one, other) == [("accepted", None)] * 2
    assert send(ada, other) == [("accepted", None)]
    plays = in_kafka(services.settings)
    assert sorted(play["event_id"] for play in plays) == sorted([one["event_id"], other["event_id"]])
    assert {play["user_id"] for play in plays} == {ada.account.user_id}
    assert {play["source"] for play in plays} == {"app"}
    assert {play["duration_ms"] for play in plays} == {6000}, "the length is that of the catalogue"


def test_an_id_counts_once_in_any_spelling(ada: Program, services: Services) -> None:
    name = uuid.uuid4()
    spelled = [str(name), name.hex, str(name).upper()]
    results = send(ada, *(event(event_id=one) for one in spelled))
    assert [status for status, _ in results] == ["accepted", "refused", "refused"]
    assert "earlier event" in str(results[1][1])
    for one in spelled:
        assert send(ada, event(event_id=one)) == [("accepted", None)]
    [play] = in_kafka(services.settings)
    assert play["event_id"] == str(name)


def test_the_listener_and_the_session_are_those_of_the_key(
    ada: Program, ben: Program, services: Services
) -> None:
    forged = {"user_id": ben.account.user_id, "session_id": "of somebody"}
    assert send(ada, event(**forged)) == [("accepted", None)]
    [play] = in_kafka(services.settings)
    assert play["user_id"] == ada.account.user_id
    assert play["session_id"] != "of somebody"


def test_wrong_events_are_refused_one_by_one(ada: Program, services: Services) -> None:
    accepted = services.settings.stream
    late, early = milliseconds(accepted.max_delay), milliseconds(accepted.max_clock_skew)
    right = event()
    results = send(
        ada,
        event(event_id="not a uuid"),
        event(event_id=...),
        event(event_id=7),
        event(event_id=f"urn:uuid:{uuid.uuid4()}"),
        event(track_id=...),
        event(track_id=[1]),
        event(type="hum"),
        event(ms_played=-1),
        event(ms_played=True),
        event(duration_ms="long"),
        event(occurred_at="now"),
        event(occurred_at=now() + early + 60_000),
        event(occurred_at=now() - late - 60_000),
        event(source="dream"),
        right,
    )
    assert [status for status, _ in results] == ["refused"] * 14 + ["accepted"]
    assert all(reason for _, reason in results[:-1])
    assert results[0][1] == "event_id is not valid"
    assert results[4][1] == "track_id is missing"
    assert [play["event_id"] for play in in_kafka(services.settings)] == [right["event_id"]]


def test_a_like_is_kept(ada: Program, services: Services) -> None:
    send(ada, event(type="like"))
    assert Opinions(services.store).by_track(ada.account.user_id) == {ONE: "like"}


def test_a_repeated_like_does_not_undo_a_newer_opinion(ada: Program, services: Services) -> None:
    like = event(type="like")
    send(ada, like)
    send(ada, event(type="dislike"))
    assert send(ada, like) == [("accepted", None)]
    assert Opinions(services.store).by_track(ada.account.user_id) == {ONE: "dislike"}


def test_a_like_that_was_not_stored_is_sent_and_stored_again(
    ada: Program, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(own: Opinions, opinions: object) -> None:
        raise RuntimeError("the process ends here")

    like = event(type="like")
    with monkeypatch.context() as broken:
        broken.setattr(Opinions, "keep", fail)
        assert ada.ask("POST", "/events", json={"events": [like]}).status_code == 500
    long_ago = datetime.now(UTC) - 2 * LEFT_OVER
    services.store.database.sent_plays.update_many({}, {"$set": {"at": long_ago}})
    assert send(ada, like) == [("accepted", None)]
    assert Opinions(services.store).by_track(ada.account.user_id) == {ONE: "like"}


def test_nothing_stays_of_a_listener_who_leaves_meanwhile(
    ada: Program, ben: Program, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, keep = ada.account.user_id, Opinions.keep

    def leave_first(own: Opinions, opinions: Iterable[tuple[str, str, str]]) -> None:
        forget(services.store, me, plays_kept=timedelta(days=1))
        keep(own, opinions)

    send(ben, event(type="like"))
    with monkeypatch.context() as leaving:
        leaving.setattr(Opinions, "keep", leave_first)
        send(ada, event(type="like"))
    for owner in (Opinions, SentPlays):
        held = str(list(services.store.database[owner.name].find()))
        assert me not in held
        assert ben.account.user_id in held


def test_an_attribution_counts_with_its_signature_only(
    ada: Program, ben: Program, services: Services
) -> None:
    recommend(services, ada.account.user_id, ONE)
    own = ada.get("/recommendations")["tracks"][0]["attribution"]
    send(ada, event(**own))
    send(ada, event(**{**own, "rank": 9}))
    send(ben, event(**own))
    found = [play.get("recommendation_id") for play in in_kafka(services.settings)]
    assert sorted(found, key=str) == [None, None, "r1"]


def test_the_client_sends_more_than_a_request_may_have(client: Client, services: Services) -> None:
    events = [Event(track_id=ONE, type="impression") for _ in range(120)]
    results = client.send(events)
    assert [result.event_id for result in results] == [one.event_id for one in events]
    assert {result.status for result in results} == {"accepted"}
    assert client.send(events[:3]) == results[:3]
    assert len(in_kafka(services.settings)) == 120
