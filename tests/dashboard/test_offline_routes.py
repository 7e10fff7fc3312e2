"""The routes of the player as an app: manifest, icons, worker, and the page for times without a network."""

from __future__ import annotations

import base64
import hashlib
import re
import struct

import pytest
from starlette.testclient import TestClient

from segue.dashboard.api.offline import ICONS
from segue.dashboard.player.modules import HERE
from segue.people.login_sessions import COOKIE
from tests.dashboard.conftest import Enter

GERMAN = {"accept-language": "de-DE"}


@pytest.fixture
def client(enter: Enter) -> TestClient:
    return enter()


def test_the_page_is_the_same_for_everybody_and_names_nobody(client: TestClient, enter: Enter) -> None:
    other = enter()
    assert client.cookies[COOKIE] != other.cookies[COOKIE]
    first, second = client.get("/offline"), other.get("/offline")
    other.cookies.clear()
    assert first.content == second.content == other.get("/offline").content
    assert "set-cookie" not in first.headers
    assert '"tag"' not in first.text


def test_only_the_script_of_the_page_may_run_in_it(client: TestClient) -> None:
    answer = client.get("/offline")
    policy = answer.headers["content-security-policy"]
    script = re.search(r'<script type="module">(.*)</script>', answer.text, re.DOTALL)
    assert script and "</script" not in script[1]
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_the_page_needs_no_other_file(client: TestClient) -> None:
    text = client.get("/offline").text
    assert re.findall(r'(?:src|href)="([^"]+)"', text.partition("<script")[0]) == ["/manifest.webmanifest"]
    assert "@import" not in text and "url(" not in text.partition("<script")[0]


def test_a_worker_keeps_the_page_of_its_own_version(client: TestClient) -> None:
    worker = client.get("/service-worker.js")
    version = client.get("/offline").headers["etag"]
    assert f"const VERSION = {version};" in worker.text
    assert worker.text.endswith((HERE / "offline/worker.js").read_text())
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["service-worker-allowed"] == "/"
    assert worker.headers["cache-control"] == "no-cache"
    assert worker.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"


def test_page_and_worker_are_in_the_language_of_the_browser(client: TestClient) -> None:
    german = client.get("/offline", headers=GERMAN)
    assert "<h1>Gespeicherte Songs</h1>" in german.text
    assert "Es gibt keine Verbindung" in german.text
    assert client.get("/offline").headers["etag"] != german.headers["etag"]
    assert german.headers["etag"] in client.get("/service-worker.js", headers=GERMAN).text
    assert client.get("/manifest.webmanifest", headers=GERMAN).json()["lang"] == "de"


def test_the_page_is_sent_compressed(client: TestClient) -> None:
    plain = client.get("/offline", headers={"accept-encoding": "identity"})
    packed = client.get("/offline", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2


def test_the_manifest_has_icons_of_the_sizes_that_it_states(client: TestClient) -> None:
    manifest = client.get("/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    named = manifest.json()
    assert (named["start_url"], named["scope"], named["display"]) == ("/", "/", "standalone")
    assert {icon["purpose"] for icon in named["icons"]} == {"any", "maskable"}
    assert len(named["icons"]) == len(ICONS)
    for icon in named["icons"]:
        data = client.get(icon["src"])
        assert data.headers["content-type"] == icon["type"] == "image/png"
        width, height = struct.unpack(">II", data.content[16:24])
        assert icon["sizes"] == f"{width}x{height}"
    assert client.get("/icons/180.png").status_code == 200


@pytest.mark.parametrize("name", ["none.png", "..%2Ficon.svg", "%2e%2e"])
def test_no_other_file_is_an_icon(client: TestClient, name: str) -> None:
    assert client.get(f"/icons/{name}").status_code == 404
