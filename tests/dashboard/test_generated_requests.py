"""Requests that hypothesis makes from the description of the player's routes: no status 500.

Every answer must be one that the description has for the operation, in its form.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from segue.dashboard.api.openapi import document
from segue.dashboard.api.requests import Guests
from segue.dashboard.app import make_routes
from segue.dashboard.services import Services
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.generated import Generated, Request, json_of

pytestmark = pytest.mark.integration
API = Generated(document(), known=("t0", "t1", "artist", "none"))


@pytest.fixture
def web(database: Database[Document], broker: Settings) -> TestClient:
    """A visitor with a session."""
    database.tracks.insert_many(
        {"_id": f"t{n}", "title": f"Song {n}", "artist": "Artist", "path": f"/m/{n}.mp3", "state": "present"}
        for n in range(2)
    )
    services = Services(Store(database), broker)
    guests = Middleware(Guests, login_sessions=services.login_sessions)
    client = TestClient(Starlette(routes=make_routes(services), middleware=[guests]))
    client.get("/", headers={"accept": "text/html"})
    return client


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=API.requests())
def test_every_answer_is_as_it_is_described(request: Request, web: TestClient) -> None:
    method, address, options, operation = request
    if "content" in options:
        options = {**options, "content": json_of(options["content"])}
    response = web.request(method, address, follow_redirects=False, **options)
    assert response.status_code < 500 or response.status_code == 503, response.text[:500]
    API.check(response, operation)
