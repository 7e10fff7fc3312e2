"""An evening with the keyboard alone, as a screen reader gets it, and in German."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Page
from pymongo.database import Database

from segue.storage.mongo import Document
from tests.dashboard.browser import Player, Served, needs_chromium
from tests.dashboard.conftest import PageOf, opened
from tests.waiting import until

pytestmark = needs_chromium
FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at && (at.getAttribute('aria-label') ?? at.textContent.trim());
}"""
ARABIC = "فيروز نسم علينا الهوا من مفرق الوادي يا هوا دخل الهوا خدني على بلادي"


@pytest.fixture
def german(visited: Served, page_of: PageOf) -> Player:
    """A visitor whose browser prefers German."""
    page = page_of(locale="de-DE", viewport={"width": 1280, "height": 860})
    return opened(page, visited.address)


def focused(page: Page) -> str:
    return str(page.evaluate(FOCUSED))


def test_the_player_is_two_keys_away(visitor: Player) -> None:
    page = visitor.page
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Tab")
    assert focused(page) == "To the content"
    assert page.locator(".segue-skip button").first.bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Tab")
    assert focused(page) == "To the player"
    page.keyboard.press("Enter")
    assert focused(page) == "Play"
    shape = "one => [one.matches(':focus-visible'), getComputedStyle(one).borderRadius]"
    assert page.locator("#segue-bar .main").evaluate(shape) == [True, "50%"], "it stays round"
    page.keyboard.press("Enter")
    visitor.wait_playing()
    until(lambda: focused(page) == "Pause", "the button to have its new name")


def test_an_evening_with_the_keyboard_alone(visitor: Player) -> None:
    """Search, play, like, read the queue, skip and pause: the mouse is not touched."""
    page = visitor.page
    page.keyboard.press("/")
    field = page.locator("input[type=search]")
    field.wait_for()
    until(lambda: focused(page) == "Search", "the field of the search to have the focus")
    page.keyboard.type("waltz 3")
    page.locator(".search .tracks .row").first.wait_for()
    page.keyboard.press("ArrowDown")
    until(lambda: "altz" in focused(page), "the first result to have the focus")

    def goes_on() -> bool:
        if focused(page) != "Play Waltz 3":
            page.keyboard.press("Shift+Tab" if focused(page) == "Waltz 3" else "Tab")
        return focused(page) == "Play Waltz 3"

    until(goes_on, "the button of the song to have the focus")
    page.keyboard.press("Enter")
    visitor.wait_playing("Waltz 3")
    page.keyboard.press("l")
    page.locator("#segue-bar .like[aria-label='Remove the like']").wait_for()
    page.keyboard.press("q")
    panel = page.locator("#segue-bar .panel")
    panel.wait_for()
    until(lambda: focused(page) == "Close", "the panel to have the focus")
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    page.keyboard.press("n")
    until(lambda: visitor.state()["title"] not in (None, "Waltz 3"), "the next song")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press(" ")
    until(lambda: not visitor.state()["playing"], "a pause")


def test_each_control_has_a_name_and_live_regions_are_few(visitor: Player) -> None:
    page = visitor.page
    visitor.press("Play")
    visitor.wait_playing()
    nameless = page.locator("#segue-bar").evaluate(
        """(bar) => [...bar.querySelectorAll('button, input, select, a[href]')]
          .filter((one) => one.checkVisibility())
          .filter((one) => !(one.ariaLabel || one.textContent.trim()))
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    said = page.evaluate(
        """async () => {
          const inner = [...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean);
          const live = [document, ...inner].flatMap((root) =>
            [...root.querySelectorAll('[aria-live], [role=status], [role=alert]')]);
          let said = 0;
          for (const region of live) {
            new MutationObserver(() => said++).observe(region, {childList: true, subtree: true});
          }
          await new Promise((done) => setTimeout(done, 5000));
          return said;
        }"""
    )
    assert said <= 1  # a song plays: nothing is to be said


def test_a_title_in_arabic_keeps_its_beginning(player: Player, database: Database[Document]) -> None:
    database.tracks.update_one({"_id": "waltz0"}, {"$set": {"title": ARABIC}})
    page = player.page
    page.goto(f"{page.url.rstrip('/')}/search?query=waltz")
    named = page.locator(f".title[title='{ARABIC}']").first
    named.wait_for()
    assert named.evaluate("one => getComputedStyle(one).direction") == "rtl"


def test_a_german_browser_gets_german(german: Player) -> None:
    page = german.page
    until(lambda: page.title() == "Für dich · Segue", "the title of the page")
    assert page.evaluate("document.documentElement.lang") == "de"
    assert page.locator("h1").inner_text() == "Für dich"
    german.press("Abspielen")
    german.wait_playing()
    page.goto(page.url.rstrip("/") + "/map")
    page.locator(".map .hint", has_text="24 Songs").wait_for()


def test_the_texts_of_streamlits_own_elements_are_german(german: Player) -> None:
    page = german.page
    page.set_viewport_size({"width": 900, "height": 860})
    further = page.locator("[data-testid=stTopNavSection]")
    until(lambda: re.fullmatch(r"\d+ weitere", further.inner_text().split("\n")[0]), "the other pages")
    page.set_viewport_size({"width": 1280, "height": 860})
    page.goto(f"{page.url.rstrip('/')}/library?show=playlists")
    uploader = page.locator("[data-testid=stFileUploader]")
    uploader.get_by_role("button", name="Hochladen").wait_for()
    program = FilePayload(name="song.exe", mimeType="application/x-msdownload", buffer=b"no")
    uploader.locator("input[type=file]").set_input_files(program)
    uploader.get_by_role("button", name="song.exe entfernen").wait_for()
    uploader.get_by_text("sind nicht erlaubt").first.wait_for(state="attached")


def test_the_choice_of_the_account_is_stronger_than_the_browser(german: Player) -> None:
    page = german.page
    german.go("/you")
    page.get_by_role("combobox", name="Sprache").click()
    page.get_by_role("option", name="English").click()
    page.get_by_text("You are a guest").wait_for()
    page.reload()
    page.get_by_text("You are a guest").wait_for()
    until(lambda: page.evaluate("document.documentElement.lang") == "en", "the language of the page")


def test_an_outage_of_the_server_shows_no_message_of_streamlit(served: Served, player: Player) -> None:
    page = player.page
    served.end()
    page.wait_for_timeout(25_000)
    assert page.locator("[role=dialog]:visible").count() == 0
    assert not page.get_by_text("Connection error").is_visible()
