"""Playing in a real Chromium: the next song, fast skips, the lock screen, the sleep timer, a kept queue."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import BrowserContext, Request
from pymongo.database import Database

from segue.catalog.lyrics import lyrics_in
from segue.catalog.track_lyrics import TrackLyrics
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.browser import Player, needs_chromium
from tests.dashboard.conftest import WINDOW, ContextOf
from tests.dashboard.music import title, track_id
from tests.waiting import until

pytestmark = needs_chromium
FADES = """() => { const { sound } = window.__segue, { flowed } = sound.events;
  sound.events.flowed = (key) => { window.faded = Boolean(sound.fading); flowed(key); }; }"""


@pytest.fixture(scope="module")
def context(context_of: ContextOf) -> BrowserContext:
    """With the motion of lists, songs and lyrics."""
    return context_of(viewport=WINDOW, reduced_motion="no-preference")


def test_the_next_song_starts_in_the_task_in_which_the_former_ends(visitor: Player) -> None:
    """A locked phone runs nothing after that task: one audio element, and no request in between."""
    visitor.play(title("Waltz", 0))
    visitor.wait_playing(title("Waltz", 0))
    until(
        lambda: visitor.page.evaluate("e => window.__segue.tickets.has(window.__segue.queue[1].id)"),
        "the address of the next song",
    )
    element, address, played, title_now = visitor.page.evaluate(
        """async () => {
            const e = window.__segue, before = e.audio, next = e.queue[e.at + 1];
            e.sound.browser.touch = true;
            Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
            e.hidden();
            let played = 0;
            const play = before.play.bind(before);
            before.play = () => { played++; return play(); };
            before.onended();
            for (let i = 0; i < 20; i++) await null;
            delete document.hidden;
            return [e.audio === before, before.src.includes(next.id), played, e.current.id === next.id];
        }"""
    )
    assert (element, address, played, title_now) == (True, True, 1, True)


def test_ten_fast_skips_play_the_tenth_song(visitor: Player) -> None:
    faults: list[str] = []
    visitor.page.on("pageerror", lambda error: faults.append(str(error)))
    visitor.play(title("Waltz", 0))
    visitor.wait_playing(title("Waltz", 0))
    until(lambda: len(visitor.state()["queue"]) > 10, "ten songs in the queue")
    tenth = visitor.state()["queue"][10]
    visitor.page.evaluate("for (let i = 0; i < 10; i++) window.__segue.next()")
    visitor.wait_playing(tenth)
    shown = visitor.page.evaluate("navigator.mediaSession.metadata.title")
    assert (visitor.page.locator("#segue-bar .title").first.inner_text(), shown, faults) == (tenth, tenth, [])


def test_the_lock_screen_gets_a_position_that_it_accepts(visitor: Player) -> None:
    visitor.play(title("Waltz", 0))
    visitor.wait_playing(title("Waltz", 0))
    told = visitor.page.evaluate(
        """() => {
            const e = window.__segue, told = [];
            e.pause();
            e.sound.stop();
            navigator.mediaSession.setPositionState = (state) => told.push(state);
            const length = (seconds, known, at) => {
                Object.defineProperty(e.audio, "duration", { get: () => seconds, configurable: true });
                Object.defineProperty(e.audio, "currentTime", { get: () => at, configurable: true });
                e.current.duration = known;
                e.changed();
            };
            length(Infinity, 215000, 3);
            length(NaN, undefined, 0);
            length(215, 215000, 215.02);
            delete e.audio.duration; delete e.audio.currentTime;
            return told;
        }"""
    )
    assert told == [{"duration": 215, "position": 3}, {"duration": 215, "position": 215}]


def test_songs_are_equally_loud_and_crossfaded_as_the_listener_chooses(
    player: Player, database: Database[Document]
) -> None:
    gains = {"track_gain": -6.0, "track_peak": 0.9, "album_gain": -2.0, "album_peak": 1.0}
    database.tracks.update_many({}, {"$set": {"details.replay_gain": gains}})
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    loud = "20 * Math.log10(window.__segue.sound.nodes?.own.gain.value || window.__segue.sound.factor)"
    until(lambda: round(player.page.evaluate(loud), 3) == -6, "the gain of the track")
    player.press("Sound")
    panel = player.page.locator("#segue-bar .panel")
    panel.get_by_label("Loudness").select_option("Each album equally loud")
    factor = "20 * Math.log10(window.__segue.sound.factor)"
    assert round(player.page.evaluate(factor), 3) == -2
    crossfade = panel.get_by_label("Crossfade")
    crossfade.focus()
    for _ in range(3):
        crossfade.press("ArrowRight")
    assert (crossfade.get_attribute("aria-valuetext"), panel.locator("output").inner_text()) == ("3 s", "3 s")
    until(
        lambda: player.page.evaluate("window.__segue.sound.next?.overlap") == 3, "the next song to be ready"
    )
    player.page.evaluate(FADES)
    player.page.evaluate("window.__segue.seek(window.__segue.duration - 3500)")
    until(lambda: player.state()["at"] == 1, "the next song")
    assert player.page.evaluate("window.faded"), "both songs sound"
    player.page.reload()
    until(lambda: player.state().get("title"), "the player to be there")
    kept = player.page.evaluate("[window.__segue.settings.evenness, window.__segue.settings.crossfade]")
    assert kept == ["album", 3]


def test_the_sleep_timer_stops_after_the_song(visitor: Player) -> None:
    visitor.play(title("Waltz", 0))
    visitor.wait_playing(title("Waltz", 0))
    visitor.press("Queue")
    visitor.page.get_by_label("Sleep timer").select_option("Stop after this song")
    visitor.page.evaluate("window.__segue.seek(window.__segue.duration - 1000)")
    until(lambda: visitor.state()["at"] == 1, "the song to end")
    until(lambda: not visitor.state()["playing"], "the music to stop after the song")
    until(lambda: visitor.page.get_by_label("Sleep timer").input_value() == "", "the timer to be off")
    visitor.page.clock.install()
    visitor.press("Play")
    visitor.page.get_by_label("Sleep timer").select_option("Stop in 15 minutes")
    visitor.page.clock.fast_forward("15:01")
    until(lambda: not visitor.state()["playing"], "the music to stop")


def test_a_radio_is_labelled_and_stopped(visitor: Player) -> None:
    visitor.play(title("Waltz", 0))
    visitor.wait_playing(title("Waltz", 0))
    visitor.press("Queue")
    panel = visitor.page.locator("#segue-bar .panel")
    visitor.page.evaluate("window.__segue.startRadio(window.__segue.current)")
    panel.get_by_role("heading", name=f"Radio from {title('Waltz', 0)}").wait_for()
    panel.get_by_role("button", name="Stop the radio").click()
    panel.get_by_role("heading", name="Planned for you").wait_for()
    assert visitor.page.evaluate("window.__segue.radio") is None
    assert visitor.state()["title"] == title("Waltz", 0)


def test_lyrics_follow_the_song_and_a_line_plays_from_there(
    player: Player, database: Database[Document]
) -> None:
    lines = lyrics_in("[00:00.00]one\n[00:02.00]two\n[00:08.00]three", language="eng")
    assert lines
    TrackLyrics(Store(database)).replace({track_id("Waltz", 0): [lines]})
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    player.press("Pause")
    player.press("Lyrics")
    panel = player.page.locator("#segue-bar .panel")
    panel.get_by_role("button", name="three").click()
    until(lambda: panel.locator(".sung").all_inner_texts() == ["three"], "the line to be marked")
    assert player.state()["position"] >= 8000
    player.page.evaluate("window.__segue.next()")
    panel.get_by_text("There are no lyrics for this song.").wait_for()


def test_the_queue_is_cleared_restored_and_saved(player: Player, database: Database[Document]) -> None:
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    player.press("Pause")
    songs = [{"id": f"metal{n}", "title": title("Metal", n), "source": "home"} for n in (1, 2)]
    player.page.evaluate("songs => window.__segue.add(...songs)", songs)
    player.press("Queue")
    panel = player.page.locator("#segue-bar .panel")
    panel.get_by_role("button", name="Clear").click()
    until(lambda: "Metal 1" not in player.state()["queue"][:3], "the queue to be empty")
    panel.get_by_role("button", name="Undo").click()
    assert player.state()["queue"][1:3] == ["Metal 1", "Metal 2"]
    panel.get_by_role("button", name="Save as a playlist").click()
    until(lambda: database.playlists.count_documents({}), "the playlist to be saved")
    saved = database.playlists.find_one({}) or {}
    assert saved["tracks"][:3] == ["waltz0", "metal1", "metal2"]


def test_songs_of_a_private_session_are_not_reported(player: Player, database: Database[Document]) -> None:
    reported: list[str] = []

    def note(request: Request) -> None:
        if "/api/events" in request.url:
            plays = json.loads(request.post_data or "{}").get("plays", [])
            reported.extend(play["track_id"] for play in plays if play["type"] != "impression")

    player.page.on("request", note)
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    # Playwright tells of requests only while it is asked something.
    until(lambda: player.state() and "waltz0" in reported, "the play to be reported")
    player.press("Queue")
    panel = player.page.locator("#segue-bar .panel")
    panel.get_by_role("button", name="Private session").click()
    shown = player.page.locator("#segue-bar .secret")
    shown.wait_for()
    player.page.evaluate(
        "window.__segue.add({id: 'metal1', title: 'Metal 1'}, {id: 'metal2', title: 'Metal 2'})"
    )
    player.press("Next")
    player.wait_playing("Metal 1")
    player.page.reload()
    shown.wait_for()
    player.press("Play")
    player.wait_playing("Metal 1")
    player.press("Queue")
    panel.get_by_role("button", name="Private session").click()
    shown.wait_for(state="hidden")
    player.press("Next")
    player.wait_playing("Metal 2")
    until(lambda: player.state() and "metal2" in reported, "the next play to be reported")
    until(lambda: database.queues.count_documents({"tracks.track_id": "metal2"}), "the queue to be stored")
    assert "metal1" not in reported
    assert not database.queues.count_documents({"tracks.track_id": "metal1"})


LATE = """const { fetch } = window;
window.fetch = async (address, ...more) => {
  if (String(address).startsWith("/api/tickets/")) {
    await new Promise((done) => (window.letGo ??= []).push(done));
  }
  return fetch(address, ...more);
};"""
"""The addresses of songs come when a test lets them go, such as over a slow network."""
HEARD_FROM = """window.__segue.audio.addEventListener("playing",
  () => { window.heardFrom ??= window.__segue.position; })"""


def test_a_queue_that_0_1_left_in_the_browser_continues(player: Player) -> None:
    """Also for a listener who presses play before the song has an address."""
    page = player.page
    songs = [
        {"id": track_id("Metal", n), "title": title("Metal", n), "artist": "Metal Band", "key": f"k{n}"}
        for n in range(3)
    ]
    kept = {"tag": page.evaluate("window.__segue.tag"), "queue": songs, "at": 1, "position": 3000}
    kept |= {"volume": 0.5, "muted": False, "repeat": "all", "radio": None, "shuffled": False}
    page.add_init_script(
        "if (!sessionStorage.getItem('once')) { sessionStorage.setItem('once', '1');"
        f" sessionStorage.setItem('segue.player', {json.dumps(json.dumps(kept))}); }}"
    )
    page.add_init_script(LATE)
    page.reload()
    until(lambda: player.state().get("title") == title("Metal", 1), "the song to be there")
    until(lambda: page.evaluate("window.letGo?.length"), "its address to be asked for")
    page.evaluate(HEARD_FROM)
    player.press("Play")
    assert player.state()["position"] == 3000
    page.evaluate("window.letGo.forEach((go) => go())")
    until(lambda: page.evaluate("window.heardFrom"), "the song to sound")
    assert page.evaluate("window.heardFrom") >= 3000
    stored = "async () => (await (await fetch('/api/queue')).json()).items.map((item) => item.title)"
    until(lambda: page.evaluate(stored) == [song["title"] for song in songs], "the account to have the queue")
