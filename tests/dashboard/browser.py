"""A dashboard of its own in another process, and a real Chromium that looks at it."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Error, Locator, Page, expect

from segue.local.chromium import FLAGS as HEADLESS
from segue.local.chromium import PROGRAMS
from segue.local.process import accepts
from segue.places import ROOT
from segue.settings import Settings
from tests.waiting import PATIENCE, until

expect.set_options(timeout=PATIENCE * 1000)
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
needs_chromium = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine: apt install chromium"),
]
FLAGS = [*HEADLESS, "--autoplay-policy=user-gesture-required"]
STATE = """() => { const e = window.__segue; return e && {
  title: e.current?.title ?? null, playing: e.playing, position: e.position, heard: e.heard, at: e.at,
  queue: e.queue.map((item) => item.title), waiting: e.outbox.waiting().length, muted: e.muted,
  replanned: e.replanned ?? null, error: e.audio.error?.message ?? null } }"""


class Served:
    """A dashboard that can be ended and started again at the same address."""

    def __init__(self, settings: Settings, *, log: Path) -> None:
        self._settings, self.log = settings, log
        self.mongo = settings.mongo
        self.port = own_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: psutil.Process | None = None

    def start(self, **environment: str) -> None:
        s = self._settings
        own = {
            "SEGUE_MONGO__URI": s.mongo.uri,
            "SEGUE_MONGO__DATABASE": s.mongo.database,
            "SEGUE_KAFKA__BOOTSTRAP_SERVERS": s.kafka.bootstrap_servers or "127.0.0.1:9",
            "SEGUE_KAFKA__PLAYS_TOPIC": s.kafka.plays_topic,
            "SEGUE_KAFKA__REJECTED_TOPIC": s.kafka.rejected_topic,
            "SEGUE_INDEX__FOLDER": s.index.folder,
            "SEGUE_TRANSCODING__FOLDER": s.transcoding.folder,
            "SEGUE_DASHBOARD__METRICS_PORT": "0",
            "SEGUE_DASHBOARD__LOCAL_OPERATOR": "true",
            "PYTHONPATH": str(ROOT),
        }
        self._process = _launcher().start(
            {**os.environ, **own, **environment}, log=str(self.log), port=self.port
        )
        until(self._answers, f"the dashboard to answer; see {self.log}")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.is_running(), f"the dashboard ended by itself: see {self.log}"
        return accepts(self.port)

    @property
    def pid(self) -> int:
        """The id of the process that serves."""
        assert self._process is not None
        return self._process.pid

    def end(self) -> None:
        if self._process is not None:
            with suppress(psutil.NoSuchProcess):  # it ended by itself
                self._process.kill()
            self._process.wait()
            self._process = None


class _Launcher:
    """A process with the dashboard's code, of which dashboards are forked (tests.dashboard.serving)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.dashboard.serving"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._process.communicate)  # it ends with its input

    def start(self, environment: Mapping[str, str], *, log: str, port: int) -> psutil.Process:
        assert self._process.stdin and self._process.stdout
        order = {"environment": dict(environment), "log": log, "port": port}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return psutil.Process(int(self._process.stdout.readline()))


@cache
def _launcher() -> _Launcher:
    return _Launcher()


def own_port() -> int:
    """A port of a dashboard that has ended, for which the browser has kept Streamlit's code, or a new one.

    A new one is given to nobody else for a while, so that runs beside each other do not meet.
    """
    for port in _ports:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        _ports.append(int(one.getsockname()[1]))
    return _ports[-1]


_ports: list[int] = []


def has_player(page: Page) -> None:
    """Wait for the player's engine.

    Not by Playwright's `wait_for_function`, which runs a text as code: the policy of the pages forbids that.
    """
    until(lambda: page.evaluate("() => Boolean(window.__segue)"), "the player's engine")


COUNT_REQUESTS = """window.asked = 0;
const { fetch } = window;
window.fetch = async (...request) => {
  window.asked++;
  try { return await fetch(...request); } finally { window.asked--; }
};"""
"""For pages that :func:`settle` waits for: how many requests of their scripts have no answer."""
DRAWN = """async () => {
  const app = () => document.querySelector('[data-testid="stApp"]');
  const rests = () => app()?.dataset.testScriptState === 'notRunning'
    && [...document.images].every((image) => image.complete) && !window.asked;
  if (!rests()) return false;
  await new Promise((done) => setTimeout(done, 200)); // a list is drawn after its answer
  return rests();
}"""


