"""WCAG 2.2 AA as axe-core checks it: every page in each look, half of them in German.

On the way, the order of the headings and the Content-Security-Policy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.dashboard.browser import (
    WATCH_POLICY,
    Served,
    against_policy,
    go_to,
    has_player,
    in_order,
    levels_of_headings,
    needs_chromium,
    settle,
)
from tests.dashboard.conftest import PageOf, opened
from tests.dashboard.music import track_id

pytestmark = needs_chromium
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
IGNORED = {"presentation-role-conflict": {"enabled": False}}
"""Streamlit's field for files; a recommendation of axe, not of WCAG."""
PAGES = {
    "home": "/",
    "search": "/search?query=waltz",
    "albums": "/library",
    "artists": "/library?show=artists&as=table",
    "songs": "/library?show=songs",
    "genres": "/library?show=genres",
    "liked": "/library?show=liked",
    "map": "/map",
    "playlists": "/library?show=playlists",
    "mix": "/playlists?made=mix",
    "you": "/you",
    "listening": "/listening",
    "friends": "/friends",
    "live": "/live",
    "operations": "/operations",
    "audience": "/audience",
    "audit": "/audit",
    "track": f"/track?id={track_id('Waltz', 1)}",
    "artist": "/artist?name=Waltz+Band+1",
    "nothing": "/album?id=none",
}
WIDE = {"width": 1280, "height": 860}
LOOKS: dict[str, dict[str, Any]] = {
    "light en": {"locale": "en-GB", "color_scheme": "light", "viewport": WIDE},
    "dark de": {"locale": "de-DE", "color_scheme": "dark", "viewport": WIDE},
    "phone de": {
        "locale": "de-DE",
        "color_scheme": "dark",
        "viewport": {"width": 360, "height": 740},
        "has_touch": True,
        "is_mobile": True,
    },
}
FORCED = {"light en": "forced colours en"}
"""Forced colours only change a page's styles: a page in this look is looked at again, not loaded again."""
PICTURES = os.environ.get("TEST_PICTURES")
"""A folder for pictures of all pages, to be looked at."""


@pytest.fixture(params=LOOKS)
def looked_at(request: pytest.FixtureRequest, page_of: PageOf) -> tuple[Page, str]:
    # Colours that are just fading in would be measured.
    return page_of(reduced_motion="reduce", **LOOKS[request.param]), request.param


def looks_of(page: Page, look: str) -> Iterator[str]:
    """The looks of a page that is loaded, one after the other."""
    yield look
    if forced := FORCED.get(look):
        page.emulate_media(forced_colors="active")
        yield forced
        page.emulate_media(forced_colors="none")


def violations(page: Page) -> list[str]:
    if not page.evaluate("'axe' in window"):  # half a megabyte, of which one is enough for each load
        page.evaluate(AXE_SCRIPT)
    # Without resultTypes, axe describes everything that it found in order, too.
    options = {"runOnly": RULES, "rules": IGNORED, "resultTypes": ["violations"]}
    found = page.evaluate("async (options) => (await axe.run(document, options)).violations", options)
    return [
        f"{fault['id']}: {node['target']} {node['html'][:160]} {[check['message'] for check in node['any']]}"
        for fault in found
        for node in fault["nodes"]
    ]


def test_the_pages_of_saved_songs_have_no_violation(visited: Served, looked_at: tuple[Page, str]) -> None:
    page, look = looked_at
    page.goto(visited.address)
    has_player(page)
    page.evaluate("window.__segue.saved.save({ show: 'genres', id: 'Waltz', name: 'Waltz' })")
    page.goto(visited.address + "/you")
    page.get_by_role("tab", name="Offline").click()
    page.locator(".saved .list").wait_for()
    settle(page)
    faults = violations_in(page, "saved", look)
    page.goto(visited.address + "/offline")
    page.locator(".saved .row").first.wait_for()
    page.locator("#segue-bar .bar").wait_for()
    assert not faults + violations_in(page, "offline", look)


def violations_in(page: Page, name: str, look: str) -> list[str]:
    """The violations of a page in each of its looks, of which it takes pictures."""
    found: list[str] = []
    for colours in looks_of(page, look):
        picture(page, f"{name} {colours}")
        found += [f"{name} {colours}: {fault}" for fault in violations(page)]
    return found


def picture(page: Page, name: str) -> None:
    if PICTURES:
        folder = Path(PICTURES)
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / f"{name}.png".replace(" ", "-"))


def test_no_page_has_a_violation(visited: Served, looked_at: tuple[Page, str]) -> None:
    page, look = looked_at
    page.add_init_script(WATCH_POLICY)
    opened(page, visited.address)
    settle(page)
    faults: list[str] = []
    titles: set[str] = set()
    for name, path in PAGES.items():
        go_to(page, path)
        titles.add(page.title())
        levels = levels_of_headings(page)
        assert in_order(levels), (name, levels)
        faults += violations_in(page, name, look)
        assert against_policy(page) == [], name
    assert len(titles) == len(PAGES), titles
    assert not faults, "\n".join(faults)
