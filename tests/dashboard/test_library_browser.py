"""The page Library in a browser: its lists, orders, filter and layout, with the address and Back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from pymongo.database import Database

from segue.catalog.gathering import gather
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.browser import Player, Served, needs_chromium
from tests.waiting import until

pytestmark = needs_chromium
SONGS = 260


@pytest.fixture
def library(served: Served, database: Database[Document], page: Page) -> Iterator[Page]:
    """260 more songs on 130 albums, and the page Library."""
    database.tracks.insert_many(
        {
            "_id": f"song{n:03d}",
            "title": f"Take {n:03d}",
            "artist": f"Band {n // 20}",
            "album": f"Session {n // 2:03d}",
            "track": 1 + n % 2,
            "genres": ["Folk" if n % 5 else "Waltz"],
            "year": 1990 + n % 30,
            "library": "home",
            "state": "present",
            "modified_ns": n,
            "details": {"artists": [f"Band {n // 20}"], "album_artists": [f"Band {n // 20}"]},
        }
        for n in range(SONGS)
    )
    gather(Store(database))
    page.goto(f"{served.address}/library")
    page.locator(".library .card").first.wait_for()
    yield page


def names(page: Page) -> list[str]:
    return page.locator(".library .title").all_text_contents()


def view(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Lists of the library").get_by_role("link", name=name)


def test_lists_orders_and_layout_are_in_the_address_and_back_returns(library: Page) -> None:
    assert names(library)[0] == "Session 000"
    view(library, "Songs").click()
    until(lambda: "Take 000" in names(library), "the songs")
    assert "show=songs" in library.url
    expect(view(library, "Songs")).to_have_attribute("aria-current", "page")
    library.get_by_label("Order", exact=True).select_option("year")
    until(lambda: names(library)[:1] == ["Take 029"], "the newest release first")
    library.get_by_role("button", name="Reverse the order").click()
    until(lambda: names(library) and "Take 029" not in names(library)[:20], "the oldest release first")
    library.get_by_role("button", name="As a grid").click()
    library.locator(".library .card").first.wait_for()
    assert library.url.endswith("/library?show=songs&by=year&backwards=1&as=grid")
    library.go_back()
    library.locator(".library .row").first.wait_for()
    # Each step waits for its address: the browser counts two steps at once as one.
    for address in ("show=songs&by=year", "show=songs"):
        library.go_back()
        expect(library).to_have_url(re.compile(rf"/library\?{address}$"))
    until(lambda: names(library)[:1] == ["House 0"], "the titles in alphabetical order")
    library.go_back()
    until(lambda: names(library)[:1] == ["Session 000"], "the albums")


def test_the_list_is_loaded_as_it_is_reached(library: Page, database: Database[Document]) -> None:
    library.goto(library.url.replace("/library", "/library?show=songs"))
    library.locator(".library .row").first.wait_for()
    total = database.tracks.count_documents({})

    def scrolled() -> bool:
        library.mouse.move(600, 400)
        library.mouse.wheel(0, 20_000)
        return len(names(library)) == total

    until(scrolled, "all songs")
    assert len(set(names(library))) == total
    assert not library.get_by_role("button", name="Show more").count()


def test_the_filter_takes_words_while_they_are_typed(library: Page) -> None:
    field = library.get_by_role("searchbox", name="Filter this list")
    field.click()
    library.keyboard.type("sesion 12", delay=40)
    until(lambda: names(library)[:1] == ["Session 120"] and "Session 000" not in names(library), "matches")
    assert "filter=sesion+12" in library.url
    expect(field).to_be_focused()
    library.keyboard.type(" nothing like it", delay=10)
    library.get_by_text("Nothing here contains these words.").wait_for()
    view(library, "Artists").click()
    until(lambda: "Band 0" in names(library), "the artists, without the words")
    expect(field).to_have_value("")


def test_a_genre_leads_to_its_songs(library: Page) -> None:
    view(library, "Genres").click()
    library.get_by_role("link", name="Folk").click()
    until(lambda: "Take 001" in names(library) and "Take 000" not in names(library), "the songs")
    library.get_by_role("button", name="All genres, not Folk alone").click()
    until(lambda: "House 0" in names(library), "all songs")


@pytest.mark.parametrize(("old", "first"), [("albums", "Session 000"), ("artists", "Band 0")])
def test_addresses_of_earlier_releases(library: Page, old: str, first: str) -> None:
    library.goto(library.url.replace("/library", f"/{old}"))
    until(lambda: names(library)[:1] == [first], "the list")


def test_a_song_plays_and_the_next_ones_follow(library: Page) -> None:
    view(library, "Songs").click()
    until(lambda: "Take 000" in names(library), "the songs")
    player = Player(library)
    player.play("House 1")
    player.wait_playing("House 1")
    assert player.state()["queue"][player.state()["at"] + 1] == "House 2"


def test_nothing_moves_when_a_song_starts(library: Page) -> None:
    view(library, "Songs").click()
    until(lambda: "House 0" in names(library), "the songs")
    before = names(library)
    row = library.locator("article", has=library.locator(".title[title='House 1']"))
    place = row.bounding_box()
    row.hover()
    row.locator(".go").click()
    Player(library).wait_playing("House 1")
    library.wait_for_timeout(1500)
    assert (row.bounding_box(), names(library)) == (place, before)


def test_any_address_shows_a_list(library: Page) -> None:
    base = library.url
    for query in ("show=nothing", "show=songs&by=x&backwards=7&as=q", "filter=%00%ff&genre=%27", "id=x"):
        library.goto(f"{base}?{query}")
        library.locator(".library .controls").wait_for()
        assert not library.locator("[data-testid=stException]").count()
