"""The service worker in a real Chromium, over a small server whose version changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page

from segue.dashboard.player.modules import HERE
from tests.dashboard.browser import forget_visit, needs_chromium
from tests.dashboard.network import Network
from tests.waiting import until

pytestmark = needs_chromium
WORKER = (HERE / "offline/worker.js").read_text()
REGISTER = """navigator.serviceWorker.register('/service-worker.js').then(() => navigator.serviceWorker.ready)
  .then(() => true)"""
CONTROLLED = "navigator.serviceWorker.controller !== null"
UPDATE = (
    "navigator.serviceWorker.getRegistration().then((one) => one.update()).catch(() => {}).then(() => true)"
)
CACHES = "caches.keys()"


class Versions:
    """A server of pages of a version; the page for offline may be of another."""

    def __init__(self) -> None:
        self.online, self.offline, self.answers = "1", "1", True
        versions = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not versions.answers:
                    self.close_connection = True
                    return
                status, kind, body, headers = versions.answer(self.path)
                self.send_response(status)
                for name, value in {
                    "Content-Type": kind,
                    "Content-Length": str(len(body)),
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str) -> tuple[int, str, bytes, dict[str, str]]:
        if path == "/service-worker.js":
            script = f"const VERSION = {json.dumps(self.online)};\n{WORKER}"
            return 200, "text/javascript", script.encode(), {"Cache-Control": "no-cache"}
        if path == "/offline":
            page = f"<title>offline {self.offline}</title>".encode()
            return 200, "text/html", page, {"ETag": f'"{self.offline}"', "Cache-Control": "max-age=3600"}
        if path.startswith("/static/"):
            return 404, "text/plain", b"gone", {}
        return 200, "text/html", f"<title>page {self.online}</title>".encode(), {"Cache-Control": "no-cache"}


@pytest.fixture
def versions() -> Iterator[Versions]:
    found = Versions()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def network(versions: Versions) -> Iterator[Network]:
    with Network(versions.server.server_port) as network:
        yield network


@pytest.fixture
def visited_page(network: Network, page: Page) -> Iterator[Page]:
    page.goto(network.address)
    page.evaluate(REGISTER)
    until(lambda: page.evaluate(CONTROLLED), "the worker to be in charge")
    yield page
    forget_visit(page)


def updated(page: Page) -> list[str]:
    """Look for a new version; the names of the caches.

    Chromium looks by itself after a page has loaded. If it does so just then, it does not look again.
    """
    page.evaluate(UPDATE)
    names: list[str] = page.evaluate(CACHES)
    return names


def test_every_address_of_a_page_opens_without_a_network(visited_page: Page, network: Network) -> None:
    network.cut(visited_page)
    for path in ("/", "/album?id=x", "/library"):
        visited_page.goto(network.address + path)
        assert visited_page.title() == "offline 1"
        assert visited_page.url == network.address + path


def test_a_server_that_does_not_answer_is_no_network_either(
    visited_page: Page, versions: Versions, network: Network
) -> None:
    versions.answers = False
    visited_page.goto(network.address)
    assert visited_page.title() == "offline 1"


def test_with_a_network_a_page_is_never_older_than_the_server(visited_page: Page, versions: Versions) -> None:
    versions.online = versions.offline = "2"
    visited_page.reload()
    assert visited_page.title() == "page 2"


def test_a_new_version_takes_the_place_of_the_old_one(
    visited_page: Page, versions: Versions, network: Network
) -> None:
    assert visited_page.evaluate(CACHES) == ["segue.page.1"]
    versions.online = versions.offline = "2"
    until(lambda: updated(visited_page) == ["segue.page.2"], "the new version's cache alone")
    network.cut(visited_page)
    visited_page.reload()
    assert visited_page.title() == "offline 2"


def test_a_half_updated_server_leaves_the_old_version_whole(
    visited_page: Page, versions: Versions, network: Network
) -> None:
    versions.online = "2"  # its page for offline is still the former one
    visited_page.evaluate(UPDATE)
    visited_page.wait_for_timeout(500)
    network.cut(visited_page)
    visited_page.reload()
    assert visited_page.title() == "offline 1"


def test_saved_songs_stay_when_a_new_version_comes(visited_page: Page, versions: Versions) -> None:
    visited_page.evaluate(
        "caches.open('segue.saved.x').then((c) => c.put('/saved/songs/a', new Response('a')))"
    )
    versions.online = versions.offline = "2"
    until(lambda: "segue.page.1" not in updated(visited_page), "the old version to be removed")
    assert set(visited_page.evaluate(CACHES)) == {"segue.saved.x", "segue.page.2"}


@pytest.mark.parametrize(
    "path", ["/static/gone.js", "/api/upcoming", "/rest/ping", "/1/validate-token", "/s/token", "/auth/login"]
)
def test_what_is_no_page_is_left_to_the_network(visited_page: Page, network: Network, path: str) -> None:
    status = visited_page.evaluate("(path) => fetch(path).then((answer) => answer.status)", path)
    assert status == (404 if path.startswith("/static/") else 200)
    assert visited_page.evaluate("(path) => caches.match(path).then((found) => found === undefined)", path)
    network.cut(visited_page)
    with pytest.raises(Exception, match="net::ERR_"):
        visited_page.goto(network.address + path)


@pytest.mark.parametrize("away", ["network", "server"])
def test_covers_of_saved_songs_are_shown_without_a_network(
    visited_page: Page, network: Network, versions: Versions, away: str
) -> None:
    visited_page.evaluate(
        "caches.open('segue.saved.x').then((c) => c.put('/api/covers/ab', new Response('picture')))"
    )
    if away == "network":
        network.cut(visited_page)
    else:
        versions.answers = False
    shown = visited_page.evaluate("fetch('/api/covers/ab').then((answer) => answer.text())")
    assert shown == "picture"
    assert visited_page.evaluate("fetch('/api/covers/cd').catch(() => 'none')") == "none"
