"""The search in a real Chromium: results while typing, by keys, and again after Back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo.database import Database

from segue.storage.mongo import Document
from tests.dashboard.browser import Player, Served, needs_chromium
from tests.dashboard.music import title
from tests.waiting import until

pytestmark = needs_chromium


@pytest.fixture
def searching(player: Player, album: str, served: Served, database: Database[Document]) -> Iterator[Player]:
    player.page.keyboard.press("/")
    player.page.get_by_placeholder("Title, artist").wait_for()
    yield player


def test_results_appear_from_the_first_letters(searching: Player) -> None:
    page = searching.page
    until(
        lambda: page.evaluate("document.activeElement.shadowRoot?.activeElement?.type") == "search",
        "the key / to focus the field",
    )
    page.keyboard.type("wa")
    page.locator(".search a.title[title='Waltzes']").wait_for()
    page.locator(".search a.title[title='Waltz Band']").wait_for()
    page.locator(f".search .row a.title[title='{title('Waltz', 5)}']").wait_for()
    page.get_by_role("status").filter(has_text="8 songs").wait_for(state="attached")
    until(lambda: "query=wa" in page.url, "the words in the address")
    page.keyboard.type("ltz 5")
    page.locator(f".search .row a.title[title='{title('Waltz', 6)}']").wait_for(state="detached")
    page.get_by_placeholder("Title, artist").fill("zzzzzz")
    page.get_by_text("No results for “zzzzzz”.").wait_for()


def test_an_album_found_by_search_plays_in_two_clicks(searching: Player) -> None:
    page = searching.page
    page.get_by_placeholder("Title, artist").fill("waltzes")
    page.locator(".search a.title[title='Waltzes']").click()
    page.locator(".collection").get_by_role("button", name="Play", exact=True).click()
    searching.wait_playing(title("Waltz", 0))


def test_the_arrows_lead_through_the_results_and_back_returns_to_them(searching: Player) -> None:
    page = searching.page
    field = page.get_by_placeholder("Title, artist")
    field.fill("house 3")
    result = page.locator(f".search a.title[title='{title('House', 3)}']")
    result.first.wait_for()
    focused = "document.activeElement?.shadowRoot?.activeElement?.title"

    def reached() -> bool:
        if page.evaluate(focused) != title("House", 3):
            page.keyboard.press("ArrowDown")
        return bool(page.evaluate(focused) == title("House", 3))

    until(reached, "the result to have the focus")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=title("House", 3), exact=True).wait_for()
    page.go_back()
    result.first.wait_for()
    assert field.input_value() == "house 3"
