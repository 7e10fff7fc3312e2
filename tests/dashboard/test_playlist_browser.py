"""A playlist changed in place: its facts, its cover, and its songs, by mouse, by keys and several at once."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page
from pymongo.database import Database

from segue.storage.mongo import Document
from tests.dashboard.browser import Served, needs_chromium
from tests.waiting import until

pytestmark = needs_chromium
SONGS = ["house0", "house1", "house2", "house3", "house1"]
Stored = Callable[[], dict[str, Any]]


@pytest.fixture
def stored(database: Database[Document]) -> Stored:
    return lambda: database.playlists.find_one({}) or {}


@pytest.fixture
def playlist(served: Served, page: Page, stored: Stored) -> Page:
    """A playlist of five songs, one of them twice."""
    page.goto(served.address)
    page.locator(".card").first.wait_for()
    page.evaluate(
        """(tracks) => fetch('/api/playlists', {method: 'POST', headers: {'content-type': 'application/json'},
        body: JSON.stringify({name: 'Evening', tracks})})""",
        SONGS,
    )
    until(stored, "the playlist")
    page.goto(f"{served.address}/playlists?id={stored()['_id']}")
    page.locator(".row").nth(4).wait_for()
    return page


def titles(page: Page) -> list[str]:
    return page.locator(".tracks.list .row .title").all_text_contents()


def row(page: Page, number: int) -> Locator:
    return page.locator(".tracks.list .row").nth(number)


def test_name_description_and_folder_are_changed_in_place(playlist: Page, stored: Stored) -> None:
    playlist.get_by_role("button", name="Edit").click()
    playlist.get_by_label("Name").fill("Late *night*")
    playlist.get_by_label("Description").fill("For <b>rainy</b> days")
    playlist.get_by_label("Folder").fill("Weather")
    playlist.get_by_role("button", name="Save", exact=True).click()
    until(lambda: stored().get("folder") == "Weather", "the changes")
    assert (stored()["name"], stored()["comment"]) == ("Late *night*", "For <b>rainy</b> days")
    until(lambda: playlist.locator("h1").all_text_contents() == ["Late *night*"], "the name on the page")
    until(lambda: playlist.title() == "Late *night* · Segue", "the title of the tab")
    playlist.get_by_role("button", name="Edit").press("Enter")
    playlist.get_by_label("Name").fill("Never")
    playlist.keyboard.press("Escape")
    assert playlist.locator("h1").all_text_contents() == ["Late *night*"]
    playlist.goto(playlist.url.partition("/playlists")[0] + "/library?show=playlists")
    playlist.get_by_text("5 songs · Weather").wait_for()


def test_a_cover_is_uploaded_and_removed(playlist: Page, stored: Stored) -> None:
    image = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(image, "PNG")

    def upload(data: bytes) -> None:
        playlist.get_by_role("button", name="Change the cover").click()
        with playlist.expect_file_chooser() as chooser:
            playlist.get_by_role("button", name="Upload a picture").click()
        chooser.value.set_files({"name": "cover.png", "mimeType": "image/png", "buffer": data})

    upload(b"no picture")
    playlist.get_by_text("Segue cannot read this picture").wait_for()
    upload(image.getvalue())
    until(lambda: stored().get("picture"), "the picture")
    shown = playlist.locator(".playlist .frame img")
    until(lambda: shown.count() and shown.evaluate("(one) => one.naturalWidth") == 200, "the picture")
    playlist.get_by_role("button", name="Change the cover").click()
    playlist.get_by_role("button", name="No picture").click()
    until(lambda: not stored().get("picture"), "no picture")
    until(lambda: not shown.count(), "the page without the picture")


def test_songs_are_moved_by_buttons_keys_and_dragging(playlist: Page, stored: Stored) -> None:
    up = row(playlist, 1).get_by_role("button", name="Move House 1 up")
    row(playlist, 1).hover()
    up.click()
    until(lambda: stored()["tracks"][:2] == ["house1", "house0"], "a move by a button")
    row(playlist, 0).locator(".title").focus()
    playlist.keyboard.press("Alt+ArrowDown")
    playlist.keyboard.press("Alt+ArrowDown")
    until(
        lambda: stored()["tracks"] == ["house0", "house2", "house1", "house3", "house1"], "two moves by keys"
    )
    moved = ["House 0", "House 2", "House 1", "House 3", "House 1"]
    assert titles(playlist) == moved
    for _ in range(
        20
    ):  # meanwhile the page runs again, several times, and a late run knows only the first move
        assert titles(playlist) == moved
        playlist.wait_for_timeout(100)
    focused = playlist.evaluate(
        """() => { let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return at.textContent; }"""
    )
    assert focused == "House 1", "the focus follows the song"
    row(playlist, 4).locator(".artist").drag_to(row(playlist, 0), target_position={"x": 300, "y": 3})
    until(
        lambda: stored()["tracks"] == ["house1", "house0", "house2", "house1", "house3"], "a move by dragging"
    )


def test_several_songs_move_and_leave_together(playlist: Page, stored: Stored) -> None:
    row(playlist, 1).locator(".title").focus()
    playlist.keyboard.press("Control+Space")
    playlist.keyboard.press("Shift+ArrowDown")
    playlist.keyboard.press("Alt+ArrowUp")
    until(lambda: stored()["tracks"] == ["house1", "house2", "house0", "house3", "house1"], "two songs")
    many = playlist.get_by_role("group", name="Selected entries")
    many.get_by_role("button", name="Remove from the playlist").click()
    until(lambda: stored()["tracks"] == ["house0", "house3", "house1"], "the rest")
    until(lambda: titles(playlist) == ["House 0", "House 3", "House 1"], "the page to show the rest")
    playlist.get_by_text("3 songs").first.wait_for()
    row(playlist, 0).locator(".title").focus()
    playlist.keyboard.press("Delete")
    until(lambda: stored()["tracks"] == ["house3", "house1"], "one less")


def test_a_list_that_was_changed_elsewhere_is_shown_again(
    playlist: Page, stored: Stored, database: Database[Document]
) -> None:
    database.playlists.update_one({}, {"$set": {"tracks": ["metal0", *SONGS]}})
    row(playlist, 0).locator(".title").focus()
    playlist.keyboard.press("Delete")
    until(lambda: titles(playlist)[:2] == ["Metal 0", "House 0"], "the list as it is")
    assert stored()["tracks"] == ["metal0", *SONGS]
