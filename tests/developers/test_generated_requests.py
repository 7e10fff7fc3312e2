"""Requests that hypothesis makes from the served description: right and wrong values, in any combination.

Every answer must be one that the description has for the operation, in its form.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from segue.dashboard.api.v1.described import document
from segue.settings import Settings
from tests.developers.conftest import Program
from tests.opensubsonic.conftest import track_id

pytestmark = pytest.mark.integration
_EXAMPLES = 300
_SMALL = 10**9
KNOWN = (*(track_id(album, number) for album in range(4) for number in (1, 2)), "none")
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
    if not path.endswith("/stream")  # which has no end
]
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    """With room for all requests of a minute."""
    api = broker.api.model_copy(update={"requests_per_minute": 1_000_000})
    return broker.model_copy(update={"api": api})


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema of the description."""
    made: st.SearchStrategy[Any] = _ANY
    match schema:
        case {"$ref": str(name)}:
            made = values(document()["components"]["schemas"][name.rpartition("/")[2]])
        case {"anyOf": list(choices)}:
            made = st.one_of(*map(values, choices))
        case {"enum": list(names)}:
            made = st.sampled_from(names)
        case {"type": "integer"}:
            made = st.integers(schema.get("minimum"), schema.get("maximum"))
        case {"type": "string", "pattern": str(pattern)}:
            made = st.sampled_from(KNOWN) | st.uuids().map(str) | st.from_regex(pattern, fullmatch=True)
        case {"type": "string"}:
            sizes = {"min_size": schema.get("minLength", 0), "max_size": schema.get("maxLength", 60)}
            made = st.sampled_from(["light", *KNOWN]) | st.text(**sizes)
        case {"type": "array", "items": dict(items)}:
            made = st.lists(values(items), min_size=schema.get("minItems", 0), max_size=3)
        case {"type": "object", "properties": dict(fields)}:
            required = {name: values(fields[name]) for name in schema.get("required", ())}
            optional = {name: values(of) for name, of in fields.items() if name not in required}
            made = st.fixed_dictionaries(required, optional=optional)
        case {"type": "null"}:
            made = st.none()
    return made


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
    """Method, address, options of a request, and its operation."""
    method, path, operation = draw(st.sampled_from(OPERATIONS))
    query, options = {}, dict[str, Any]()
    for parameter in operation.get("parameters", ()):
        right = values(parameter["schema"])
        value = draw(right | right | st.text(max_size=20) | st.none())
        if parameter["in"] == "path":
            track = draw(st.sampled_from(KNOWN)) if value is None else _text(value)
            path = path.replace(f"{{{parameter['name']}}}", quote(track or "x", safe=""))
        elif value is not None:
            query[parameter["name"]] = _text(value)
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        right = values(schema)
        options["content"] = draw(right | right | right | _damaged(right) | _ANY)
    return method, path.removeprefix("/api/v1"), {"params": query, **options}, operation


def _damaged(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Right bodies in which a field of an event is anything."""

    def damage(drawn: tuple[Any, str, Any]) -> Any:
        body, name, value = drawn
        for event in body.get("events", ()):
            event[name] = value
        return body

    names = ("event_id", "track_id", "type", "occurred_at", "ms_played", "rank", "recommendation_id")
    return st.tuples(right, st.sampled_from(names), _ANY).map(damage)


def _at_present(body: Any) -> Any:
    """A body whose small times are those of a moment ago."""
    for event in body.get("events", ()) if isinstance(body, dict) else ():
        at = event.get("occurred_at") if isinstance(event, dict) else None
        if type(at) is int and 0 <= at < _SMALL:
            event["occurred_at"] = round(time.time() * 1000) - at
    return body


def _text(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=requests())
def test_every_answer_is_as_it_is_described(
    request: tuple[str, str, dict[str, Any], dict[str, Any]], ada: Program
) -> None:
    method, address, options, operation = request
    if "content" in options:
        options = {**options, "content": _json(_at_present(options["content"]))}
    response = ada.ask(method, address, **options)
    described = operation["responses"].get(str(response.status_code))
    assert described is not None, (method, address, response.status_code, response.text[:300])
    media = response.headers["content-type"].partition(";")[0]
    schema = described["content"][media].get("schema")
    if schema:
        Draft202012Validator({**document(), **schema}).validate(response.json())


@pytest.mark.parametrize("method", ["GET", "POST"])
@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(path="\n0", key="")
@given(path=st.text(max_size=30), key=st.text(st.characters(max_codepoint=255), max_size=120))
def test_any_path_and_key_is_refused_as_a_problem(path: str, key: str, method: str, ada: Program) -> None:
    address = quote(path.encode("utf-8", "surrogatepass"), safe="/")
    header = re.sub(r"[^\x21-\xff]", "", key).encode("latin-1")
    response = ada.web.request(method, f"/api/v1/{address}", headers={"Authorization": b"Bearer " + header})
    assert response.status_code in (401, 404, 405, 429, 200 if address == "openapi.json" else 404)
    if response.status_code != 200:
        assert response.json()["status"] == response.status_code
