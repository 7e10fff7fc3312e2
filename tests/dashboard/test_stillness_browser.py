"""Nothing moves under the pointer or away from the focus; titles, headings, Esc and the visible focus."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Locator
from pymongo.database import Database

from segue.storage.mongo import Document
from tests.dashboard.browser import Player, go_to, in_order, levels_of_headings, needs_chromium
from tests.dashboard.conftest import WINDOW, ContextOf
from tests.dashboard.music import STYLES, title, track_id
from tests.waiting import until

pytestmark = needs_chromium
FIRST, SECOND = (
    [track_id(style, n) for style in styles for n in range(4)] for styles in (STYLES, reversed(STYLES))
)


@pytest.fixture(scope="module")
def context(context_of: ContextOf) -> BrowserContext:
    """With the motion of lists, songs and lyrics."""
    return context_of(viewport=WINDOW, reduced_motion="no-preference")


def plan(database: Database[Document], track_ids: list[str]) -> None:
    """Give the only listener these recommendations, as the stream does."""
    session = database.sessions.find_one({})
    assert session
    reason = {"kind": "because", "track_id": "waltz7"}
    database.recommendations.replace_one(
        {"_id": session["user_id"]},
        {
            "recommendation_id": f"r-{track_ids[0]}",
            "items": [{"track_id": one, "score": 0.9, "reason": reason} for one in track_ids],
            "model": "v1",
            "served": "taste",
            "reflects_at": 20,
            "updated_at": datetime.now(UTC),
        },
        upsert=True,
    )


def waits(list_of_tracks: Locator) -> bool:
    """Whether a newer list has arrived that is not shown yet."""
    return bool(list_of_tracks.evaluate("list => Boolean(list.__still?.waiting)"))


@pytest.fixture
def planned(player: Player, database: Database[Document]) -> Player:
    """A player that shows the first recommendations."""
    plan(database, FIRST)
    until(lambda: shown(player) == FIRST, "the first plan to be shown")
    return player


def shown(player: Player) -> list[str]:
    cards = player.page.locator(".tracks.grid").first.locator(".card")
    return cards.evaluate_all("cards => cards.map((card) => card.dataset.id)")  # type: ignore[no-any-return]


def test_cards_keep_still_under_the_pointer(planned: Player, database: Database[Document]) -> None:
    page, grid = planned.page, planned.page.locator(".tracks.grid").first
    card = grid.locator(".card").nth(4)
    card.hover()
    before = card.bounding_box()
    plan(database, SECOND)
    until(lambda: waits(grid), "a newer plan to arrive")
    assert shown(planned) == FIRST
    assert card.bounding_box() == before
    page.mouse.move(5, 5)
    until(lambda: shown(planned) == SECOND, "the newer plan to be shown")


def test_the_focus_of_the_keyboard_stays(planned: Player, database: Database[Document]) -> None:
    page, grid = planned.page, planned.page.locator(".tracks.grid").first
    page.mouse.move(5, 5)
    grid.locator(".card").nth(4).locator(".go").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    focused = "list => list.getRootNode().activeElement?.closest('[data-id]')?.dataset.id ?? null"
    before = grid.evaluate(focused)
    assert before in FIRST
    plan(database, SECOND)
    until(lambda: waits(grid), "a newer plan to arrive")
    assert (shown(planned), grid.evaluate(focused)) == (FIRST, before)
    page.get_by_role("link", name="Search").first.focus()
    until(lambda: shown(planned) == SECOND, "the newer plan to be shown")


def test_the_page_stays_where_it_was_scrolled_to(planned: Player, database: Database[Document]) -> None:
    """Below the recommendations, only the list of the last plays grows, and it is the last."""
    page = planned.page
    page.get_by_role("heading", name="New in the library").scroll_into_view_if_needed()
    card = page.locator(".tracks.shelf .card").first
    card.hover()
    before = card.bounding_box()
    plan(database, SECOND)
    session = database.sessions.find_one({}) or {}
    heard = {"tracks": ["waltz1"], "weights": [1.0], "types": ["complete"], "at": [10]}
    database.tastes.insert_one({"_id": session["user_id"], "windows": {"0": heard}})
    page.evaluate("dispatchEvent(new CustomEvent('segue:replanned'))")
    page.get_by_role("heading", name="Just played").wait_for(state="attached")
    until(lambda: shown(planned) == SECOND, "the newer plan to be shown")
    assert card.bounding_box() == before


def test_the_queue_keeps_still_under_the_pointer(planned: Player, database: Database[Document]) -> None:
    planned.play(title("Waltz", 0))
    planned.wait_playing(title("Waltz", 0))
    planned.press("Pause")
    planned.press("Queue")
    rows = planned.page.locator("#segue-bar .panel .row .title")
    # The bar may still have the recommendations from before the plan.
    planned.page.evaluate("async () => { await window.__segue.refresh(); await window.__segue.extend(); }")
    until(lambda: rows.all_inner_texts()[:1] == [title("Waltz", 1)], "the queue to have the first plan")
    before = rows.all_inner_texts()
    assert len(before) > 4
    rows.nth(3).hover()
    plan(database, SECOND)
    planned.page.evaluate("window.__segue.replan()")
    until(lambda: planned.state()["replanned"], "the queue to have the newer plan")
    assert rows.all_inner_texts() == before
    planned.page.mouse.move(5, 5)
    until(lambda: rows.all_inner_texts() != before, "the newer plan to be shown")


def test_escape_closes_the_panel_and_returns_the_focus(player: Player) -> None:
    page = player.page
    panel, opener = page.locator("#segue-bar .panel"), page.locator("#segue-bar button[aria-label='Queue']")
    opener.last.focus()
    page.keyboard.press("Enter")
    panel.wait_for()
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    focused = "button => button.getRootNode().activeElement === button"
    until(lambda: opener.last.evaluate(focused), "the button to have the focus again")
    page.keyboard.press("?")
    panel.get_by_role("heading", name="Keys").wait_for()
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")


def test_each_page_has_a_title_of_its_own(player: Player) -> None:
    page = player.page
    assert page.title() == "For you · Segue"
    player.go("/search")
    until(lambda: page.title() == "Search · Segue", "the title of the search")
    page.goto(f"{page.url.rpartition('/')[0]}/track?id={track_id('House', 1)}")
    until(lambda: page.title() == f"{title('House', 1)} · Segue", "the title of a song")
    page.go_back()
    until(lambda: page.title() == "Search · Segue", "the title of the search again")


PLACES = ("search", "artists", "playlists", "playlists?made=discovery")
"""Pages besides those of tests/dashboard/test_accessible_browser.py, which looks at their headings, too."""


def test_headings_are_in_order(visitor: Player) -> None:
    page = visitor.page
    for place in PLACES:
        go_to(page, f"/{place}")
        levels = levels_of_headings(page)
        assert in_order(levels), (place, levels)


def test_the_focus_is_visible_in_the_navigation(visitor: Player) -> None:
    page = visitor.page
    outlines = []
    for _ in range(8):
        page.keyboard.press("Tab")
        outlines.append(
            page.evaluate(
                """() => { const at = document.activeElement, style = getComputedStyle(at);
                return [at.textContent, style.outlineStyle, parseFloat(style.outlineWidth)] }"""
            )
        )
    links = [outline for outline in outlines if outline[0].endswith(("Search", "Library", "Map"))]
    assert len(links) == 3, outlines
    assert all(style == "solid" and width >= 2 for _, style, width in links), outlines
