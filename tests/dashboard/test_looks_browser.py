"""The player at 200 % zoom of a common window, with forced colours, and lists without songs."""

from __future__ import annotations

import io

from PIL import Image
from playwright.sync_api import Locator, expect

from tests.dashboard.browser import Player, Served, needs_chromium, settle
from tests.dashboard.conftest import PageOf, opened
from tests.dashboard.music import EACH, title, track_id
from tests.waiting import until

pytestmark = needs_chromium
ZOOMED = {"width": 640, "height": 430}


def test_the_queue_is_seen_and_used_at_200_percent(visited: Served, page_of: PageOf) -> None:
    player = opened(page_of(viewport=ZOOMED), visited.address)
    songs = [
        {"id": track_id("Waltz", n), "title": title("Waltz", n), "artist": "A", "duration": 50_000}
        for n in range(EACH)
    ]
    player.page.evaluate("songs => window.__segue.play(songs, 0)", songs)
    until(lambda: player.state().get("title") == title("Waltz", 0), "the first song")
    player.press("Queue")
    panel = player.page.locator("#segue-bar .panel")
    # Trial clicks are pressed by nothing, but fail where another element covers the place.
    panel.get_by_role("heading", name="Now playing").click(trial=True)
    last = panel.locator(".row", has_text=title("Waltz", EACH - 1))
    last.locator(".go").click(trial=True)
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()


def test_an_empty_list_does_not_look_as_if_songs_were_on_their_way(visitor: Player, visited: Served) -> None:
    page = visitor.page
    page.goto(f"{visited.address}/library?show=liked")
    page.locator(".library .empty").wait_for()
    expect(page.locator(".library .tracks")).to_be_hidden()
    page.goto(f"{visited.address}/map")
    page.locator(".map .hint", has_text="24 songs").wait_for()
    settle(page)
    expect(page.locator(".map .near")).to_be_hidden()
    page.locator(".map canvas").press("Enter")
    page.locator(".map .near .row").first.wait_for()


def wait_seen(part: Locator, name: str) -> None:
    """Wait until a part of a page is not of one colour."""

    def seen() -> bool:
        picture = Image.open(io.BytesIO(part.screenshot())).convert("RGB")
        return len(picture.getcolors(maxcolors=picture.width * picture.height) or []) > 1

    until(seen, f"{name} to be seen")


def test_forced_colours_leave_sliders_and_the_maps_legend(visited: Served, page_of: PageOf) -> None:
    page = page_of(viewport={"width": 1280, "height": 860}, forced_colors="active")
    player = opened(page, visited.address)
    for name in ("Position", "Volume"):
        wait_seen(player.page.get_by_role("slider", name=name), name)
    page.goto(f"{visited.address}/map")
    swatch = page.locator(".map .legend i").first
    swatch.wait_for()
    wait_seen(swatch, "the colour of a genre")
