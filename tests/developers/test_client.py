"""The Python client over a server, and the example of the documentation."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

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
        ]
    )
    with Client("http://music.example", "key", sleep=pauses.append) as client:
        client._http = httpx.Client(
            base_url="http://music.example", transport=httpx.MockTransport(lambda request: next(answers))
        )
        with pytest.raises(ApiError) as refused:
            client.me()
    assert pauses == [7.0]
    assert refused.value.status == 503


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
