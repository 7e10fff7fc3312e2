"""Several songs at once: by mouse, by keys and by touch; menus; drags into playlists and within the queue."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page
from pymongo.database import Database

from segue.catalog.gathering import gather
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.browser import Player, Served, needs_chromium
from tests.dashboard.conftest import PageOf
from tests.waiting import until

pytestmark = needs_chromium


@pytest.fixture
def songs(served: Served, page: Page) -> Page:
    """The list of all songs: House 0 to 7, Metal 0 to 7, Waltz 0 to 7."""
    page.goto(f"{served.address}/library?show=songs")
    page.locator(".library .row").first.wait_for()
    return page


def row(page: Page, title: str) -> Locator:
    return page.locator("article", has=page.locator(f".title[title='{title}']")).first


def place(page: Page, title: str) -> dict[str, Any]:
    """A place in a row that is neither a link nor a button."""
    box = row(page, title).bounding_box()
    assert box is not None
    return {"position": {"x": box["width"] * 0.55, "y": box["height"] / 2}}


def choose(page: Page, title: str, *modifiers: Any) -> None:
    row(page, title).click(**place(page, title), modifiers=modifiers)


def chosen(page: Page) -> list[str]:
    return page.locator("article.chosen .title").all_text_contents()


def queue(page: Page) -> list[str]:
    titles: list[str] = Player(page).state()["queue"]
    return titles


def bar(page: Page, label: str) -> Locator:
    return page.get_by_role("group", name="Selected entries").get_by_role("button", name=label, exact=True)


def test_a_mouse_chooses_as_in_a_list_of_files(songs: Page) -> None:
    before = row(songs, "Metal 0").bounding_box()
    choose(songs, "House 1")
    assert chosen(songs) == ["House 1"]
    choose(songs, "House 4", "Shift")
    assert chosen(songs) == ["House 1", "House 2", "House 3", "House 4"]
    choose(songs, "House 2", "Control")
    choose(songs, "House 7", "Control")
    assert chosen(songs) == ["House 1", "House 3", "House 4", "House 7"]
    songs.get_by_text("4 selected").wait_for()
    assert row(songs, "Metal 0").bounding_box() == before, "a selection moves nothing"
    bar(songs, "Play").click()
    Player(songs).wait_playing("House 1")
    assert queue(songs)[:4] == ["House 1", "House 3", "House 4", "House 7"]
    bar(songs, "Select nothing").click()
    assert chosen(songs) == []


def test_keys_choose_too(songs: Page) -> None:
    row(songs, "House 0").locator(".title").focus()
    songs.keyboard.press("ArrowDown")
    songs.keyboard.press("Control+Space")
    songs.keyboard.press("Shift+ArrowDown")
    songs.keyboard.press("Shift+ArrowDown")
    assert chosen(songs) == ["House 1", "House 2", "House 3"]
    songs.keyboard.press("Escape")
    assert chosen(songs) == []
    songs.keyboard.press("Control+a")
    assert len(chosen(songs)) == 24
    songs.keyboard.press("Escape")
    songs.keyboard.press("Shift+F10")
    songs.get_by_role("menu", name="House 3").wait_for()
    songs.get_by_role("menuitem", name="Select", exact=True).press("Enter")
    assert chosen(songs) == ["House 3"]


def test_the_right_click_menu_is_for_all_chosen_songs(songs: Page, database: Database[Document]) -> None:
    choose(songs, "House 1")
    choose(songs, "House 3", "Shift")
    row(songs, "House 2").click(button="right")
    songs.get_by_role("menu", name="3 selected").wait_for()
    songs.get_by_role("menuitem", name="Add to a playlist").click()
    songs.get_by_label("Name of a new playlist").fill("Evening")
    songs.keyboard.press("Enter")
    until(lambda: database.playlists.find_one({"name": "Evening"}), "the playlist")
    (made,) = database.playlists.find()
    assert made["tracks"] == ["house1", "house2", "house3"]
    row(songs, "Metal 5").click(button="right")
    songs.get_by_role("menu", name="Metal 5").wait_for()
    songs.get_by_role("menuitem", name="Play next").click()
    until(lambda: "Metal 5" in queue(songs), "the song below the pointer alone")
    assert chosen(songs) == ["House 1", "House 2", "House 3"]


def test_a_double_click_plays(songs: Page) -> None:
    row(songs, "Metal 2").dblclick(**place(songs, "Metal 2"))
    player = Player(songs)
    player.wait_playing("Metal 2")
    assert queue(songs)[player.state()["at"] + 1] == "Metal 3"


def test_songs_are_dragged_into_a_playlist_and_into_the_queue(
    songs: Page, database: Database[Document]
) -> None:
    songs.evaluate(
        """() => fetch('/api/playlists', {method: 'POST', headers: {'content-type': 'application/json'},
        body: JSON.stringify({name: 'Night', tracks: []})})"""
    )
    until(lambda: database.playlists.count_documents({}), "a playlist")
    choose(songs, "House 1")
    choose(songs, "House 2", "Control")

    def drag(target: str) -> None:
        row(songs, "House 2").hover(**place(songs, "House 2"))
        songs.mouse.down()
        songs.mouse.move(600, 300, steps=4)
        onto = songs.locator(".tray li", has_text=target)
        onto.wait_for()
        onto.hover()
        onto.hover()
        songs.mouse.up()

    drag("Night")
    until(lambda: database.playlists.find_one({"tracks": ["house1", "house2"]}), "both songs in it")
    drag("Add to the queue")
    until(lambda: queue(songs)[:2] == ["House 1", "House 2"], "both songs in the queue")
    assert not songs.locator(".tray").count()


def test_the_queue_is_arranged_by_dragging(songs: Page) -> None:
    choose(songs, "House 1")
    choose(songs, "House 4", "Shift")
    bar(songs, "Play").click()
    Player(songs).wait_playing("House 1")
    Player(songs).press("Queue")
    rows = songs.locator(".panel ol").first.locator("li")
    rows.nth(2).wait_for()
    rows.nth(2).locator(".title").drag_to(rows.nth(0), target_position={"x": 60, "y": 3})
    until(lambda: queue(songs)[:4] == ["House 1", "House 4", "House 2", "House 3"], "the new order")


def test_albums_are_played_from_their_menu_and_chosen_together(
    served: Served, database: Database[Document], page: Page
) -> None:
    for style in ("House", "Waltz"):
        album = {"album": f"{style} Hits", "library": "home", "details": {"album_artists": ["Various"]}}
        database.tracks.update_many({"genres": style}, {"$set": album})
    gather(Store(database))
    page.goto(f"{served.address}/library")
    row(page, "Waltz Hits").click(button="right")
    page.get_by_role("menuitem", name="Play", exact=True).click()
    until(lambda: len([title for title in queue(page) if title.startswith("Waltz")]) == 8, "the album")
    row(page, "House Hits").locator("a.title").focus()
    page.keyboard.press("Control+a")
    page.get_by_text("2 selected").wait_for()
    bar(page, "Add to the queue").click()
    until(lambda: len([title for title in queue(page) if title.startswith("House")]) >= 8, "both albums")


@pytest.fixture
def phone(served: Served, page_of: PageOf) -> Page:
    page = page_of(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"{served.address}/library?show=songs")
    page.locator(".library .row").first.wait_for()
    return page


def test_a_long_press_opens_the_menu_and_checkboxes_follow(phone: Page) -> None:
    box = row(phone, "House 1").bounding_box()
    assert box is not None
    session = phone.context.new_cdp_session(phone)
    point = {"x": box["x"] + 100, "y": box["y"] + box["height"] / 2}
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    phone.get_by_role("menu", name="House 1").wait_for()
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.get_by_role("menuitem", name="Select", exact=True).tap()
    phone.get_by_role("checkbox", name="Select House 3").tap()
    assert chosen(phone) == ["House 1", "House 3"]
    phone.get_by_text("2 selected").wait_for()
    bar(phone, "Select nothing").tap()
    assert not phone.get_by_role("checkbox").count()
