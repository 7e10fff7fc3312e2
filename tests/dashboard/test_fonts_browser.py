"""The fonts that the dashboard sends, in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request

from tests.dashboard.browser import Served, needs_chromium
from tests.dashboard.fonts import of_pages, of_streamlit

pytestmark = needs_chromium
DRAWN = """async (names) => {
  const size = 24, line = document.body.appendChild(document.createElement("span"));
  line.style.cssText = `font: ${size}px "Material Symbols Rounded"; white-space: nowrap; position: absolute`;
  const loaded = await document.fonts.load(line.style.font, "home");
  const drawn = names.filter((name) => {
    line.textContent = name;
    return Math.round(line.getBoundingClientRect().width) === size; // each letter of a name is as wide
  });
  line.remove();
  return [loaded.length, drawn];
}"""
LOADED = """(text) => document.fonts.load('16px "Source Sans"', text).then((loaded) => loaded.length)"""
IN_NO_FONT = {"star_filled"}
"""Names in Streamlit's scripts, of which its own font has no symbol."""


def test_every_symbol_is_drawn(visited: Served, page: Page) -> None:
    page.goto(visited.address)
    page.locator("[data-testid='stApp']").wait_for()
    names = sorted(of_pages() | of_streamlit())
    fonts, drawn = page.evaluate(DRAWN, names)
    assert fonts == 1
    assert set(names) - set(drawn) == IN_NO_FONT, "run .ci/fonts"


@pytest.mark.parametrize(("text", "needs_the_whole"), [("Größe: naïve – Łódź", False), ("Земля", True)])
def test_other_than_latin_letters_load_the_whole_font(
    visited: Served, page: Page, text: str, needs_the_whole: bool
) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if "SourceSans" in request.url:
            asked.append(request.url)

    page.on("request", note)
    page.goto(visited.address)
    page.locator("[data-testid='stApp']").wait_for()
    assert page.evaluate(LOADED, text) == 1 + needs_the_whole
    assert any(url.endswith("?whole") for url in asked) == needs_the_whole
