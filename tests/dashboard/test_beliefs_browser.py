"""Beliefs on the page You, and both tastes on Your listening, in a real Chromium."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pymongo.database import Database

from segue.engagement.listening_sessions import ListeningSessions
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.corrections import Corrections
from segue.taste.memory import Loved, Memories, Month, month_of
from tests.dashboard.browser import Player, Served, needs_chromium, settle
from tests.dashboard.test_accessible_browser import PICTURES, violations
from tests.waiting import until

pytestmark = needs_chromium
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "width": 1280, "height": 1400},
    "dark": {"color_scheme": "dark", "width": 1280, "height": 1400},
    "phone": {"color_scheme": "dark", "width": 360, "height": 1600},
}


@pytest.fixture
def known(player: Player, database: Database[Document]) -> str:
    """A guest with a taste, a memory and an evening of listening; the guest's id."""
    session = database.sessions.find_one({}, sort=[("_id", -1)]) or {}
    user_id = str(session["user_id"])
    now = datetime.now(UTC)
    ms = round(now.timestamp() * 1000)
    tracks = sorted(track["_id"] for track in database.tracks.find({"state": "present"}))
    for track in database.tracks.find({"state": "present"}):
        keys = {"artist_keys": [track["artist"].casefold()], "counted": [track["artist"].casefold()]}
        database.tracks.update_one({"_id": track["_id"]}, {"$set": keys})
    window = {
        "tracks": tracks[:6],
        "weights": [1.0 + number for number in range(6)],
        "types": ["complete"] * 6,
        "at": [ms - 60_000 * number for number in range(6)],
    }
    start = ms - ms % 1_800_000
    database.tastes.replace_one({"_id": user_id}, {"windows": {str(start): window}}, upsert=True)
    old = now - timedelta(days=800)
    loved = Loved(tracks[4:9], [9.0, 7.0, 5.0, 3.0, 2.0], [round(old.timestamp() * 1000)] * 5)
    Memories(Store(database)).write(
        {user_id: {month_of(old): Month(live=loved)}}, half_life=timedelta(days=365), most=50
    )
    began = ms - 26 * 3_600_000
    ListeningSessions(Store(database)).documents.insert_one(
        {
            "_id": f"{began}:{user_id}",
            "user_id": user_id,
            "first_at": began,
            "last_at": began + 9_000_000,
            "ended_at": now,
            "plays": 31,
            "skips": 2,
            "listening_ms": 8_000_000,
        }
    )
    return user_id


def _opened(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/you")
    page.get_by_role("tab", name="Taste").click()
    page.get_by_text("long-term").first.wait_for()


def test_beliefs_are_seen_corrected_and_taken_back(
    player: Player, served: Served, known: str, database: Database[Document]
) -> None:
    page, corrections = player.page, Corrections(Store(database))
    _opened(page, served)
    for look, how in LOOKS.items():
        _look(page, how)
        settle(page)
        _picture(page, f"taste {look}")
        assert violations(page) == []
    page.set_viewport_size({"width": 1280, "height": 1400})

    page.get_by_role("radio", name="Never again").first.click()
    until(lambda: bool(corrections.of([known])), "the correction to be stored")
    [rule] = corrections.of([known])[known].rules
    assert (rule.kind, rule.strength) == ("artist", "never")
    settle(page)
    expect(page.get_by_role("radio", name="Never again", checked=True)).to_have_count(1)
    page.get_by_role("radio", name="Never again", checked=True).click()
    until(lambda: not corrections.of([known]), "the correction to be taken back")

    page.get_by_role("button", name="Forget", exact=True).first.click()
    until(lambda: bool(corrections.spans([known])), "the evening to be forgotten")
    page.get_by_role("button", name="Count again").wait_for()
    settle(page)
    _picture(page, "taste forgotten")
    page.get_by_role("button", name="Count again").click()
    until(lambda: not corrections.spans([known]), "the evening to count again")


def test_both_tastes_are_side_by_side(
    player: Player, served: Served, known: str, database: Database[Document]
) -> None:
    page = player.page
    start = datetime.now(UTC) - timedelta(hours=26)
    fact = {"_id": f"x:{known}", "user_id": known, "start": start, "definitions": "x", "events": 1}
    row = {"track_id": "x", "artist": "Waltz Band", "genre": "Waltz", "plays": 3, "listening_ms": 600_000}
    database.listening.insert_one({**fact, "first_at": 1, "last_at": 2, "rows": [row]})
    page.goto(f"{served.address}/listening")
    title = page.get_by_text("Your taste, now and in the long term")
    title.wait_for()
    for look, how in LOOKS.items():
        _look(page, how)
        title.scroll_into_view_if_needed()
        settle(page)
        _picture(page, f"both tastes {look}")
        assert violations(page) == []


def _look(page: Page, how: dict[str, Any]) -> None:
    page.set_viewport_size({"width": how["width"], "height": how["height"]})
    page.emulate_media(color_scheme=how["color_scheme"], reduced_motion="reduce")
    expect(page.locator("[data-testid='stApp']")).to_have_css("color-scheme", how["color_scheme"])


def _picture(page: Page, name: str) -> None:
    if PICTURES:
        folder = Path(PICTURES)
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / f"{name}.png".replace(" ", "-"))
