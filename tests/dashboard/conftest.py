"""A small library, one listener, and the dashboard over them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.components.v2 import manifest_scanner

from segue.catalog.gathering import gather
from segue.dashboard import log_lines, visit
from segue.dashboard.api.requests import Guests
from segue.dashboard.app import make_routes
from segue.dashboard.queries import popular, starting_options
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE, Listener
from segue.settings import Settings
from segue.storage.mongo import Document, connect
from segue.storage.store import Store
from tests.conftest import own_settings, with_topics
from tests.dashboard.browser import CHROMIUM, COUNT_REQUESTS, FLAGS, Player, Served, forget_visit, has_player
from tests.dashboard.music import ON_ALBUM, make_files, make_music, track_id
from tests.waiting import PATIENCE

COVER = "ab" * 32
ADA = Listener(user_id="ada", name="Ada", session_id="s")
GUEST = Listener(user_id="guest-1", name=None, session_id="s")


@pytest.fixture
def library(database: Database[Document]) -> Database[Document]:
    """Five tracks with a cover, an index, and Ada, who finished t1 and skipped t2."""
    database.covers.insert_one({"_id": COVER, "type": "image/jpeg", "data": b"\xff\xd8 a picture"})
    database.tracks.insert_many(
        {
            "_id": f"t{n}",
            "title": f"Song <{n}>",
            "artist": f"Artist {n}",
            "genres": ["Folk"],
            "cover_id": COVER,
        }
        for n in range(1, 6)
    )
    database.models.insert_many(
        [{"_id": "active:index", "version": "v1"}, {"_id": "index:v1", "manifest": {"count": 5}}]
    )
    database.tastes.insert_one(
        {
            "_id": "ada",
            "windows": {
                "0": {
                    "tracks": ["t1", "t2"],
                    "weights": [1.0, -0.6],
                    "types": ["complete", "skip"],
                    "at": [10, 20],
                }
            },
        }
    )
    database.recommendations.insert_one(recommendation(["t3", "t4"]))
    return database


def recommendation(track_ids: list[str]) -> Document:
    return {
        "_id": "ada",
        "recommendation_id": "r1",
        "items": [
            {"track_id": t, "score": 0.9, "reason": {"kind": "because", "track_id": "t1"}} for t in track_ids
        ],
        "model": "v1",
        "served": "taste",
        "reflects_at": 20,
        "updated_at": datetime.fromtimestamp(0.15, UTC),
    }


def serve_pages(
    monkeypatch: pytest.MonkeyPatch, database: Database[Document], settings: Settings
) -> list[Listener | None]:
    """Let pages that run in this process work on a database, for the last listener of the list."""
    found: list[Listener | None] = [ADA]
    for counted in (popular, starting_options):
        monkeypatch.setattr(
            counted, "_GOOD_FOR", 0.0
        )  # each run of a page shows the data stored at that moment
    monkeypatch.setattr(popular, "_REST", 0.0)
    services = Services(Store(database), settings)
    monkeypatch.setattr(visit, "listener", lambda: found[-1])
    monkeypatch.setattr(visit, "is_refused", lambda: False)  # there is no cookie
    monkeypatch.setattr(visit, "services", lambda: services)
    return found


@pytest.fixture(scope="session", autouse=True)
def components() -> Iterator[None]:
    """For each page, Streamlit reads the metadata of all packages, for two seconds: once is enough."""
    once = cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture
def services(database: Database[Document], settings: Settings) -> Iterator[Services]:
    """The services of the routes; Kafka runs with the fixture `broker` only."""
    found = Services(Store(database), settings)
    yield found
    found.close()


@pytest.fixture
def spared() -> Iterator[None]:
    """The loggers of visitors' lines, limited within a test."""
    loggers = [logging.getLogger(name) for name in log_lines._OF_VISITORS]
    before = [list(logger.filters) for logger in loggers]
    log_lines.spare_the_log()
    yield
    for logger, filters in zip(loggers, before, strict=True):
        logger.filters[:] = filters


Enter = Callable[[], TestClient]


