"""The core of an evening in Chromium, Firefox and WebKitGTK as they are installed: ./run.sh test browsers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from segue.settings import Settings
from segue.storage.mongo import Document
from tests.dashboard.browser import STATE, Served
from tests.dashboard.music import title, track_id
from tests.dashboard.recorded import Recording
from tests.dashboard.test_gapless_browser import (
    AFTER,
    BEFORE,
    CUT,
    NEARLY_OVER,
    RATE,
    SAMPLES,
    SETTLED,
    cut_sine,
    gaps,
    shifts,
)
from tests.dashboard.test_player_routes import in_kafka
from tests.dashboard.test_stillness_browser import FIRST, SECOND, plan
from tests.dashboard.webdriver import KINDS, Kind, Window, window_of
from tests.waiting import until

pytestmark = [pytest.mark.browsers, pytest.mark.integration]
ALBUM = [title("Waltz", number) for number in range(4)]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    if found.missing:
        pytest.skip(found.missing)
    return found


@pytest.fixture
def window(kind: Kind, served: Served, tmp_path: Path) -> Iterator[Window]:
    """A guest's first page."""
    with window_of(kind, tmp_path) as window:
        window.open(served.address)
        window.wait_for(".card")
        until(lambda: window.evaluate("Boolean(window.__segue)"), "the player's engine")
        yield window


def state(window: Window) -> dict[str, Any]:
    return window.evaluate(STATE) or {}


def wait_playing(window: Window, song: str) -> None:
    """Until a song sounds and has gone on for a second, by its own clock."""
    until(lambda: state(window).get("title") == song, f"{song} to be played, not {state(window)}")
    since = state(window)["position"]

    def goes_on() -> bool:
        now = state(window)
        return bool(now["playing"] and now["position"] >= since + 1000 and now["heard"] >= 1000)

    until(goes_on, f"{song} to go on: {state(window)}")


def press(window: Window, label: str) -> None:
    window.press("#segue-bar button", label)


def test_the_core_of_an_evening(
    window: Window, kind: Kind, album: str, broker: Settings, database: Database[Document]
) -> None:
    """Search, play an album, skip, see other songs come next, like, go back, reload, play on."""
    plan(database, FIRST)
    window.press("[data-testid=stTopNavLink][href$='/search']")
    window.type("input[type=search]", "waltzes")
    window.press(".search a.title", "Waltzes")
    window.press(".collection button", "Play")
    wait_playing(window, ALBUM[0])
    assert state(window)["error"] is None
    until(lambda: state(window)["queue"][4:5] == [title("House", 0)], "recommendations after the album")

    plan(database, SECOND)  # as the stream does after a skip
    press(window, "Next")
    wait_playing(window, ALBUM[1])
    until(lambda: state(window)["queue"][4:5] == [title("Metal", 0)], "the next songs to change")
    assert state(window)["queue"][:4] == ALBUM

    press(window, "Like")
    window.wait_for("#segue-bar button", "Remove the like")
    until(lambda: "like" in types(broker), "the like to be stored")
    told = [(play["type"], play["track_id"]) for play in plays(broker)]
    assert told == [
        ("play", track_id("Waltz", 0)),
        ("skip", track_id("Waltz", 0)),
        ("play", track_id("Waltz", 1)),
        ("like", track_id("Waltz", 1)),
    ]

    window.press(".tracks a.title", ALBUM[3])
    window.wait_for("h1", ALBUM[3])
    for former in ("Waltzes", "Search"):
        window.back()
        window.wait_for("h1", former)
    window.wait_for(".search a.title", "Waltzes")
    assert state(window)["playing"]

    press(window, "Pause")
    until(lambda: not state(window)["playing"], "a pause")
    before = state(window)
    window.reload()
    until(lambda: state(window).get("title") == ALBUM[1], "the song to be there again")
    after = state(window)
    assert (after["playing"], after["queue"]) == (False, before["queue"])
    assert abs(after["position"] - before["position"]) < 1500
    window.wait_for("#segue-bar button", "Remove the like")
    press(window, "Play")
    wait_playing(window, ALBUM[1])
    assert state(window)["position"] >= before["position"]


def plays(settings: Settings) -> list[dict[str, Any]]:
    """The events of the listening, in their order."""
    heard = [play for play in in_kafka(settings) if play["type"] != "impression"]
    return sorted(heard, key=lambda play: play["occurred_at"])


def types(settings: Settings) -> list[str]:
    return [play["type"] for play in plays(settings)]


def test_a_song_that_ends_leads_to_the_next_one(window: Window, kind: Kind, album: str) -> None:
    """By a decoded song where the browser allows it, elsewhere by the one element."""
    window.open(f"{window.evaluate('location.origin')}/album?id={album}")
    window.press(".collection button", "Play")
    wait_playing(window, ALBUM[0])
    assert window.evaluate("window.__segue.sound.decodes") is kind.decodes
    if kind.decodes:
        until(partial(window.evaluate, "Boolean(window.__segue.sound.next)"), "the next song to be decoded")
    window.evaluate("() => window.__segue.seek(window.__segue.duration - 2000)")
    wait_playing(window, ALBUM[1])
    assert window.evaluate("Boolean(window.__segue.sound.voice)") is kind.decodes


def test_each_format_is_played(window: Window) -> None:
    """The first five songs are WAV, MP3, Ogg, FLAC and M4A."""
    window.press(".card .go")  # a click, without which a browser starts no sound
    until(lambda: state(window).get("playing"), "the first song")
    for number in range(5):
        song = {
            "id": track_id("House", number),
            "title": title("House", number),
            "artist": "A",
            "duration": 50_000,
        }
        window.evaluate("(item) => window.__segue.play([item], 0)", song)
        wait_playing(window, song["title"])  # type: ignore[arg-type]
        assert state(window)["error"] is None


def test_songs_follow_each_other_without_a_gap(
    window: Window, kind: Kind, database: Database[Document], tmp_path: Path
) -> None:
    if not kind.decodes:
        pytest.skip(f"in {kind.name}, the audio element plays one song after the other")
    titles = cut_sine(database, tmp_path, ".flac")
    window.press(".card .go")
    until(lambda: window.evaluate("Boolean(window.__segue.sound.nodes)"), "the sound to be routed")
    recording = Recording(window)
    length = round(1000 * SAMPLES / RATE)
    items = [
        {"id": track_id("Waltz", number), "title": titles[number], "artist": "A", "duration": length}
        for number in CUT
    ]
    window.evaluate("(items) => window.__segue.play(items, 0)", items)
    wait_playing(window, titles[0])
    until(lambda: window.evaluate("Boolean(window.__segue.sound.next)"), "the next song to be decoded")
    since, follows = window.evaluate(NEARLY_OVER, 1000 * BEFORE)
    assert follows
    wait_playing(window, titles[1])
    heard = recording.samples(since + SETTLED, seconds=BEFORE - SETTLED + AFTER)
    assert gaps(heard, recording.rate) <= 1.0
    assert shifts(heard, recording.rate) <= 1.0
