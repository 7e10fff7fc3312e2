"""Submissions that hypothesis makes: listens with right and wrong fields. None is answered with status 500.

A submission is accepted, or refused with the protocol's form of an error, and then nothing of it is stored.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from segue.dashboard.services import Services
from tests.generated import ANY, json_of
from tests.listenbrainz.conftest import Program

pytestmark = pytest.mark.integration
_TEXTS = st.sampled_from(["Title", "The Example", "\x00", "\ud800", " "]) | st.text(max_size=12)
_IDS = st.uuids().map(str) | st.just("a/b")
_INFO = st.fixed_dictionaries(
    {},
    optional={
        "duration": st.integers() | st.floats() | st.text(max_size=6),
        "duration_ms": st.integers() | st.floats() | st.text(max_size=6),
        "duration_played": st.integers() | ANY,
        "recording_mbid": _IDS | ANY,
        "track_mbid": _IDS | ANY,
        "artist_mbids": st.lists(_IDS, max_size=3) | ANY,
        "artist_names": st.lists(_TEXTS, max_size=3) | ANY,
        "submission_client": _TEXTS | ANY,
        "media_player": _TEXTS | ANY,
        "tracknumber": st.integers() | ANY,
    },
)
_DATA = st.fixed_dictionaries(
    {"artist_name": _TEXTS, "track_name": _TEXTS},
    optional={"release_name": _TEXTS | ANY, "additional_info": _INFO | ANY},
)
_AGES = st.integers(0, 10**8) | st.integers(-(2**70), 2**70)
_LISTENS = st.fixed_dictionaries(
    {"track_metadata": _DATA | _DATA | ANY}, optional={"listened_at": _AGES | ANY}
)
_BODIES = st.fixed_dictionaries(
    {
        "listen_type": st.sampled_from(["single", "import", "playing_now"]) | ANY,
        "payload": st.lists(_LISTENS, max_size=3) | ANY,
    }
)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=_BODIES | _BODIES | _BODIES | ANY)
def test_a_submission_is_accepted_or_refused_as_a_whole(
    body: Any, ada: Program, web: TestClient, services: Services
) -> None:
    for listen in body["payload"] if _has_listens(body) else ():
        at = listen.get("listened_at") if isinstance(listen, dict) else None
        if type(at) is int and 0 <= at <= 10**8:
            listen["listened_at"] = round(time.time()) - at
    stored = services.store.database.imported_days.count_documents({})
    response = web.post("/1/submit-listens", content=json_of(body), headers=ada.headers())
    assert response.status_code in (200, 400), (response.status_code, response.text[:300])
    if response.status_code == 200:
        assert response.json() == {"status": "ok"}
    else:
        assert response.json()["code"] == 400
        assert response.json()["error"]
        assert services.store.database.imported_days.count_documents({}) == stored


def _has_listens(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("payload"), list)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]),
    token=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
    path=st.sampled_from(["submit-listens", "validate-token", "user/a/listens", "", "%00", "%ff", "a%0ab"]),
)
def test_any_token_and_path_has_an_answer(method: str, token: str, path: str, web: TestClient) -> None:
    headers = {"Authorization": f"Token {token}".encode("latin-1")}
    response = web.request(method, f"/1/{path}", headers=headers, content=b"{}")
    assert response.status_code in (200, 204, 401, 404, 405, 429)
