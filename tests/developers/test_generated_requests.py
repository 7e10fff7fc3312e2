"""Requests that hypothesis makes from the served description: right and wrong values, in any combination.

Every answer must be one that the description has for the operation, in its form.
"""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from segue.dashboard.api.v1.described import document
from segue.settings import Settings
from tests.developers.conftest import Program
from tests.generated import ANY, Generated, Request, json_of
from tests.opensubsonic.conftest import track_id

pytestmark = pytest.mark.integration
_EXAMPLES = 300
_SMALL = 10**9
KNOWN = (*(track_id(album, number) for album in range(4) for number in (1, 2)), "none")
API = Generated(document(), known=KNOWN, wanted=lambda method, path: not path.endswith("/stream"))
"""Without the stream, which has no end."""


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    """With room for all requests of a minute."""
    api = broker.api.model_copy(update={"requests_per_minute": 1_000_000})
    return broker.model_copy(update={"api": api})


def _damaged(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Right bodies in which a field of an event is anything."""

    def damage(drawn: tuple[Any, str, Any]) -> Any:
        body, name, value = drawn
        for event in body.get("events", ()):
            event[name] = value
        return body

    names = ("event_id", "track_id", "type", "occurred_at", "ms_played", "rank", "recommendation_id")
    return st.tuples(right, st.sampled_from(names), ANY).map(damage)


def _at_present(body: Any) -> Any:
    """A body whose small times are those of a moment ago."""
    for event in body.get("events", ()) if isinstance(body, dict) else ():
        at = event.get("occurred_at") if isinstance(event, dict) else None
        if type(at) is int and 0 <= at < _SMALL:
            event["occurred_at"] = round(time.time() * 1000) - at
    return body


@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=API.requests(damaged=_damaged))
def test_every_answer_is_as_it_is_described(request: Request, ada: Program) -> None:
    method, address, options, operation = request
    if "content" in options:
        options = {**options, "content": json_of(_at_present(options["content"]))}
    response = ada.ask(method, address.removeprefix("/api/v1"), **options)
    API.check(response, operation)


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
