"""A listener leaves while the topic of plays is missing, or Kafka does not answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo.database import Database

from segue.dashboard.services import Services
from segue.plays.delivery import PlayProducer
from segue.privacy.leaving import CONFIRMATION, leave
from segue.settings import Settings
from segue.storage.kafka import NotAcknowledged
from segue.storage.kafka_topics import delete, end_offsets
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import Enter, enter, whose
from tests.waiting import until

__all__ = ["enter"]
pytestmark = pytest.mark.integration
SURE = {"confirm": CONFIRMATION, "password": "correct horse"}


@pytest.fixture
def without_topic(broker: Settings) -> Settings:
    delete(broker.kafka)
    until(lambda: not end_offsets(broker.kafka), "the topic to be deleted")
    return broker


@pytest.fixture
def away(settings: Settings) -> Settings:
    kafka = settings.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:9"})
    return settings.model_copy(update={"kafka": kafka})


@pytest.fixture
def services(database: Database[Document], request: pytest.FixtureRequest) -> Iterator[Services]:
    """The services with the settings of the fixture that the test names."""
    found = Services(Store(database), request.getfixturevalue(request.param))
    yield found
    found.close()


def traces(database: Database[Document], user_id: str) -> list[str]:
    names = sorted(set(database.list_collection_names()) - {"forgotten", "audit_log"})
    return [name for name in names if any(user_id in str(one) for one in database[name].find())]


@pytest.mark.parametrize("services", ["without_topic"], indirect=True)
def test_without_the_topic_everything_is_removed(
    services: Services,
    enter: Enter,
    database: Database[Document],
) -> None:
    """It ended in status 500, and nothing was removed."""
    client = enter()
    client.post("/api/people/sign-up", json={"name": "Ada", "password": "correct horse"})
    me = whose(services, client).user_id
    services.playlists.create(me, "Evening")
    assert client.get("/api/me/export").status_code == 200
    answer = client.post("/api/me/leave", json=SURE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["removed"]["playlists"] == 1
    assert traces(database, me) == []
    assert whose(services, client).name is None


@pytest.mark.parametrize("services", ["away"], indirect=True)
def test_without_kafka_nothing_is_removed_and_the_answer_says_so(
    services: Services,
    enter: Enter,
    database: Database[Document],
) -> None:
    client = enter()
    client.post("/api/people/sign-up", json={"name": "Ada", "password": "correct horse"})
    me = whose(services, client).user_id
    services.playlists.create(me, "Evening")
    before = traces(database, me)
    answer = client.post("/api/me/leave", json=SURE)
    assert answer.status_code == 503, answer.text
    assert "nothing was removed" in answer.json()["error"]
    assert int(answer.headers["Retry-After"]) > 0
    assert traces(database, me) == before
    assert database.forgotten.count_documents({}) == 0
    assert whose(services, client).name == "Ada"


def test_a_mark_that_kafka_does_not_take_is_an_error_that_can_be_answered(
    without_topic: Settings, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The topic may go between the look at it and the mark."""
    monkeypatch.setattr("segue.storage.kafka._MOST_WAIT_MS", 500)
    with PlayProducer(without_topic.kafka) as producer, pytest.raises(NotAcknowledged):
        producer.tombstone("ada")
    monkeypatch.setattr("segue.privacy.leaving.end_offsets", lambda kafka: {0: 1})
    with pytest.raises(NotAcknowledged):
        leave(Store(database), without_topic, "ada")
    assert database.forgotten.count_documents({}) == 0
