"""A real Chromium: the music plays through page changes and restarts, and events reach Kafka."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page
from pymongo.database import Database

from segue.settings import Settings
from segue.storage.mongo import Document
from tests.dashboard.browser import Player, Served, needs_chromium
from tests.dashboard.conftest import PageOf, opened, recommendation
from tests.dashboard.music import FORMATS, STYLES, title
from tests.dashboard.provider import Provider
from tests.dashboard.test_player_routes import in_kafka
from tests.waiting import until

pytestmark = needs_chromium


def test_a_recommendation_changes_before_ones_eyes(
    settings: Settings, library: Database[Document], page: Page, tmp_path: Path
) -> None:
    dashboard = Served(settings, log=tmp_path / "dashboard.log")
    dashboard.start()
    try:
        page.goto(f"{dashboard.address}/live")
        page.get_by_text("Song <3>").first.wait_for()
        page.evaluate("window.here = true")
        library.recommendations.replace_one({"_id": "ada"}, recommendation(["t5"]))
        page.get_by_text("Song <5>").first.wait_for()
        page.get_by_text("Song <3>").first.wait_for(state="detached")
        assert page.evaluate("window.here")
    finally:
        dashboard.end()


def test_the_music_goes_on_through_pages_and_a_reload_keeps_the_place(visitor: Player) -> None:
    visitor.play(title("Waltz", 0))
    visitor.wait_playing(title("Waltz", 0))
    visitor.page.evaluate("window.here = true; window.gaps = 0")
    visitor.page.evaluate(
        # Waiting for data is no gap: it depends on the machine.
        "for (const e of ['pause', 'emptied']) window.__segue.audio.addEventListener(e, () => gaps++)"
    )
    for name, there in (("/search", "Search"), ("/you", "You are a guest"), ("/", "For you")):
        visitor.go(name)
        visitor.page.get_by_role("heading", name=there).first.wait_for()
        assert visitor.playing(title("Waltz", 0))
    visitor.page.locator(f".title[title='{title('House', 0)}']").first.click()
    visitor.page.get_by_role("heading", name=title("House", 0)).first.wait_for()
    visitor.page.get_by_role("heading", name="Similar tracks").wait_for()
    assert visitor.playing(title("Waltz", 0))
    assert visitor.page.evaluate("[window.here, window.gaps]") == [True, 0]
    visitor.press("Pause")
    before = visitor.state()
    visitor.page.reload()
    until(lambda: visitor.state().get("title") == title("Waltz", 0), "the track to be there again")
    after = visitor.state()
    assert not after["playing"]
    assert abs(after["position"] - before["position"]) < 1500
    assert after["queue"] == before["queue"]
    visitor.press("Play")
    visitor.wait_playing(title("Waltz", 0))


def test_each_format_is_decoded(visitor: Player) -> None:
    for number, _ in enumerate(FORMATS):
        visitor.play(title(STYLES[0], number))
        visitor.wait_playing(title(STYLES[0], number))
        assert visitor.state()["error"] is None


def test_keys(visitor: Player) -> None:
    visitor.play(title("Waltz", 0))
    visitor.wait_playing()
    keys = visitor.page.keyboard
    visitor.page.locator("h1").first.click()
    keys.press("Space")
    until(lambda: not visitor.state()["playing"], "a pause")
    keys.press("Space")
    until(lambda: visitor.state()["playing"], "it to go on")
    keys.press("m")
    until(lambda: visitor.state()["muted"], "silence")
    second = visitor.state()["queue"][1]
    keys.press("n")
    visitor.wait_playing(second)
    visitor.rewind()
    keys.press("p")
    visitor.wait_playing(title("Waltz", 0))
    keys.press("?")
    visitor.page.get_by_role("heading", name="Keys").wait_for()
    visitor.go("/search")
    field = visitor.page.get_by_placeholder("Title, artist")
    field.fill("")
    field.press_sequentially("n m p")
    assert visitor.state()["title"] == title("Waltz", 0)


def test_the_queue_is_the_listeners(visitor: Player) -> None:
    visitor.play(title("Waltz", 0))
    visitor.wait_playing()
    for label in (f"Add {title('House', 1)} to the queue", f"Play {title('Metal', 1)} next"):
        name = (
            label.removeprefix("Add ")
            .removeprefix("Play ")
            .removesuffix(" to the queue")
            .removesuffix(" next")
        )
        visitor.card(name).hover()
        visitor.card(name).get_by_label(label).click()
    assert visitor.state()["queue"][1:3] == [title("Metal", 1), title("House", 1)]
    visitor.press("Queue")
    panel = visitor.page.locator("#segue-bar .panel")
    panel.get_by_text("In the queue").wait_for()
    panel.get_by_label(f"Move {title('House', 1)} up").click(force=True)
    assert visitor.state()["queue"][1:3] == [title("House", 1), title("Metal", 1)]
    panel.get_by_label(f"Remove {title('Metal', 1)}").click(force=True)
    assert title("Metal", 1) not in visitor.state()["queue"][: visitor.state()["at"] + 3]
    visitor.press("Queue")  # the panel would lie on the cards
    panel.wait_for(state="hidden")
    for name in (title(style, number) for style in ("House", "Metal") for number in (2, 3)):
        visitor.card(name).hover()
        visitor.card(name).get_by_label("to the queue").click()
    ordered = visitor.state()["queue"][1:6]
    visitor.press("Shuffle: off")
    assert sorted(visitor.state()["queue"][1:6]) == sorted(ordered)
    visitor.press("Shuffle: on")
    assert visitor.state()["queue"][1:6] == ordered
    visitor.press("Next")
    visitor.wait_playing(title("House", 1))


def test_plays_reach_kafka_once_though_the_server_was_away_and_the_tab_was_closed(
    player: Player, served: Served, broker: Settings
) -> None:
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    until(lambda: player.state()["heard"] > 3000, "some seconds to be heard")
    served.end()
    player.page.evaluate("window.__segue.opinion('like')")
    player.press("Pause")
    until(lambda: player.state()["waiting"] >= 2, "the like and the pause to wait")
    served.start()
    until(lambda: player.state()["waiting"] == 0, "everything to be sent")
    heard = player.state()["heard"]
    player.press("Play")
    until(lambda: player.state()["heard"] > heard + 300, "it to go on")
    player.page.goto(f"{served.address}/api/upcoming")  # away from the player
    until(lambda: any(p["type"] == "leave" for p in in_kafka(broker)), "the leaving to be known")
    plays = in_kafka(broker)
    assert len({play["event_id"] for play in plays}) == len(plays)
    heard = [play for play in plays if play["type"] != "impression"]
    assert [play["type"] for play in sorted(heard, key=lambda play: play["occurred_at"])] == [
        "play",
        "like",
        "pause",
        "leave",
    ]
    by_type = {play["type"]: play for play in heard}
    assert by_type["pause"]["ms_played"] >= 3000
    for kind in ("pause", "leave"):  # without a seek, the time heard equals the position
        # A busy browser tells late that the sound has begun.
        assert abs(by_type[kind]["ms_played"] - by_type[kind]["position_ms"]) < 2500
    assert by_type["leave"]["ms_played"] > by_type["pause"]["ms_played"]
    assert by_type["play"]["recommendation_id"].startswith("start-")
    seen = [play for play in plays if play["type"] == "impression"]
    assert seen
    assert all(play["rank"] >= 1 and play["model"] for play in seen)


DIE = """() => { // as another tab, not heard of for some minutes, would have left it
  const [key, value] = Object.entries(localStorage).find(([key]) => key.startsWith('segue.unsaid.')) ?? [];
  if (!key) return false;
  const { play, at } = JSON.parse(value), event_id = '00000000' + play.event_id.slice(8);
  localStorage.setItem(`${key}-other`, JSON.stringify({ play: { ...play, event_id }, at: at - 200e3 }));
  return true; }"""


def test_a_tab_that_died_is_spoken_for_by_the_next_page(player: Player, broker: Settings) -> None:
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    until(lambda: player.page.evaluate(DIE), "the tab to keep the event that it may not have time to send")
    player.page.reload()

    def told() -> list[str]:
        return [play["type"] for play in in_kafka(broker) if play["event_id"].startswith("00000000")]

    until(told, "the leaving to be told")
    assert told() == ["leave"]


def test_signing_up_and_logging_in(player: Player, served: Served, database: Database[Document]) -> None:
    page = player.page
    for kind, button in (("Sign up", "Sign up and keep your history"), ("Log in", "Log in")):
        page.goto(f"{served.address}/you")
        page.get_by_role("tab", name="Account").click()
        if kind == "Log in":
            page.get_by_role("radio", name="Log in").or_(
                page.get_by_role("button", name="Log in")
            ).first.click()
        # For a moment the other form may be there, too.
        form = page.locator("#segue-entry form").filter(
            has=page.get_by_role("button", name=button, exact=True)
        )
        form.get_by_label("Name").fill("Ada")
        form.get_by_label("Password").fill("correct horse")
        form.get_by_role("button", name=button).click()
        page.locator("[data-testid='stTopNavLink']", has_text="Ada").wait_for()
        ada = database.accounts.find_one({"name": "Ada"}) or {}
        assert database.sessions.count_documents({"user_id": ada["user_id"], "name": "Ada"}) == 1
        page.goto(f"{served.address}/you")
        page.get_by_role("tab", name="Account").click()
        page.locator("#segue-entry").get_by_role("button", name="Log out").click()
        page.locator("[data-testid='stTopNavLink'][href$='/you']", has_text="You").wait_for()
    assert database.accounts.distinct("name") == ["Ada"]


def test_an_identity_provider_lets_one_in_and_out(
    settings: Settings, library: Database[Document], page: Page, tmp_path: Path
) -> None:
    dashboard = Served(settings, log=tmp_path / "dashboard.log")
    with Provider() as provider:
        secrets = tmp_path / "secrets.toml"
        secrets.write_text(provider.secrets(dashboard.address))
        dashboard.start(SEGUE_DASHBOARD__OIDC_CONFIG_FILE=str(secrets))
        try:
            page.goto(f"{dashboard.address}/you")
            page.get_by_role("tab", name="Account").click()
            page.get_by_role("button", name="Continue with your provider").click()
            page.locator("[data-testid='stTopNavLink']", has_text="Grace").wait_for()
            assert library.sessions.count_documents({"name": "Grace"}) == 1
            page.goto(f"{dashboard.address}/you")
            page.get_by_role("tab", name="Account").click()
            page.get_by_role("button", name="Log out").click()
            page.locator("[data-testid='stTopNavLink'][href$='/you']", has_text="You").wait_for()
            assert library.sessions.count_documents({"name": "Grace"}) == 0
        finally:
            dashboard.end()


def test_a_phone(page_of: PageOf, visited: Served) -> None:
    page = page_of(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    player = opened(page, visited.address)
    player.card(title("Waltz", 0)).locator(".go").tap()
    player.wait_playing(title("Waltz", 0))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for label in ("Pause", "Next", "Queue"):
        box = page.locator(f"#segue-bar button[aria-label='{label}']").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844
        assert min(box["width"], box["height"]) >= 32
