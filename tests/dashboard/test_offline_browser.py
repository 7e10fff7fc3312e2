"""Saved songs in a real Chromium without a network."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from playwright.sync_api import BrowserContext, Page
from pymongo.database import Database

from segue.people.login_sessions import COOKIE, LoginSessions
from segue.playlists.playlists import Playlists
from segue.plays.delivery import WORTH_KEEPING
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.opinions import Opinions
from tests.dashboard.browser import Player, Served, has_player, needs_chromium
from tests.dashboard.conftest import opened
from tests.dashboard.music import title, track_id
from tests.dashboard.network import Network
from tests.waiting import until

pytestmark = needs_chromium
SONGS = (0, 1, 3)
"""In WAV, MP3 and FLAC."""
TITLES = [title("Waltz", number) for number in SONGS]
CONTROLLED = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"
CACHES = """async () => Object.fromEntries(await Promise.all((await caches.keys()).map(async (name) =>
  [name, (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)])))"""
ENTER = """([kind, name]) => fetch(`/api/people/${kind}`, { method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ name, password: 'correct horse battery' }) }).then((answer) => answer.status)"""
USED = "navigator.storage.estimate().then((now) => now.usage)"
BEHIND = """{ const { now } = Date;
const behind = () => {
  try { return Number(localStorage.getItem("segue.tests.behind")); } catch { return 0; } // of no site
};
Date.now = () => now() - behind(); }"""
"""For a page whose clock :func:`set_clock` sets; other clocks, such as those of timers, go on."""
SAVED = "async (id) => (await (await caches.match(`/saved/songs/${id}`))?.blob())?.size ?? 0"


@pytest.fixture
def network(served: Served) -> Iterator[Network]:
    with Network(served.port) as network:
        yield network


@pytest.fixture
def traveller(network: Network, page: Page) -> Player:
    """A player with the worker that opens pages without a network."""
    player = opened(page, network.address)
    until(lambda: player.page.evaluate(CONTROLLED), "the worker to be in charge of the page")
    return player


def listener_of(context: BrowserContext, database: Database[Document]) -> str:
    """The id of the guest whose browser it is."""
    token = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == COOKIE)
    found = LoginSessions(Store(database)).find(token)
    assert found is not None
    return found.user_id


def save_playlist(player: Player, network: Network, database: Database[Document]) -> str:
    """Make a playlist of three songs and save it; its id."""
    tracks = [track_id("Waltz", number) for number in SONGS]
    own = listener_of(player.page.context, database)
    made = Playlists(Store(database)).create(own, "Train", tracks=tracks)
    player.page.goto(f"{network.address}/playlists?id={made.playlist_id}")
    player.page.get_by_role("button", name="Save for offline").click()
    player.page.get_by_role("button", name="Saved for offline").wait_for()
    return made.playlist_id


def reported(settings: Settings) -> list[dict[str, Any]]:
    """The plays that Kafka has."""
    topic = settings.kafka.plays_topic
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.bootstrap_servers, auto_offset_reset="earliest")
    parts = [TopicPartition(topic, part) for part in consumer.partitions_for_topic(topic) or ()]
    consumer.assign(parts)
    ends, plays = consumer.end_offsets(parts), []
    while any(consumer.position(part) < end for part, end in ends.items()):
        for records in consumer.poll(timeout_ms=500).values():
            plays += [json.loads(record.value) for record in records]
    consumer.close()
    return sorted(plays, key=lambda play: play["occurred_at"])


def shelf(page: Page) -> str:
    return str(page.locator(".saved").inner_text())


def open_shelf(player: Player, network: Network) -> Page:
    player.page.goto(f"{network.address}/you")
    player.page.get_by_role("tab", name="Offline").click()
    player.page.locator(".saved .state").wait_for()
    return player.page


def sign_up(player: Player, network: Network, name: str) -> None:
    player.page.evaluate(ENTER, ["sign-up", name])
    player.page.goto(network.address)
    has_player(player.page)


def set_clock(page: Page, *, behind: timedelta) -> None:
    """Set the clock of a browser whose pages have the script `BEHIND`."""
    page.evaluate("ms => localStorage.setItem('segue.tests.behind', ms)", behind / timedelta(milliseconds=1))


def saved_caches(page: Page) -> list[str]:
    return [name for name in page.evaluate(CACHES) if name.startswith("segue.saved.")]


def test_saved_songs_play_without_a_network_and_are_reported_with_their_times(
    traveller: Player, network: Network, broker: Settings, database: Database[Document]
) -> None:
    page = traveller.page
    save_playlist(traveller, network, database)
    network.cut(page)
    left = time.time() * 1000
    page.goto(network.address + "/library")
    until(lambda: "3 songs" in shelf(page), "the saved songs to be shown")
    assert "There is no network" in page.locator(".notice").inner_text()
    page.get_by_role("button", name="Play: Train").click()
    for name in TITLES:
        traveller.wait_playing(name)
        page.evaluate("window.__segue.seek(window.__segue.duration - 1500)")
    until(lambda: not traveller.playing(), "the end of the list")
    ended = time.time() * 1000
    assert traveller.state()["waiting"] > 0
    network.repair(page)
    until(lambda: traveller.state()["waiting"] == 0, "the plays to be reported")
    plays = [play for play in reported(broker) if play["type"] != "impression"]
    heard = [(play["track_id"], play["type"]) for play in plays if play["type"] in ("play", "complete")]
    assert heard == [(track_id("Waltz", n), kind) for n in SONGS for kind in ("play", "complete")]
    assert all(left <= play["occurred_at"] <= ended for play in plays)
    page.get_by_role("button", name="Open Segue").click()
    page.locator("[data-testid='stApp']").wait_for()


def test_plays_wait_for_almost_six_days_and_have_their_true_times(
    traveller: Player, network: Network, broker: Settings, database: Database[Document]
) -> None:
    """The stream counts plays of that age: tests/streaming/test_delayed_plays.py."""
    page, waited = traveller.page, WORTH_KEEPING - timedelta(hours=1)
    page.add_init_script(BEHIND)
    save_playlist(traveller, network, database)
    until(lambda: traveller.state()["waiting"] == 0, "the events of the visit to be sent")
    network.cut(page)
    set_clock(page, behind=waited)
    left = time.time() * 1000
    page.goto(network.address + "/library")
    until(lambda: "3 songs" in shelf(page), "the saved songs to be shown")
    page.get_by_role("button", name="Play: Train").click()
    for name in TITLES:
        traveller.wait_playing(name)
        page.evaluate("window.__segue.seek(window.__segue.duration - 1500)")
    until(lambda: not traveller.playing(), "the end of the list")
    ended, events = time.time() * 1000, traveller.state()["waiting"]
    set_clock(page, behind=timedelta())
    page.goto("about:blank")
    page.goto(network.address + "/library")
    has_player(page)
    assert traveller.state()["waiting"] >= events, "all of them are still there"
    network.repair(page)
    until(lambda: traveller.state()["waiting"] == 0, "the plays to be reported")
    plays = [play for play in reported(broker) if play["type"] in ("play", "complete")]
    heard = [(play["track_id"], play["type"]) for play in plays]
    assert heard == [(track_id("Waltz", n), kind) for n in SONGS for kind in ("play", "complete")]
    age = waited / timedelta(milliseconds=1)
    assert all(left <= play["occurred_at"] + age <= ended for play in plays)


def test_the_saved_files_are_whole(
    traveller: Player, network: Network, database: Database[Document], music_files: dict[str, Path]
) -> None:
    """Also where parts of them were played before."""
    traveller.page.evaluate(
        "(id) => window.__segue.play([{ id, title: 'x', artist: 'A', duration: 50000 }], 0)",
        track_id("Waltz", 0),
    )
    traveller.wait_playing()
    traveller.page.evaluate("window.__segue.seek(8000)")
    save_playlist(traveller, network, database)
    ids = [track_id("Waltz", number) for number in SONGS]
    sizes = {one: traveller.page.evaluate(SAVED, one) for one in ids}
    assert sizes == {one: music_files[one].stat().st_size for one in ids}


def test_liked_songs_are_saved_and_removed(
    traveller: Player, network: Network, database: Database[Document]
) -> None:
    page = traveller.page
    own = listener_of(page.context, database)
    Opinions(Store(database)).keep([(own, track_id("Metal", 1), "like")])
    open_shelf(traveller, network)
    page.get_by_role("button", name="Save liked songs").click()
    page.get_by_role("region", name="Liked songs").wait_for()
    until(lambda: page.evaluate(SAVED, track_id("Metal", 1)), "the song to be saved")
    page.get_by_role("button", name="Remove Liked songs from this device").click()
    until(lambda: not page.evaluate(SAVED, track_id("Metal", 1)), "the song to be removed")
    page.get_by_role("button", name="Save liked songs").wait_for()


def test_the_room_is_limited_by_the_listener_and_by_the_browser(
    traveller: Player, network: Network, database: Database[Document]
) -> None:
    page = traveller.page
    open_shelf(traveller, network)
    page.get_by_label("Room for saved songs").select_option("250 MB")
    until(lambda: page.evaluate("window.__segue.saved.room") == 250e6, "the limit to be kept")
    page.evaluate("window.__segue.saved.allow(100000)")
    save_playlist(traveller, network, database)
    open_shelf(traveller, network)
    until(lambda: "There is no more room for saved songs" in shelf(page), "the limit to be told")
    session = page.context.new_cdp_session(page)
    quota = {"origin": network.address, "quotaSize": page.evaluate(USED) + 50_000}
    session.send("Storage.overrideQuotaForOrigin", quota)
    page.evaluate("window.__segue.saved.allow(1e9)")
    until(lambda: "The browser has no more room" in shelf(page), "the full browser to be told")
    session.send("Storage.overrideQuotaForOrigin", {"origin": network.address})
    page.evaluate("window.__segue.saved.sync()")
    until(lambda: page.evaluate("!window.__segue.saved.missing.length"), "the rest to be saved")


def test_logging_out_removes_saved_songs(
    traveller: Player, network: Network, database: Database[Document]
) -> None:
    page = traveller.page
    sign_up(traveller, network, "Ada")
    save_playlist(traveller, network, database)
    assert len(saved_caches(page)) == 1
    page.goto(f"{network.address}/you")
    page.get_by_role("tab", name="Account").click()
    page.get_by_role("button", name="Log out", exact=True).click()
    page.locator(".card").first.wait_for()
    until(lambda: saved_caches(page) == [], "the saved songs to be removed")
    network.cut(page)
    page.goto(network.address)
    until(lambda: "No songs are saved in this browser." in shelf(page), "the empty shelf")


def test_removing_everything_removes_saved_songs(
    traveller: Player, network: Network, database: Database[Document]
) -> None:
    page = traveller.page
    sign_up(traveller, network, "Ada")
    save_playlist(traveller, network, database)
    page.goto(f"{network.address}/you")
    page.get_by_role("tab", name="Account").click()
    page.get_by_text("Remove my account and all my data").click()
    page.get_by_label("I am sure").check()
    remove = page.get_by_role("button", name="Remove everything")
    assert remove.is_disabled(), "without the password"
    page.locator("#segue-leave").get_by_label("Present password").fill("correct horse battery")
    remove.click()
    page.locator(".card").first.wait_for()
    until(lambda: saved_caches(page) == [], "the saved songs to be removed")


def test_another_account_in_the_same_browser_sees_nothing_of_them(
    traveller: Player, network: Network, database: Database[Document]
) -> None:
    page = traveller.page
    sign_up(traveller, network, "Ada")
    save_playlist(traveller, network, database)
    page.context.clear_cookies()  # the session has ended by itself
    page.goto(network.address)
    has_player(page)
    sign_up(traveller, network, "Ben")
    until(lambda: saved_caches(page) == [], "the songs of the other account to be removed")
    network.cut(page)
    page.goto(network.address)
    until(lambda: "No songs are saved in this browser." in shelf(page), "the empty shelf")
    assert "Train" not in page.content()


def test_a_guest_who_signs_up_keeps_saved_songs(
    traveller: Player, network: Network, database: Database[Document]
) -> None:
    save_playlist(traveller, network, database)
    sign_up(traveller, network, "Ada")
    until(lambda: traveller.page.evaluate("window.__segue.saved.used"), "the saved songs")


def test_a_browser_can_install_the_player(traveller: Player) -> None:
    session = traveller.page.context.new_cdp_session(traveller.page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/manifest.webmanifest")
    assert manifest["errors"] == []
    faults = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [fault["errorId"] for fault in faults] == ["in-incognito"]  # as every page of a test


def test_in_a_private_session_nothing_is_kept_to_be_reported(
    traveller: Player, network: Network, database: Database[Document]
) -> None:
    save_playlist(traveller, network, database)
    traveller.page.evaluate("window.__segue.playPrivately(true)")
    network.cut(traveller.page)
    traveller.page.goto(network.address)
    traveller.page.get_by_role("button", name=f"Play {TITLES[1]}").click()
    traveller.wait_playing(TITLES[1])
    traveller.press("Next")
    traveller.wait_playing(TITLES[2])
    assert traveller.state()["waiting"] == 0
