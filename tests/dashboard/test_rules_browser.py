"""A playlist by rules in a browser: it is made, shown and changed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from playwright.sync_api import Page
from pymongo.database import Database

from tests.dashboard.browser import Served, needs_chromium, settle
from tests.waiting import until

pytestmark = needs_chromium


def genre_of(database: Database[Any]) -> str:
    """The genre in the rules of the only playlist."""
    [playlist] = database.playlists.find()
    return str(playlist["rules"]["rules"][0]["value"])


def test_rules_are_written_and_changed(served: Served, database: Database[Any], page: Page) -> None:
    page.goto(f"{served.address}/library?show=playlists")
    page.get_by_text("New playlist by rules").click()
    form = page.locator(".rules form")
    form.get_by_label("Name").fill("Waltzes")
    form.get_by_label("Genre", exact=True).fill("Waltz")
    form.get_by_role("button", name="Add a rule").click()
    form.get_by_label("Property").nth(1).select_option("plays")
    form.get_by_label("Plays", exact=True).fill("0")
    form.get_by_role("button", name="Create").click()
    until(lambda: database.playlists.count_documents({}), "the playlist")
    page.locator(".tracks.list .row").nth(7).wait_for()
    settle(page)  # until the former page is gone, the form moves under the pointer
    page.get_by_text("Rules", exact=True).click()
    form.get_by_label("Genre", exact=True).fill("House")
    save = form.get_by_role("button", name="Save the rules")

    def saved() -> bool:
        """While its panel opens, a click can miss the button."""
        save.click()
        with suppress(AssertionError):
            until(lambda: genre_of(database) == "House", "the rules", seconds=10)
        return genre_of(database) == "House"

    until(saved, "the rules to be saved")
    page.locator(".row .title", has_text="House 1").wait_for()
    assert not page.get_by_role("button", name="Remove House 1").count(), "nobody fills it by hand"
