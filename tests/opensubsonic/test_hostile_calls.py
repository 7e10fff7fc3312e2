"""No parameter of any endpoint causes an internal error, whatever its value."""

from __future__ import annotations

import json
from functools import cache

import pytest
from starlette.testclient import TestClient

from segue.dashboard.opensubsonic.annotation import MOST
from segue.dashboard.opensubsonic.parameters import LARGEST_FORM, MOST_FIELDS
from segue.settings import Settings
from tests.marks import MARKS, refuse_long_runs
from tests.opensubsonic import schemas
from tests.opensubsonic.conftest import App, track_id

pytestmark = pytest.mark.integration
HOSTILE = (
    "",
    " ",
    "-1",
    "1e999",
    "NaN",
    "9" * 400,
    str(2**63),
    "\0",
    "\ud800".encode("utf-8", "surrogatepass"),
    b"\xff\xfe",
    "$where",
    "../../etc/passwd",
    "<script>",
    "\u202e\u0000",
    "x" * 500,
    track_id(0, 2),
    "made-for-you",
    "ar-" + "A" * 500,
    "al-$gt",
    "1",
    "true",
    "['a']",
    "a" + MARKS * 40,
)


@pytest.fixture(autouse=True)
def linear(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_long_runs(monkeypatch)


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


@cache
def parameters_of(name: str) -> tuple[str, ...]:
    """The parameters that the schemas give for an endpoint."""
    operations = json.loads((schemas.FOLDER / "endpoints" / f"{name}.json").read_text())
    given = [one for operation in operations.values() for one in operation.get("parameters", ())]
    return tuple(dict.fromkeys(one["name"] for one in given))


def test_no_value_causes_an_internal_error(ada: App, web: TestClient) -> None:
    failed = []
    for name in sorted(schemas.described()):
        for place, value in enumerate(HOSTILE):
            sent = dict.fromkeys(parameters_of(name), value)
            if place % 4:
                response = web.get(f"/rest/{name}", params={**ada.parameters(), **sent})
            else:
                response = web.post(f"/rest/{name}.view", params=ada.parameters(), data=sent)
            if response.status_code not in (200, 206):
                failed.append((name, value, response.status_code, response.text[:200]))
        wrong = web.get(f"/rest/{name}", params={"f": "json", "u": ["a", "b"], "p": "enc:zz", "c": "\0"})
        assert wrong.status_code == 200
    assert failed == []


def test_every_form_of_an_answer_is_readable(ada: App, web: TestClient) -> None:
    for form in ("json", "jsonp", "xml", "", "nonsense", "\0"):
        for callback in ("", "alert(1)//", "a" * 500, "ok.fine"):
            response = web.get("/rest/ping", params={**ada.parameters(), "f": form, "callback": callback})
            assert response.status_code == 200
            assert "alert" not in response.text


def failure(web: TestClient, form: str, **parameters: str) -> tuple[int, int]:
    """The status and the error's code of a call with a form."""
    response = web.post(
        "/rest/ping.view",
        params={"f": "json", "c": "tests", **parameters},
        content=form,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    return response.status_code, response.json()["subsonic-response"]["error"]["code"]


def test_a_form_has_a_limited_size_and_number_of_fields(ada: App, web: TestClient) -> None:
    """Half a second for two megabytes of short fields, from anybody."""
    own = ada.parameters()
    assert failure(web, "x=" + "y" * LARGEST_FORM, **own) == (413, 0)
    assert failure(web, "&".join(["x"] * (MOST_FIELDS + 1)), **own) == (413, 0)
    assert web.get("/rest/ping", params={**own, "id": ["x"] * 1000}).status_code == 200


def test_the_form_of_a_stranger_is_not_read(web: TestClient, ada: App) -> None:
    """With credentials in the address, the answer to wrong ones does not depend on the form."""
    for wrong in ({"u": "Ada", "p": "wrong"}, {"u": "Nobody", "t": "0" * 32, "s": "salt"}, {"apiKey": "x"}):
        status, code = failure(web, "x=" + "y" * LARGEST_FORM, **wrong)
        assert (status, code in (40, 41, 44)) == (200, True), wrong


def test_credentials_may_be_in_the_form(web: TestClient, ada: App) -> None:
    answer = web.post("/rest/ping.view", data={**ada.parameters(), "id": ["x"] * 10_000})
    assert answer.json()["subsonic-response"]["status"] == "ok"


def test_a_call_names_a_limited_number_of_objects(web: TestClient, ada: App) -> None:
    own = ada.parameters()
    answer = web.post("/rest/star", data={**own, "id": [track_id(0, 1)] * (MOST + 1)})
    assert answer.json()["subsonic-response"]["error"]["code"] == 0


def test_the_name_of_a_caller_takes_no_longer_than_its_length(web: TestClient) -> None:
    """Nobody has to be known for it: a form of half a megabyte stopped all threads for minutes."""
    name, headers = MARKS * 60_000, {"Content-Type": "application/x-www-form-urlencoded"}
    for more in ("p=x", "t=x&s=y"):
        answer = web.post("/rest/ping", content=f"u={name}&f=json&{more}".encode(), headers=headers)
        assert answer.json()["subsonic-response"]["error"]["code"] in (40, 41)
