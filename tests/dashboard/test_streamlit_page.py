"""The HTML page: Streamlit's with our changes, at every address of a page, and nothing else changed."""

from __future__ import annotations

import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from segue.dashboard.streamlit_page import StreamlitPage, original, page
from tests.dashboard.browser import Served

BROWSER = {"accept": "text/html,*/*"}


@pytest.fixture
def client() -> TestClient:
    async def streamlit(request: Request) -> Response:
        if "text/html" in request.headers["accept"]:
            assert "if-none-match" not in request.headers, "Streamlit would say that its page is the same"
            assert "accept-encoding" not in request.headers, "Streamlit would compress its page"
        return HTMLResponse(original(), headers={"etag": '"of Streamlit"', "last-modified": "then"})

    async def of_same_length(request: Request) -> Response:
        return HTMLResponse("x" * len(original().encode()))

    async def other(request: Request) -> Response:
        return PlainTextResponse("other", headers={"etag": '"other"'})

    routes = [Route("/same", of_same_length), Route("/other", other), Route("/{path:path}", streamlit)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(StreamlitPage)]))


def test_each_change_finds_its_place_in_streamlits_page() -> None:
    text = page()
    assert "<title>Segue</title>" in text
    assert "favicon.png" not in text
    assert re.search(r'<link\s+rel="preload" fetchpriority="low"\s[^>]*as="font"', text)
    assert text.index("window.__streamlit = {") < text.index('<script type="module"')
    added = set(re.findall(r'rel="modulepreload"[^>]*href="(\S+)"', text))
    added -= set(re.findall(r'rel="modulepreload"[^>]*href="(\S+)"', original()))
    assert {"BidiComponent", "Html"} <= {name.rpartition("/")[2].partition(".")[0] for name in added}
    assert original().count("<script>") == 1, "the script that opens the connection comes before it"


@pytest.mark.parametrize("path", ["/", "/album?id=1"])
@pytest.mark.parametrize("encoding", ["gzip, br", "identity"])
def test_a_browser_gets_our_page(client: TestClient, path: str, encoding: str) -> None:
    known = {"if-none-match": '"of Streamlit"', "if-modified-since": "then"}
    answer = client.get(path, headers={**BROWSER, **known, "accept-encoding": encoding})
    assert answer.status_code == 200
    assert answer.text == page()
    assert answer.headers["vary"] == "Accept-Encoding"
    assert ("gzip" in answer.headers.get("content-encoding", "")) == ("gzip" in encoding)
    assert "etag" not in answer.headers
    assert "last-modified" not in answer.headers


def test_other_answers_stay_as_they_are(client: TestClient) -> None:
    assert client.get("/same", headers=BROWSER).text == "x" * len(original().encode())
    other = client.get("/other", headers=BROWSER)
    assert (other.text, other.headers["etag"]) == ("other", '"other"')
    assert client.get("/", headers={"accept": "*/*"}).text == original()
    assert client.head("/", headers=BROWSER).text == ""


@pytest.mark.browser
@pytest.mark.integration
@pytest.mark.parametrize("path", ["/", "/library", "/album?id=none"])
def test_the_dashboard_sends_our_page_at_every_address(visited: Served, path: str) -> None:
    for encoding in ("gzip", "identity"):
        answer = httpx.get(visited.address + path, headers={**BROWSER, "accept-encoding": encoding})
        assert answer.text == page(), encoding
