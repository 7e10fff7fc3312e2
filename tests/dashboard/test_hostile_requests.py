"""Requests that no page of Segue sends: each gets an answer that the API describes, none status 500."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.dashboard.api.described import OPERATIONS, Operation
from segue.dashboard.api.openapi import answers
from segue.dashboard.app import make_routes
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE
from segue.plays.event import FIELDS
from segue.storage.mongo import Document
from tests.marks import MARKS, refuse_long_runs
from tests.plays.examples import a_play

TEXTS = (
    "",
    "\x00",
    "\ud800",
    "a" * 40_000,
    "$where",
    "../../etc/passwd",
    "١",
    "Infinity",
    "nan",
    "1e999",
    "-1",
    "a" + MARKS * 900,
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    None,
    True,
    -1,
    2**63,
    10**400,
    1.5,
    1e308,
    float("nan"),
    float("-inf"),
    [],
    {},
    [[]],
    {"$gt": 1},
)
BODIES = (
    b"",
    b"\xff",
    b"[" * 9000,
    b"null",
    b'{"a":',
    b"9" * 9000,
    b'{"plays": [' + b"{}," * 9000,
    b"\x00" * 99_000,
)
HEADERS = {
    "Origin": ("http://[", "http://a:99999999", "null", "\xff", "http://testserver@evil", "x" * 9000),
    "Host": ("[", "a:b", "", "x" * 9000),
    "Cookie": (f"{COOKIE}=\xff", f"{COOKIE}=", f"{COOKIE}={'x' * 9000}", ";" * 999, f'{COOKIE}="\\777"'),
    "Range": (
        "bytes=",
        "bytes=-0",
        "bytes=9-1",
        f"bytes={'9' * 400}-",
        "bytes=0-,1-,2-",
        "\xff",
        "bytes=a-b",
    ),
    "If-None-Match": ("\xff", "*", '"' * 999),
    "If-Range": ("\xff", "Thu, 99 Foo 2026", "x" * 9000),
    "Content-Length": ("-1", "9" * 400, "x"),
    "Content-Type": ("\xff", "multipart/form-data", "application/json; charset=none"),
    "Accept-Language": ("\xff", ",;q=x", "x" * 9000),
    "User-Agent": ("\xff", "x" * 9000),
    "X-Forwarded-For": ("\xff", "x" * 9000, "1.2.3.4.5, ::::"),
    "Traceparent": ("\xff", "00-x-y-z", "x" * 9000),
}


@pytest.fixture(autouse=True)
def linear(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_long_runs(monkeypatch)


@pytest.fixture
def client(library: Database[Document], services: Services) -> TestClient:
    client = TestClient(Starlette(routes=make_routes(services)), raise_server_exceptions=False)
    client.cookies.set(COOKIE, services.login_sessions.open(user_id="ada", name="Ada"))
    return client


def _names(operation: Operation) -> list[str]:
    """The fields of the operation's body."""
    schema = operation.body.model_json_schema() if isinstance(operation.body, type) else {}
    return list(schema.get("properties", ()))


def _usual(operation: Operation) -> dict[str, Any]:
    body: dict[str, Any] = dict.fromkeys(_names(operation), "t1")
    if operation.path == "/api/events":
        body |= {"sent_at": 1e12, "plays": [a_play()], "waiting": 1}
    if "tracks" in body:
        body["tracks"] = ["t1"]
    return body


def _bodies(operation: Operation) -> Iterator[bytes]:
    yield from BODIES
    usual = _usual(operation)
    for value in VALUES:
        yield json.dumps(value).encode()
        for name in usual:
            yield json.dumps(usual | {name: value}).encode()
            yield json.dumps(usual | {name: [value]}).encode()
    if operation.path == "/api/events":
        for value in VALUES:
            for field in FIELDS:
                yield json.dumps(usual | {"plays": [a_play(**{field.name: value})]}).encode()


def _requests(operation: Operation) -> Iterator[dict[str, Any]]:
    address = re.sub(r"{\w+}", "t1", operation.path)
    if "{" in operation.path:
        for text in TEXTS:
            odd = quote(text.encode("utf-8", "surrogatepass")[:2000] or "%")
            yield {"url": re.sub(r"{\w+}", odd, operation.path)}
    for parameter in operation.query:
        for text in TEXTS:
            value = quote(text.encode("utf-8", "surrogatepass")[:2000])
            yield {"url": f"{address}?{parameter.name}={value}&{parameter.name}=x"}
    for name, values in HEADERS.items():
        for value in values:
            yield {"url": address, "headers": {name: value.encode("latin-1")}}
    if operation.method == "POST":
        for body in _bodies(operation):
            yield {"url": address, "content": body}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_no_request_is_a_server_error(client: TestClient, operation: Operation) -> None:
    token = client.cookies[COOKIE]
    allowed = {*answers(operation), 404, 416, 400}
    faults = []
    for request in _requests(operation):
        client.cookies.set(COOKIE, token)  # some routes end the session
        answer = client.request(operation.method, **request)
        if answer.status_code not in allowed or answer.status_code == 500:
            faults.append((answer.status_code, str(request)[:200], answer.text[:100]))
    assert faults == []
