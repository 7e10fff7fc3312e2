"""The pictures of the documentation: all of them shown, none too large."""

from __future__ import annotations

from segue.places import ROOT

PICTURES = ROOT / "docs" / "pictures"
LARGEST = 350_000


def test_each_picture_is_shown_on_a_page() -> None:
    pages = "".join(page.read_text() for page in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
    assert [file.name for file in PICTURES.iterdir() if f"pictures/{file.name}" not in pages] == []


def test_pictures_are_small_enough_for_a_page() -> None:
    assert [file.name for file in PICTURES.iterdir() if file.stat().st_size > LARGEST] == []
