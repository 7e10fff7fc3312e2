"""The pictures of the documentation: one of each page, all of them shown, none too large."""

from __future__ import annotations

import re

from segue.documentation.pictures import menu
from segue.places import ROOT

PICTURES = ROOT / "docs" / "pictures"
LARGEST = 350_000
BY_LINK = ("artist", "album", "track")


def test_each_page_of_the_player_has_a_picture() -> None:
    first, *others = menu()
    assert first == "home"
    shown = re.findall(r"\.\./pictures/([\w-]+)\.jpg", (ROOT / "docs/explanation/player.md").read_text())
    assert sorted({"for-you", *others, *BY_LINK} - set(shown)) == []


def test_each_picture_is_shown_on_a_page() -> None:
    pages = "".join(page.read_text() for page in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
    assert [file.name for file in PICTURES.iterdir() if f"pictures/{file.name}" not in pages] == []


def test_pictures_are_small_enough_for_a_page() -> None:
    assert [file.name for file in PICTURES.iterdir() if file.stat().st_size > LARGEST] == []
