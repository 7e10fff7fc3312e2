"""The stream of a plan: at the beginning, with each change, and until the key is revoked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from segue.client import ApiError, Client
from segue.dashboard.api.v1 import plans, routes
from segue.dashboard.services import Services
from segue.people.api_keys import ApiKeys
from segue.settings import Settings
from tests.developers.conftest import NEXT, Program, recommend
from tests.opensubsonic.conftest import track_id
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.integration
ONE = track_id(0, 3)


@pytest.fixture
def app_settings(settings: Settings) -> Settings:
    api = settings.api.model_copy(update={"streams_per_key": 2})
    return settings.model_copy(update={"api": api})


@pytest.fixture(autouse=True)
def lively(monkeypatch: pytest.MonkeyPatch) -> list[plans.Streams]:
    """Streams that look often; those of the server."""
    made = list[plans.Streams]()

    def streams(services: Services) -> plans.Streams:
        made.append(plans.Streams(services, life=0.2))
        return made[-1]

    monkeypatch.setattr(routes, "Streams", streams)
    return made


def opened(address: str, key: str, **headers: str) -> Any:
    return httpx.stream(
        "GET",
        f"{address}/api/v1/recommendations/stream",
        headers={"Authorization": f"Bearer {key}", **headers},
        timeout=PATIENCE,
    )


def lines_of(response: httpx.Response, kind: str) -> Iterator[str]:
    return (line for line in response.iter_lines() if line.startswith(kind))


def test_the_plan_comes_at_once_and_with_each_change(
    client: Client, ada: Program, services: Services
) -> None:
    recommend(services, ada.account.user_id, ONE)
    stream = client.plans()
    first = next(stream)
    assert [track.id for track in first.tracks] == [ONE]
    recommend(services, ada.account.user_id, NEXT, ONE, name="r2")
    second = next(stream)
    assert [track.id for track in second.tracks] == [NEXT, ONE]
    assert second.tracks[0].attribution is not None
    stream.close()


def test_it_is_a_stream_of_events(address: str, ada: Program, services: Services) -> None:
    recommend(services, ada.account.user_id, ONE)
    with opened(address, ada.key) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        name = next(lines_of(response, "id: ")).removeprefix("id: ")
    with opened(address, ada.key, **{"Last-Event-ID": name}) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith((":", "id:"))) == ": alive"
        recommend(services, ada.account.user_id, NEXT, name="r2")
        assert next(line for line in lines if line.startswith("id:"))


def test_streams_end_with_their_connections_and_are_limited(
    address: str, ada: Program, ben: Program, lively: list[plans.Streams]
) -> None:
    with opened(address, ada.key) as one, opened(address, ada.key) as two:
        lines = [lines_of(each, "id:") for each in (one, two)]  # they close what is no longer read
        assert all([next(each) for each in lines])
        with opened(address, ada.key) as third:
            assert third.status_code == 429
            assert third.headers["content-type"] == "application/problem+json"
        with opened(address, ben.key) as other:
            assert other.status_code == 200
    until(lambda: not any(streams._open for streams in lively), "all streams to end")
    until(lambda: not any(streams._watch._waiting for streams in lively), "nobody to wait")
    with opened(address, ada.key) as again:
        assert again.status_code == 200


def test_a_stream_ends_when_its_key_is_revoked(client: Client, ada: Program, services: Services) -> None:
    stream = client.plans()
    next(stream)
    ApiKeys(services.store).revoke_all(ada.account.user_id)
    with pytest.raises(ApiError) as refused:
        next(stream)
    assert refused.value.status == 401
