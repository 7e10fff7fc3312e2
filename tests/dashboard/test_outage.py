"""The dashboard while MongoDB is killed or suspended: status 503, one sentence, and it recovers by itself."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import Page

from segue.dashboard.api.described import OPERATIONS, Operation
from segue.dashboard.text import OUTAGE
from segue.local.mongod import Mongod
from segue.local.process import read_record
from segue.settings import Settings
from segue.storage.mongo import connect
from tests.conftest import own_settings
from tests.dashboard.browser import Served, needs_chromium
from tests.dashboard.music import make_music
from tests.waiting import until

PAGES = ("", "search", "map", "playlists", "you", "listening", "friends", "live", "operations", "audience")
ROUTES = [operation for operation in OPERATIONS if operation.database]
ERROR = "[data-testid='stException']"


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Mongod]:
    own = Mongod(tmp_path / "mongo")
    own.start()
    yield own
    own.stop()


@pytest.fixture
def served(mongod: Mongod, music_files: dict[str, Path], tmp_path: Path) -> Iterator[Served]:
    settings: Settings = own_settings(mongod.start(), tmp_path)
    make_music(connect(settings.mongo), settings, music_files)
    dashboard = Served(settings, log=tmp_path / "dashboard.log")
    dashboard.start(SEGUE_MONGO__TIMEOUT="2 seconds")
    yield dashboard
    dashboard.end()


@contextlib.contextmanager
def away(mongod: Mongod, how: str) -> Iterator[None]:
    record = read_record(mongod.record)
    assert record
    process = psutil.Process(record.pid)
    process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
    try:
        yield
    finally:
        if how == "killed":
            process.wait(60)
            mongod.start()
        else:
            process.send_signal(signal.SIGCONT)


def request(client: httpx.Client, operation: Operation) -> httpx.Response:
    path = re.sub(r"{\w+}", "x", operation.path)
    body = {"sent_at": 0, "plays": [], "name": "n", "password": "p" * 20, "code": "c", "confirm": "no"}
    return client.request(operation.method, path, json=body if operation.method == "POST" else None)


@pytest.mark.parametrize("how", ["killed", "suspended"])
def test_every_route_says_when_to_try_again(served: Served, mongod: Mongod, how: str, tmp_path: Path) -> None:
    with httpx.Client(base_url=served.address, timeout=60) as client:
        assert client.get("/", headers={"accept": "text/html"}).status_code == 200
        assert client.get("/api/upcoming").status_code == 200
        with away(mongod, how):
            for _ in range(2):
                for operation in ROUTES:
                    answer = request(client, operation)
                    assert answer.status_code == 503, f"{operation.path}: {answer.text[:200]}"
                    assert 0 < int(answer.headers["retry-after"]) <= 60
                page = client.get("/search", headers={"accept": "text/html"})
                assert (page.status_code, OUTAGE in page.text) == (503, True)
            assert client.get("/_stcore/health").status_code == 200, "a restart would not help"
            assert client.get("/api/openapi.json").status_code == 200
        until(lambda: client.get("/api/upcoming").status_code == 200, "the routes answer again")
    log = served.log.read_text()
    assert "Traceback" not in log
    assert log.count("MongoDB does not answer") == log.count("MongoDB answers again") == 1, log


@pytest.mark.parametrize("how", ["killed", "suspended"])
@pytest.mark.parametrize("_", [pytest.param("", marks=needs_chromium)])
def test_every_page_shows_one_sentence_and_continues_by_itself(
    served: Served, mongod: Mongod, how: str, _: str, page: Page
) -> None:
    page.goto(served.address)
    page.locator(".card").first.wait_for()
    tabs = {path: page.context.new_page() for path in PAGES}
    for path, tab in tabs.items():
        tab.goto(f"{served.address}/{path}")
        tab.locator("#segue-bar").wait_for()
        tab.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    with away(mongod, how):
        for path, tab in tabs.items():
            # By a link, as a listener does: the page's script runs again in the same session.
            other = "search" if path != "search" else "map"
            tab.locator(f"[data-testid='stTopNavLink'][href$='/{other}']").first.click()
            tab.get_by_text(OUTAGE).first.wait_for()
            assert tab.locator(ERROR).count() == 0, path
    for path, tab in tabs.items():
        tab.get_by_text(OUTAGE).first.wait_for(state="detached")
        tab.locator("#segue-bar").wait_for()
        assert tab.locator(ERROR).count() == 0, path
    assert "Traceback" not in served.log.read_text()
