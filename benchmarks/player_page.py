"""The player in a browser: the first page on a slow connection, and memory while songs follow each other."""

from __future__ import annotations

import base64
import statistics
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from rich.console import Console

from segue.benchmarks.catalogue import track_id
from segue.benchmarks.player_streams import dashboard, fill, sound
from segue.benchmarks.service import own_topics
from segue.errors import SegueError
from segue.local import stack
from segue.local.chromium import FLAGS, program
from segue.local.process import free_port
from segue.places import ROOT
from segue.settings import load_settings
from segue.storage.mongo import connect
from segue.storage.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

BYTES_PER_SECOND, LATENCY_MS = 500_000, 100
"""4 Mbit/s, in each direction."""
SONG_SECONDS = 5.0
SONGS, FROM = 300, 50
"""How many songs are played, and the song from which on the memory should not grow."""
COLD_MS, WARM_MS, BEFORE_MB, WHOLE_MB, GROWTH = 3500.0, 1000.0, 0.7, 1.2, 0.05
"""The limits."""
_PATIENCE_MS = 120_000
_SETTLED = (
    """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'"""
)
_PLAY = "#segue-bar .main"


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Medians of several visits, and the growth of both processes."""
    from playwright.sync_api import sync_playwright

    visits, songs, since = (3, 12, 6) if quick else (7, SONGS, FROM)
    with _served(console) as (address, server), sync_playwright() as playwright:
        flags = [*FLAGS, "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=program(), args=flags)
        try:
            _visit(browser, address)  # the server imports the modules of the first page
            found = [_visit(browser, address) for _ in range(visits)]
            cold, warm = [one for one, _ in found], [one for _, one in found]
            console.print(
                f"played after {[round(one.ms) for one in cold]} ms, again {[round(one.ms) for one in warm]}"
            )
            figures = {
                "cold_ms": statistics.median(one.ms for one in cold),
                "warm_ms": statistics.median(one.ms for one in warm),
                "before_mb": statistics.median(one.before for one in cold) / 1e6,
                "whole_mb": statistics.median(one.whole for one in cold) / 1e6,
                "warm_mb": statistics.median(one.whole for one in warm) / 1e6,
                "offline_mb": _offline_bytes(address) / 1e6,
            }
            return figures | _memory(browser, address, server, songs=songs, since=since, console=console)
        finally:
            browser.close()


def fault(figures: Mapping[str, float | bool]) -> str:
    """Which limits are not kept; empty if all are."""
    limits = {
        "cold_ms": COLD_MS,
        "warm_ms": WARM_MS,
        "before_mb": BEFORE_MB,
        "whole_mb": WHOLE_MB,
        "tab_growth": GROWTH,
        "server_growth": GROWTH,
    }
    broken = [
        f"{key} is {figures[key]:.3g}, not at most {most:g}"
        for key, most in limits.items()
        if figures[key] > most
    ]
    return "; ".join(broken)


@dataclass
class _Visit:
    """A visit of the first page; bytes as they came over the connection."""

    ms: float
    """Until the play button was there."""
    before: int
    """Bytes until then."""
    whole: int


def _visit(browser: Browser, address: str) -> tuple[_Visit, _Visit]:
    """A first visit, and a second one of the same browser."""
    # wait_for_function runs a text as code, which the policy of the pages forbids.
    context = browser.new_context(viewport={"width": 1280, "height": 860}, bypass_csp=True)
    context.set_default_timeout(_PATIENCE_MS)
    try:
        return _open(context, address), _open(context, address)
    finally:
        context.close()


def _open(context: BrowserContext, address: str) -> _Visit:
    page = context.new_page()
    count = _slowed(context.new_cdp_session(page))
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator(_PLAY).wait_for()
    ms, before = 1000 * (time.perf_counter() - began), count()
    page.locator(".card").first.wait_for()
    page.wait_for_function(_SETTLED)
    page.wait_for_load_state("networkidle")
    whole = count()
    page.close()
    return _Visit(ms, before, whole)


def _slowed(session: CDPSession) -> Callable[[], int]:
    """Slow a page's connection down; returns a function that gives the bytes received so far."""
    received: dict[str, int] = {}

    def part(event: dict[str, Any]) -> None:
        own = event["requestId"]
        received[own] = received.get(own, 0) + max(0, event["encodedDataLength"])

    def whole(event: dict[str, Any]) -> None:  # with the head of the answer
        received[event["requestId"]] = int(event["encodedDataLength"])

    packing = zlib.compressobj(wbits=-12)  # as the server does; the browser tells the length before it

    def message(event: dict[str, Any]) -> None:
        data = base64.b64decode(event["response"]["payloadData"])
        packed = packing.compress(data) + packing.flush(zlib.Z_SYNC_FLUSH)
        part({"requestId": "messages", "encodedDataLength": len(packed)})

    session.on("Network.dataReceived", part)
    session.on("Network.loadingFinished", whole)
    session.on("Network.webSocketFrameReceived", message)
    session.send("Network.enable")
    slow = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": BYTES_PER_SECOND}
    session.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": BYTES_PER_SECOND})
    return lambda: sum(received.values())


