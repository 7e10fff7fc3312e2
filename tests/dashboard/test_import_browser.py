"""A listener brings a history from another service, in a real Chromium."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect
from pymongo.database import Database

from segue.imports.days import ImportedDays
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.browser import Player, Served, needs_chromium, settle
from tests.dashboard.test_beliefs_browser import _picture
from tests.waiting import until

pytestmark = needs_chromium
AT = 1_680_717_600


def _scrobbles(titles: list[tuple[str, str]]) -> bytes:
    rows: list[Any] = [
        {"listened_at": AT + 600 * n, "track_metadata": {"artist_name": artist, "track_name": title}}
        for n, (title, artist) in enumerate(titles)
    ]
    rows.append({"listened_at": 5, "track_metadata": {"artist_name": "A", "track_name": "B"}})
    return "\n".join(map(json.dumps, rows)).encode()


@pytest.fixture
def ada(player: Player, served: Served) -> Player:
    """A player of somebody who has just signed up."""
    page = player.page
    page.goto(f"{served.address}/you")
    page.get_by_role("tab", name="Account").click()
    button = page.get_by_role("button", name="Sign up and keep your history", exact=True)
    form = page.locator("#segue-entry form").filter(has=button)
    form.get_by_label("Name").fill("Ada")
    form.get_by_label("Password").fill("correct horse")
    form.get_by_role("button", name="Sign up and keep your history").click()
    page.locator("[data-testid='stTopNavLink']", has_text="Ada").wait_for()
    page.goto(f"{served.address}/you")
    return player


def test_a_history_is_shown_imported_and_removed(ada: Player, database: Database[Document]) -> None:
    page, store = ada.page, Store(database)
    song = database.tracks.find_one({"state": "present"}) or {}
    page.get_by_role("tab", name="Account").click()
    page.get_by_text("Import your listening history").click()
    listens = _scrobbles([(song["title"], song["artist"]), ("Nowhere", "Nobody"), ("Nowhere", "Nobody")])
    page.locator("input[type=file]").last.set_input_files(
        [
            FilePayload(name="listens.jsonl", mimeType="application/json", buffer=listens),
            FilePayload(name="../../<b>x.txt", mimeType="text/plain", buffer=b"Hello"),
        ]
    )
    page.get_by_text("Import 3 plays").wait_for()
    expect(page.get_by_text("1 row was left out: a date before 2000 or in the future")).to_be_visible()
    expect(page.get_by_text("Not a listening history: <b>x.txt")).to_be_visible()
    assert ImportedDays(store).documents.count_documents({}) == 0
    page.get_by_role("button", name="Import 3 plays").click()
    page.get_by_text("3 new plays").wait_for()
    owner = (database.accounts.find_one({"name": "Ada"}) or {})["user_id"]
    assert sum(ImportedDays(store).plays_of_songs(owner).values()) == 3
    _opened_again(page, page.url)
    page.locator("input[type=file]").last.set_input_files(
        FilePayload(name="again.jsonl", mimeType="application/json", buffer=listens)
    )
    expect(
        page.get_by_text("3 plays were imported before, or are in the files more than once.")
    ).to_be_visible()
    settle(page)
    _picture(page, "import before")
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    change = {"$set": {"state": "removing", "changed_at": long_ago}}
    database.imports.update_one({"user_id": owner}, change)  # its process has died
    _opened_again(page, page.url)
    expect(page.get_by_text("The removal of these plays was interrupted: remove them again.")).to_be_visible()
    settle(page)
    _picture(page, "import interrupted")
    page.get_by_role("button", name="Remove these plays").click()
    until(lambda: not ImportedDays(store).plays_of_songs(owner), "the plays to be removed")


def _opened_again(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 1900})
    page.goto(address)
    page.get_by_role("tab", name="Account").click()
    page.get_by_text("Import your listening history").click()