@pytest.fixture
def enter(services: Services) -> Enter:
    """Gives browsers, each with a guest's session of its own."""
    app = Starlette(
        routes=make_routes(services), middleware=[Middleware(Guests, login_sessions=services.login_sessions)]
    )

    def one() -> TestClient:
        client = TestClient(app)
        client.get("/", headers={"accept": "text/html"})
        return client

    return one


def whose(services: Services, client: TestClient) -> Listener:
    """The listener of a browser's session."""
    found = services.login_sessions.find(client.cookies.get(COOKIE))
    assert found is not None
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


ContextOf = Callable[..., BrowserContext]
PageOf = Callable[..., Page]


@pytest.fixture(scope="session")
def context_of(chromium: Browser) -> Iterator[ContextOf]:
    """Gives the context with some options of Playwright's `Browser.new_context`, one for all tests.

    It keeps Streamlit's code, which takes seconds to load and compile, for the next test. Unless a test asks
    for motion, lists that wait for their contents stand still: their movement takes a third of a core.
    """
    made: dict[str, BrowserContext] = {}

    def found(**given: Any) -> BrowserContext:
        options = {"reduced_motion": "reduce", **given}
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = chromium.new_context(**options)
            made[key].set_default_timeout(PATIENCE * 1000)
            made[key].add_init_script(COUNT_REQUESTS)
        return made[key]

    yield found
    for context in made.values():
        context.close()


WINDOW = {"width": 1400, "height": 950}


@pytest.fixture(scope="session")
def context(context_of: ContextOf) -> BrowserContext:
    return context_of(viewport=WINDOW)


@pytest.fixture
def page_of(context_of: ContextOf) -> Iterator[PageOf]:
    """Opens pages of a browser without cookies and storage, in a context with some options."""
    opened: list[Page] = []

    def found(**options: Any) -> Page:
        opened.append(context_of(**options).new_page())
        return opened[-1]

    yield found
    for page in opened:
        forget_visit(page)


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of a browser without cookies and storage."""
    page = context.new_page()
    yield page
    forget_visit(page)


@pytest.fixture(scope="session")
def music_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Short tracks in five formats, written once."""
    return make_files(tmp_path_factory.mktemp("music"))


@pytest.fixture
def served(
    broker: Settings, database: Database[Document], music_files: dict[str, Path], tmp_path: Path
) -> Iterator[Served]:
    """A dashboard over a library that can be heard."""
    make_music(database, broker, music_files)
    dashboard = Served(broker, log=tmp_path / "dashboard.log")
    dashboard.start()
    yield dashboard
    dashboard.end()


@pytest.fixture(scope="session")
def visited(
    mongo_uri: str,
    bootstrap: str,
    music_files: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """The same, one for all tests that only look and listen, each as a guest of its own."""
    folder = tmp_path_factory.mktemp("visited")
    settings = with_topics(own_settings(mongo_uri, folder), bootstrap)
    database = connect(settings.mongo)
    make_music(database, settings, music_files)
    dashboard = Served(settings, log=folder / "dashboard.log")
    dashboard.start()
    yield dashboard
    dashboard.end()
    database.client.drop_database(database.name)
    database.client.close()


@pytest.fixture
def visitor(visited: Served, page: Page) -> Player:
    """A player on the dashboard that others look at, too."""
    return opened(page, visited.address)


@pytest.fixture
def player(served: Served, page: Page) -> Player:
    return opened(page, served.address)


def opened(page: Page, address: str) -> Player:
    """The first page with its cards and its player, which Streamlit draws in any order."""
    page.goto(address)
    page.locator(".card").first.wait_for()
    has_player(page)
    return Player(page)


@pytest.fixture
def album(served: Served, database: Database[Document]) -> Iterator[str]:
    """An album of two discs; its id."""
    for number in ON_ALBUM:
        tags = {
            "album": "Waltzes",
            "artist": "Waltz Band",
            "track": 1 + number % 2,
            "details": {"disc": 1 + number // 2, "album_artist": "Waltz Band", "artists": ["Waltz Band"]},
        }
        database.tracks.update_one({"_id": track_id("Waltz", number)}, {"$set": tags})
    gather(Store(database))
    yield database.albums.find_one({"name": "Waltzes"})["_id"]  # type: ignore[index]