def _offline_bytes(address: str) -> int:
    """Bytes that the worker loads in the background, for times without a network."""
    answers = [
        httpx.get(address + path) for path in ("/service-worker.js", "/offline", "/manifest.webmanifest")
    ]
    return sum(int(answer.headers["content-length"]) for answer in answers)


def _memory(
    browser: Browser, address: str, server: psutil.Process, *, songs: int, since: int, console: Console
) -> dict[str, float | bool]:
    """The memory of the tab and of the server while songs follow each other in real time."""
    context = browser.new_context(bypass_csp=True)
    context.set_default_timeout(_PATIENCE_MS)
    try:
        page = context.new_page()
        page.goto(address)
        page.wait_for_function("window.__segue")
        items = [
            {
                "id": track_id(n),
                "title": f"Song {n}",
                "artist": "A",
                "duration": 1000 * SONG_SECONDS,
                "source": "search",
            }
            for n in range(songs + 2)
        ]
        page.evaluate("items => window.__segue.play(items, 0)", items)
        session = context.new_cdp_session(page)
        early = _at(page, session, since, server)
        console.print(f"song {since}: tab {early[0]:.0f} MB, server {early[1]:.0f} MB")
        late = _at(page, session, songs, server)
        console.print(f"song {songs}: tab {late[0]:.0f} MB, server {late[1]:.0f} MB")
        waiting = page.evaluate("window.__segue.outbox.waiting().length")
    finally:
        context.close()
    return {
        "songs": songs,
        "unsent": waiting,
        "tab_mb": early[0],
        "tab_growth": late[0] / early[0] - 1,
        "server_mb": early[1],
        "server_growth": late[1] / early[1] - 1,
    }


def _at(page: Page, session: CDPSession, song: int, server: psutil.Process) -> tuple[float, float]:
    """Megabytes of the tab and of the server while a song is playing and the one after it: medians."""
    end = time.monotonic() + (song + 10) * SONG_SECONDS * 3
    while (
        page.evaluate("window.__segue.queue.findIndex(({ key }) => key === window.__segue.current?.key)")
        < song - 1
    ):
        if time.monotonic() > end:
            raise SegueError(
                f"the songs do not follow each other: {page.evaluate('window.__segue.current?.title')}"
            )
        page.wait_for_timeout(250)
    tabs, servers = [], []
    for _ in range(8):
        session.send("HeapProfiler.collectGarbage")
        tabs.append(_tab(page).memory_full_info().pss / 1e6)
        servers.append(server.memory_full_info().pss / 1e6)
        page.wait_for_timeout(1000 * SONG_SECONDS / 4)
    return statistics.median(tabs), statistics.median(servers)


def _tab(page: Page) -> psutil.Process:
    """The largest of the browser's processes that draw pages: the others are spare ones."""
    assert page.context.browser
    session = page.context.browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    tabs = [psutil.Process(one["id"]) for one in found if one["type"] == "renderer"]
    return max(tabs, key=lambda tab: int(tab.memory_info().rss))


@contextmanager
def _served(console: Console) -> Iterator[tuple[str, psutil.Process]]:
    """Run the dashboard with a database and topics of its own; yields its address and process."""
    base = stack.up(load_settings())
    name, port = f"bench_{uuid.uuid4().hex[:8]}", free_port(8700)
    database = connect(base.mongo.model_copy(update={"database": name}))
    with own_topics(base.kafka, name=name) as kafka:
        own = {
            "PYTHONPATH": str(ROOT),
            "SEGUE_MONGO__URI": base.mongo.uri,
            "SEGUE_MONGO__DATABASE": name,
            "SEGUE_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "SEGUE_KAFKA__PLAYS_TOPIC": kafka.plays_topic,
            "SEGUE_KAFKA__REJECTED_TOPIC": kafka.rejected_topic,
        }
        try:
            with console.status("Writing sounds and a catalogue"):
                fill(Store(database), sound(SONG_SECONDS))
            with dashboard(port, own) as served:
                yield served
        finally:
            database.client.drop_database(name)
