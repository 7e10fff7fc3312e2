"""The Python client over a server, and the example of the documentation."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from segue.client import ApiError, Client, Event
from segue.dashboard.services import Services
from segue.people.api_keys import ApiKeys
from segue.places import ROOT
from segue.settings import Settings
from tests.dashboard.test_player_routes import in_kafka
from tests.developers.conftest import NEXT, Program, recommend
from tests.docs.blocks import of_pages
from tests.opensubsonic.conftest import track_id
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
ONE = track_id(0, 3)


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


def test_every_call(client: Client, ada: Program, services: Services) -> None:
    recommend(services, ada.account.user_id, ONE)
    assert client.me().name == "Ada"
    [track] = client.recommendations().tracks
    assert track.reason is not None
    assert track.attribution is not None
    assert track.attribution.rank == 1
    assert client.similar(ONE, limit=1)[0].similarity > 0.5
    assert len(client.radio(ONE, after=[NEXT], limit=2)) == 2
    found = client.search("second wind")
    assert (found.total, found.albums[0].name) == (4, "Second Wind")
    [result] = client.send([Event(track_id=ONE, type="play", attribution=track.attribution)])
    assert result.status == "accepted"
    [play] = in_kafka(services.settings)
    assert play["recommendation_id"] == "r1"


def test_an_error_names_its_cause(client: Client, ada: Program) -> None:
    with pytest.raises(ApiError, match="no such track") as refused:
        client.similar("none")
    assert (refused.value.status, refused.value.retry_after) == (404, None)
    ApiKeys(ada.services.store).revoke_all(ada.account.user_id)
    with pytest.raises(ApiError, match="not valid") as refused:
        client.me()
    assert refused.value.status == 401


def test_a_call_beyond_the_limit_is_repeated_when_the_service_says(ada: Program) -> None:
    pauses = list[float]()
    answers = iter(
        [
            httpx.Response(
                429, json={"title": "Too Many Requests", "detail": "wait"}, headers={"Retry-After": "7"}
            ),
            httpx.Response(503, text="<html>", headers={"Retry-After": "soon"}),
            httpx.Response(503, text="<html>"),
        ]
    )
    with Client("http://music.example", "key", sleep=pauses.append) as client:
        client._http = httpx.Client(
            base_url="http://music.example", transport=httpx.MockTransport(lambda request: next(answers))
        )
        with pytest.raises(ApiError) as refused:
            client.me()
    assert pauses == [7.0, 1.0]
    assert refused.value.status == 503


def plan_answer() -> httpx.Response:
    data = json.dumps({"recommendation_id": "r1", "served": "taste", "reflects_at": 1, "tracks": []})
    text = f"id: 1\nevent: plan\ndata: {data}\n\n"
    return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_stream_outlives_a_proxy_whose_service_is_away(status: int) -> None:
    answers = iter([httpx.Response(status, text="<html>"), plan_answer()])
    pauses = list[float]()
    with Client("http://music.example", "key", sleep=pauses.append) as client:
        client._http = httpx.Client(
            base_url="http://music.example", transport=httpx.MockTransport(lambda request: next(answers))
        )
        stream = client.plans()
        assert next(stream).recommendation_id == "r1"
        stream.close()
    assert pauses == [1.0]


def answering(*answers: httpx.Response, pauses: list[float]) -> Client:
    """A client that gets these answers."""
    left = iter(answers)
    client = Client("http://music.example", "key", sleep=pauses.append)
    client._http = httpx.Client(
        base_url="http://music.example", transport=httpx.MockTransport(lambda request: next(left))
    )
    return client


_CALLS: dict[str, Callable[[Client], Any]] = {
    "me": lambda client: client.me(),
    "recommendations": lambda client: client.recommendations(),
    "similar": lambda client: client.similar("t"),
    "radio": lambda client: client.radio("t"),
    "search": lambda client: client.search("words"),
    "send": lambda client: client.send([Event(track_id="t", type="play")]),
    "plans": lambda client: next(client.plans()),
}


@pytest.mark.parametrize("name", _CALLS)
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "null",
        '{"tracks": [{}]}',
        '{"scopes": 1}',
        '{"results": [5]}',
        "<html>",
        "\xff",
        "[" * 100_000,
    ],
)
def test_an_answer_of_another_service_is_an_error_that_says_so(name: str, text: str) -> None:
    """The address is that of another program, or of the log-in page of a network."""
    pauses = list[float]()
    with (
        answering(httpx.Response(200, text=text), pauses=pauses) as client,
        pytest.raises(ApiError, match="check the address") as refused,
    ):
        _CALLS[name](client)
    assert (refused.value.status, refused.value.retry_after, pauses) == (200, None, [])


@pytest.mark.parametrize("data", ["{}", "[]", "no JSON", "[" * 100_000])
def test_an_event_that_is_no_plan_is_an_error(data: str) -> None:
    stream = httpx.Response(
        200, text=f"id: 1\nevent: plan\ndata: {data}\n\n", headers={"Content-Type": "text/event-stream"}
    )
    with answering(stream, pauses=[]) as client, pytest.raises(ApiError, match="check the address"):
        next(client.plans())


@pytest.mark.parametrize("key", ["segue_a\nb", "segue_\N{CYRILLIC SMALL LETTER A}"])
def test_a_key_that_cannot_be_sent_is_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="no API key") as refused:
        Client("http://127.0.0.1:9", key)
    assert "segue_" not in str(refused.value)


def test_a_key_may_come_from_a_file_with_a_line_break() -> None:
    sent = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Authorization"])
        return httpx.Response(200, text=json.dumps({"results": []}))

    with Client("http://127.0.0.1:9", "segue_key\n") as client:
        client._http = httpx.Client(
            base_url="http://127.0.0.1:9", headers=client._http.headers, transport=httpx.MockTransport(answer)
        )
        client.send([Event(track_id=ONE, type="play")])
    assert sent == ["Bearer segue_key"]


def test_a_date_says_when_to_try_again() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    seconds = ApiError.of(429, None, later).retry_after
    assert seconds is not None
    assert 3000 < seconds <= 3600
    assert ApiError.of(503, None, "Mon, 01 Jan 2001 00:00:00 GMT").retry_after == 0
    for absurd in ("soon", "Mon, 20 Nov 99999999999999999999 19:12:08 GMT", "9" * 400, "-1"):
        assert ApiError.of(429, None, absurd).retry_after is None
    assert ApiError.of(500, None, None).retry_after is None


def test_the_address_of_a_service_has_a_scheme() -> None:
    """Without it, a stream would be opened again and again."""
    with pytest.raises(ValueError, match="https://"):
        Client("music.example", "key")


def test_another_address_of_the_service_is_named() -> None:
    moved = httpx.Response(308, headers={"Location": "https://music.example/api/v1/me"})
    with answering(moved, pauses=[]) as client, pytest.raises(ApiError, match=r"https://music\.example"):
        client.me()


def test_a_radio_may_have_played_any_number_of_tracks() -> None:
    asked = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.extend(request.url.params["after"].split(","))
        return httpx.Response(200, json={"tracks": []})

    with Client("http://music.example", "key") as client:
        client._http = httpx.Client(base_url="http://music.example", transport=httpx.MockTransport(answer))
        assert client.radio("t", after=(f"t{number}" for number in range(1000))) == []
    assert asked == [f"t{number}" for number in range(800, 1000)]


def test_a_service_that_is_away_is_tried_again() -> None:
    pauses = list[float]()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with (
        Client(address, "key", attempts=3, sleep=pauses.append) as client,
        pytest.raises(ApiError, match="does not answer"),
    ):
        client.me()
    assert pauses == [1.0, 1.0]


def test_the_client_needs_nothing_else_of_segue() -> None:
    code = (
        "import sys, segue.client; "
        "print(sorted(name for name in sys.modules if name.startswith('segue.') and '.client' not in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_example_of_the_documentation_runs(
    address: str, ada: Program, services: Services, tmp_path: Path
) -> None:
    [example] = [one for one in of_pages() if one.page == "docs/api.md" and one.language == "python"]
    assert len(example.text.strip().splitlines()) <= 20
    recommend(services, ada.account.user_id, ONE, NEXT)
    text = example.text.replace("https://music.example.org", address).replace("segue_YOUR_KEY", ada.key)
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "First Light 3" in done.stdout
    assert [play["type"] for play in in_kafka(services.settings)] == ["play", "complete"]