def settle(page: Page) -> None:
    """Wait until a page is drawn: its script has ended, and its pictures and lists are there."""
    until(lambda: page.evaluate(DRAWN), "the page to be drawn")


def go_to(page: Page, path: str) -> None:
    """To another page of another title as its links lead there, without loading it, and wait for it."""
    former = page.title()
    if urlsplit(page.url)._replace(scheme="", netloc="").geturl() != path:
        page.evaluate(
            """(path) => { history.pushState({}, "", path);
            dispatchEvent(new PopStateEvent("popstate", { state: {} })); }""",
            path,
        )
        until(lambda: page.title() != former, "the title of the page")
    settle(page)


WATCH_POLICY = """document.addEventListener("securitypolicyviolation", (event) => {
  const where = `${event.sourceFile}:${event.lineNumber}`;
  (window.__violations ??= []).push(`${event.violatedDirective} ${event.blockedURI} ${where}`);
})"""
"""For pages of :func:`against_policy`."""


def against_policy(page: Page) -> list[str]:
    """Violations of the Content-Security-Policy since the page was loaded."""
    found: list[str] = page.evaluate("window.__violations ?? []")
    return found


def levels_of_headings(page: Page) -> list[int]:
    """The levels of the visible headings, from the first of the page to the last."""
    page.locator("h1").first.wait_for()
    tags = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map((one) => one.tagName)"
    )
    return [int(tag[1]) for tag in tags]


def in_order(levels: list[int]) -> bool:
    """Whether headings begin with the only one of the first level, and leave out no level."""
    return levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in pairwise(levels))


def _goes_away(page: Page) -> bool:
    try:
        page.goto("about:blank")
    except Error:  # the message of an address that could not be opened comes in between
        return False
    return True


def forget_visit(page: Page) -> None:
    """Close a page, and remove the data that it and its dashboard have stored in the browser."""
    address, context = urlsplit(page.url), page.context
    if page.is_closed():
        page = context.new_page()
    # The player stores a last word when its page is left.
    until(lambda: _goes_away(page), "the page to be left")
    if address.netloc:
        stored = "local_storage,indexeddb,cache_storage,service_workers"
        origin = f"{address.scheme}://{address.netloc}"
        session = context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": stored})
    for one in context.pages:
        one.close()
    context.clear_cookies()


HOLD = """() => { const e = window.__segue; clearInterval(window.held); window.held = setInterval(() => {
  if (!(e.position > 2000)) return;
  e.emit = () => {};
  try { e.seek(0); } finally { delete e.emit; }
}, 100); }"""


class Player:
    """The elements that a listener sees and presses."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def state(self) -> dict:  # type: ignore[type-arg]
        return self.page.evaluate(STATE) or {}

    def playing(self, title: str | None = None) -> bool:
        now = self.state()
        moving = bool(now.get("playing")) and now["position"] > 100
        return moving and (title is None or now["title"] == title)

    def wait_playing(self, title: str | None = None) -> None:
        until(lambda: self.playing(title), f"{title or 'anything'} to play, not {self.state()}")

    def hold(self) -> None:
        """Keep songs in their first seconds, unseen by the server, until :meth:`release`.

        There, "Previous" leads to the song before.
        """
        self.page.evaluate(HOLD)

    def release(self) -> None:
        """Let songs end."""
        self.page.evaluate("clearInterval(window.held)")

    def rewind(self) -> None:
        """Pause at the beginning of the song, where "Previous" leads to the song before."""
        self.page.evaluate("() => { window.__segue.pause(); window.__segue.seek(0); }")

    def press(self, label: str) -> None:
        self.page.locator(f"#segue-bar button[aria-label='{label}']:visible").click()

    def cards(self) -> list[str]:
        return self.page.locator(".tracks.grid").first.locator(".card .title").all_inner_texts()

    def card(self, title: str) -> Locator:
        return self.page.locator("article", has=self.page.locator(f".title[title='{title}']")).first

    def play(self, title: str) -> None:
        card = self.card(title)
        card.hover()
        card.locator(".go").click()
        self.page.mouse.move(5, 5)  # a list keeps still under the pointer

    def go(self, path: str) -> None:
        """To another page as a listener does, by the links at the top."""
        self.page.locator(f"[data-testid='stTopNavLink'][href$='{path}']").first.click()
