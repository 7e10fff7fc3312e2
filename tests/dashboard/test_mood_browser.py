"""A real Chromium: the dial is turned, and the cards and the player's queue follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Page
from pymongo.database import Database

from segue.moods.measures import CorpusMoods
from segue.moods.stored import Moods
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.browser import Player, Served, needs_chromium
from tests.dashboard.music import EACH, STYLES, make_music, title, track_id
from tests.waiting import until

pytestmark = needs_chromium


def test_the_cards_and_the_queue_follow_the_dial(
    settings: Settings,
    database: Database[Document],
    music_files: dict[str, Path],
    page: Page,
    tmp_path: Path,
) -> None:
    make_music(database, settings, music_files)
    ids = sorted(track_id(style, n) for style in STYLES for n in range(EACH))
    percentiles = np.full((len(ids), 4), 0.5, dtype=np.float32)
    percentiles[:, 0] = [0.1 if one.startswith("waltz") else 0.7 for one in ids]
    moods = CorpusMoods(percentiles=percentiles, bpm=np.full(len(ids), np.nan, dtype=np.float32))
    Moods(Store(database)).replace(ids, moods, version="v")
    dashboard = Served(settings, log=tmp_path / "dashboard.log")
    dashboard.start()
    try:
        page.goto(dashboard.address)
        page.locator(".card").first.wait_for()
        player = Player(page)
        player.play(title("House", 0))
        player.wait_playing(title("House", 0))
        waltzes = {title("Waltz", n) for n in range(EACH)}

        def ahead() -> list[str]:
            return list(player.state()["queue"][1:])

        until(lambda: len(ahead()) > 3, "a queue")
        assert not set(ahead()[:4]) <= waltzes
        page.get_by_role("button", name="Mood: any").click()

        def calm() -> bool:  # a page that is drawn in between may swallow a key
            page.get_by_role("slider").first.press("ArrowLeft")
            page.wait_for_timeout(500)
            return bool(database.mood_dials.find_one({"notches.energy": -2}))

        until(calm, "the dial to be turned")
        page.get_by_role("button", name="Mood: calm").wait_for()
        until(lambda: set(player.cards()[:4]) <= waltzes, "waltzes on the page")
        until(lambda: set(ahead()[:4]) <= waltzes, "waltzes in the queue")
        assert player.playing(title("House", 0))
    finally:
        dashboard.end()
