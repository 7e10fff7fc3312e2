"""The API's description: it has every route, and real answers are as it says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.dashboard.api.described import OPERATIONS
from segue.dashboard.api.openapi import answers, document
from segue.dashboard.app import make_routes
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE
from segue.storage.mongo import Document

MISSING = "0" * 64
QUEUE = {
    "version": 0,
    "player": "tab",
    "at": 0,
    "position": 0,
    "items": [{"id": "t1", "key": "k", "source": "home"}],
}
CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/api/upcoming", None),
    ("GET", "/api/tickets/t1", None),
    ("GET", "/api/audio/t1?t=1.2", None),
    ("GET", f"/api/covers/{MISSING}", None),
    ("GET", "/api/tracks/t1/lyrics", None),
    ("GET", "/api/tracks/none/lyrics", None),
    ("GET", "/api/radio/none", None),
    ("GET", "/api/search?q=song", None),
    ("GET", "/api/search?q=song&songs=x", None),
    ("GET", "/api/library", None),
    ("GET", "/api/library?show=songs&by=added&backwards=1&after=t2&shown=2", None),
    ("GET", "/api/library?show=songs&filter=song&genre=Folk", None),
    ("GET", "/api/library?show=genres&limit=1", None),
    ("GET", "/api/library?shown=many", None),
    ("GET", "/api/library/songs?show=genres&id=Folk", None),
    ("GET", "/api/library/songs?show=artists&id=nobody", None),
    ("GET", "/api/map", None),
    ("GET", "/api/map/here", None),
    ("GET", "/api/map/tracks?rows=x", None),
    ("GET", "/api/queue", None),
    ("PUT", "/api/queue", QUEUE),
    ("PUT", "/api/queue", QUEUE | {"version": 7}),
    ("POST", "/api/queue", {"items": 7}),
    ("GET", "/api/playlists", None),
    ("POST", "/api/playlists", {"name": "Evening", "tracks": ["t1"]}),
    ("POST", "/api/playlists", {"name": 7}),
    ("POST", "/api/playlists", {"name": "Evening", "tracks": ["unknown"]}),
    ("POST", "/api/playlists/none/tracks", {"tracks": []}),
    ("GET", "/api/playlists/none/file", None),
    ("PUT", "/api/playlists/none", {"name": "Night"}),
    ("PUT", "/api/playlists/none", {}),
    ("POST", "/api/playlists/none/order", {"tracks": [{"place": 0, "track": "t1"}], "to": 1}),
    ("POST", "/api/playlists/none/order", {"tracks": [{"place": True}]}),
    ("PUT", "/api/playlists/none/picture", {}),
    ("GET", "/api/playlists/none/picture", None),
    ("POST", "/api/people/sign-up", {"name": "Bea", "password": "long enough for this"}),
    ("POST", "/api/people/sign-up", {"name": "", "password": ""}),
    ("POST", "/api/people/log-in", {"name": "nobody", "password": "wrong wrong wrong"}),
    ("POST", "/api/people/hand-over", {"code": "unknown"}),
    ("POST", "/api/people/change-password", {"password": "a", "new_password": "b"}),
    ("POST", "/api/people/forgot-password", {"name": "nobody"}),
    ("POST", "/api/people/reset-password", {"token": "x", "new_password": "long enough for this"}),
    ("POST", "/api/people/mail-address", {"address": "x", "password": "y"}),
    ("POST", "/api/people/confirm-address", {"token": "x"}),
    ("POST", "/api/people/log-out", {}),
    ("POST", "/api/people/log-out-everywhere", {}),
    ("POST", "/api/me/leave", {"confirm": "no"}),
    ("POST", "/api/share", {"kind": "playlist", "key": "none", "title": "x"}),
    ("POST", "/api/share", {"kind": "nothing"}),
    ("DELETE", "/api/share/none", None),
    ("GET", "/s/none", None),
    ("GET", "/s/none/picture.png", None),
    ("GET", "/s/none/audio/t1", None),
    ("POST", "/api/similar", None),
    ("GET", "/api/library/songs?show=liked", None),
    ("GET", "/offline", None),
    ("GET", "/service-worker.js", None),
    ("GET", "/manifest.webmanifest", None),
    ("GET", "/icons/192.png", None),
    ("GET", "/icons/none.png", None),
    ("GET", "/api/openapi.json", None),
]


@pytest.fixture
def client(library: Database[Document], services: Services) -> TestClient:
    client = TestClient(Starlette(routes=make_routes(services)))
    client.cookies.set(COOKIE, services.login_sessions.open(user_id="ada", name="Ada"))
    return client


def test_the_description_has_every_route_and_no_other(services: Services) -> None:
    routes = {(method, route.path) for route in make_routes(services) for method in route.methods or ()}
    described = {(operation.method, operation.path) for operation in OPERATIONS}
    assert {route for route in routes if route[0] != "HEAD"} == described
    assert len(described) == len(OPERATIONS)


def test_the_document_is_served_and_its_schemas_are_valid(client: TestClient) -> None:
    served = client.get("/api/openapi.json").json()
    assert served == json.loads(json.dumps(document()))
    assert served["openapi"] == "3.1.0"
    for schema in served["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(served)))
    assert named == served["components"]["schemas"].keys()


@pytest.mark.parametrize(("method", "address", "body"), CALLS)
def test_an_answer_is_as_it_is_described(client: TestClient, method: str, address: str, body: Any) -> None:
    answer = client.request(method, address, json=body)
    _check(method, address.partition("?")[0], answer)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.session], ids=lambda one: one.path)
def test_a_route_that_needs_a_session_refuses_without_one(client: TestClient, operation: Any) -> None:
    client.cookies.clear()
    address = re.sub(r"{\w+}", "x", operation.path)
    answer = client.request(operation.method, address, json={"name": "", "password": "", "code": ""})
    assert answer.status_code == 401
    _check(operation.method, address, answer)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.changes], ids=lambda one: one.path)
def test_a_route_that_changes_something_refuses_other_sites(client: TestClient, operation: Any) -> None:
    address = re.sub(r"{\w+}", "x", operation.path)
    answer = client.request(operation.method, address, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    _check(operation.method, address, answer)


def _check(method: str, path: str, answer: Any) -> None:
    """The status and the body of an answer are among those that its operation describes."""
    (operation,) = (one for one in OPERATIONS if one.method == method and _matches(one.path, path))
    described = answers(operation).get(answer.status_code)
    assert described is not None, f"{method} {path}: {answer.status_code} {answer.text[:200]}"
    media = answer.headers.get("content-type", "").partition(";")[0]
    if described.body is None:
        assert not answer.content
    elif isinstance(described.body, str):
        assert re.fullmatch(described.body.replace("+", r"\+").replace("*", ".+"), media)
    else:
        assert media == "application/json"
        described.body.model_validate(answer.json(), strict=True)


def _matches(pattern: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path) is not None
