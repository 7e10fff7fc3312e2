"""The stream of a plan: at the beginning, with each change, and until the key is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from segue.catalog.letters import artist_key
from segue.client import ApiError, Client
from segue.dashboard import read_in_time
from segue.dashboard.api.v1 import plans, routes
from segue.dashboard.read_in_time import ReadInTime
from segue.dashboard.services import Services
from segue.people.api_keys import RECOMMENDATIONS, ApiKey, ApiKeys
from segue.settings import Settings
from segue.taste.corrections import Corrections, Rule
from tests.asynchronous import run
from tests.developers.conftest import NEXT, Program, recommend
from tests.opensubsonic.conftest import track_id
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.integration
ONE = track_id(0, 3)


@pytest.fixture
def app_settings(settings: Settings) -> Settings:
    api = settings.api.model_copy(update={"streams_per_listener": 2})
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
        with opened(address, ada.with_scopes(RECOMMENDATIONS).key) as third:
            assert third.status_code == 429, "the limit is the listener's, whatever the key"
            assert third.headers["content-type"] == "application/problem+json"
        with opened(address, ben.key) as other:
            assert other.status_code == 200
    until(lambda: not any(streams._open for streams in lively), "all streams to end")
    until(lambda: not any(streams._watch._waiting for streams in lively), "nobody to wait")
    with opened(address, ada.key) as again:
        assert again.status_code == 200


def test_a_plan_is_computed_only_when_something_has_changed(
    client: Client, ada: Program, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommend(services, ada.account.user_id, ONE, NEXT)
    computed, compute = list[str](), plans._plan
    checks, is_valid = list[str](), ApiKeys.is_valid

    def counted_plan(own: Services, key: ApiKey, *, limit: int) -> dict[str, Any]:
        computed.append(key.key_id)
        return compute(own, key, limit=limit)

    def counted_check(own: ApiKeys, key_id: str) -> bool:
        checks.append(key_id)
        return is_valid(own, key_id)

    monkeypatch.setattr(plans, "_plan", counted_plan)
    monkeypatch.setattr(ApiKeys, "is_valid", counted_check)
    stream = client.plans()
    before = next(stream)
    until(lambda: len(checks) >= 5, "several signs of life")
    assert len(computed) == 1
    corrections = Corrections(services.store)
    corrections.keep_rule(ada.account.user_id, Rule("artist", artist_key("The Example"), "never"))
    assert next(stream).tracks != before.tracks
    assert len(computed) == 2
    stream.close()


def test_a_plan_that_cannot_be_read_at_first_is_an_error(
    address: str, ada: Program, lively: list[plans.Streams], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object, **options: object) -> None:
        raise RuntimeError("no plan")

    monkeypatch.setattr(plans, "_plan", fail)
    with opened(address, ada.key) as response:
        assert response.status_code == 500
        assert response.headers["content-type"] == "application/problem+json"
    assert not any(streams._open for streams in lively)


def test_a_stream_that_fails_later_ends_with_a_line_in_the_log(
    address: str,
    ada: Program,
    services: Services,
    lively: list[plans.Streams],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recommend(services, ada.account.user_id, ONE)
    with opened(address, ada.key) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("id:"))

        def fail(*given: object, **options: object) -> None:
            raise RuntimeError("no plan")

        monkeypatch.setattr(plans, "_plan", fail)
        recommend(services, ada.account.user_id, NEXT, name="r2")
        assert not [line for line in lines if line.startswith("id:")], "it ends, without another plan"
    until(lambda: not any(streams._open for streams in lively), "the stream to end")
    assert sum("a stream ends" in record.message for record in caplog.records) == 1


def test_a_stream_that_is_not_read_ends(
    ada: Program, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_in_time, "SEND_SECONDS", 0.05)
    ended = list[bool]()

    async def parts() -> AsyncIterator[str]:
        while True:
            yield "part"

    async def never(*given: object) -> Any:
        await asyncio.Event().wait()

    sent = ReadInTime(parts(), ended=lambda: ended.append(True), media_type=plans.MEDIA, headers={})
    for version in ("2.3", "2.4"):
        run(sent, {"type": "http", "asgi": {"spec_version": version}}, never, never)
    assert ended == [True, True]


def test_a_stream_ends_when_its_key_is_revoked(client: Client, ada: Program, services: Services) -> None:
    stream = client.plans()
    next(stream)
    ApiKeys(services.store).revoke_all(ada.account.user_id)
    with pytest.raises(ApiError) as refused:
        next(stream)
    assert refused.value.status == 401
