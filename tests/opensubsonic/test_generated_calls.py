"""Calls that hypothesis makes from the published schemas: right and wrong values, repeated and missing ones.

Every answer must be one that the protocol allows, in the form that the call asks for.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from segue.dashboard.opensubsonic import ids
from segue.settings import Settings
from tests.opensubsonic import schemas
from tests.opensubsonic.conftest import COVER, App, track_id

pytestmark = pytest.mark.integration
_EXAMPLES = 400
_OWN = ("u", "p", "t", "s", "apiKey", "v", "c", "f")
_XMLNS = "{http://subsonic.org/restapi}"
KNOWN = (
    *(track_id(album, number) for album in range(4) for number in (1, 2)),
    *("made-for-you", "made-daily-mix", COVER, "1", ids.artist("the example"), ids.album("x"), ids.ARTIST),
)
"""Ids of objects, some of which exist."""


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


@cache
def parameters_of(name: str) -> dict[str, dict[str, Any]]:
    """The schemas of an endpoint's parameters by name."""
    operations = json.loads((schemas.FOLDER / "endpoints" / f"{name}.json").read_text())
    given = [one for operation in operations.values() for one in operation.get("parameters", ())]
    return {one["name"]: one.get("schema", {}) for one in given if one["name"] not in _OWN}


def _values(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Values of a parameter: mostly of its type."""
    kind, names = schema.get("type"), schema.get("enum")
    numbers = st.integers(-2, 12) | st.integers(-(2**70), 2**70)
    right: st.SearchStrategy[Any]
    if names:
        right = st.sampled_from(names)
    elif kind == "array":
        return _values(schema.get("items", {}))
    elif kind == "integer":
        right = numbers | st.integers(1_600_000_000_000, 1_800_000_000_000)
    elif kind == "number":
        right = st.floats() | numbers
    elif kind == "boolean":
        right = st.sampled_from(["true", "false"])
    else:
        right = st.sampled_from(KNOWN) | st.sampled_from(["newest", "byYear", "byGenre", "Folk", "Ada", ""])
    return right.map(str) | right.map(str) | st.text(max_size=12)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, list[str]]]:
    """An endpoint, and the values of each of its parameters; the first ones may be missing."""
    name = draw(st.sampled_from(sorted(schemas.described())))
    sent = {}
    for parameter, schema in parameters_of(name).items():
        most = 3 if schema.get("type") == "array" else 1
        sent[parameter] = draw(st.lists(_values(schema), min_size=draw(st.integers(0, 1)), max_size=most))
    return name, sent


@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(call=calls(), form=st.sampled_from(["json", "xml"]), method=st.sampled_from(["GET", "POST"]))
def test_every_answer_is_one_of_the_protocol(
    call: tuple[str, dict[str, list[str]]], form: str, method: str, ada: App, web: TestClient
) -> None:
    name, sent = call
    sent = {
        key: [text.encode("utf-8", "replace").decode() for text in values] for key, values in sent.items()
    }
    own = ada.parameters(f=form)
    if method == "GET":
        response = web.get(f"/rest/{name}.view", params={**sent, **own})
    elif name == "getTranscodeDecision":
        response = web.post(f"/rest/{name}", params={**sent, **own}, json={"directPlayProfiles": [sent]})
    else:
        response = web.post(f"/rest/{name}.view", data={**sent, **own})
    assert response.status_code in (200, 206), response.text[:500]
    kind = response.headers["content-type"].partition(";")[0]
    if schemas.sends_files(name) and kind.partition("/")[0] in ("audio", "image"):
        return
    if form == "json":
        body = response.json()
        assert body["subsonic-response"]["openSubsonic"] is True
        schemas.check(name, body)
    else:
        root = ElementTree.fromstring(response.content)
        assert root.tag == f"{_XMLNS}subsonic-response"
        assert root.get("status") in ("ok", "failed")
