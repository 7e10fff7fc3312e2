"""A listener's evening in a real Chromium: albums, opinions, the queue, links, tabs and devices."""

from __future__ import annotations

from pymongo.database import Database

from segue.storage.mongo import Document
from tests.dashboard.browser import Player, Served, needs_chromium
from tests.dashboard.conftest import PageOf
from tests.dashboard.music import ON_ALBUM, title
from tests.waiting import until

pytestmark = needs_chromium


def songs() -> list[str]:
    return [title("Waltz", number) for number in ON_ALBUM]


def open_album(player: Player, album: str) -> None:
    player.page.goto(f"{player.page.url.rstrip('/')}/album?id={album}")
    player.page.get_by_role("button", name="Shuffle", exact=True).wait_for()


def test_the_play_button_of_an_album_plays_all_of_it(player: Player, album: str) -> None:
    open_album(player, album)
    player.page.locator(".collection").get_by_role("button", name="Play", exact=True).click()
    player.wait_playing(songs()[0])
    assert player.state()["queue"][:4] == songs()


def test_a_song_of_an_album_is_followed_by_those_after_it_on_all_discs(player: Player, album: str) -> None:
    open_album(player, album)
    row = player.card(songs()[1])
    row.hover()
    row.locator(".go").click()
    player.wait_playing(songs()[1])
    state = player.state()
    assert state["queue"][state["at"] :][:3] == songs()[1:]


def test_an_album_is_shuffled_played_next_and_queued(player: Player, album: str) -> None:
    open_album(player, album)
    actions = player.page.locator(".collection")
    actions.get_by_role("button", name="Shuffle").click()
    player.wait_playing()
    assert sorted(player.state()["queue"][:4]) == songs()
    actions.get_by_role("button", name="Play next").click()
    state = player.state()
    assert state["queue"][state["at"] + 1 :][:4] == songs()
    actions.get_by_role("button", name="Add to queue").click()
    assert len([name for name in player.state()["queue"] if name in songs()]) == 12


def test_back_leads_to_the_page_before(player: Player, album: str) -> None:
    page = player.page
    open_album(player, album)
    length = page.evaluate("history.length")
    page.locator(f"a.title[title='{songs()[0]}']").first.click()
    page.get_by_role("heading", name=songs()[0], exact=True).wait_for()
    page.get_by_text("More by").wait_for(state="detached")
    assert page.evaluate("history.length") == length + 1
    page.go_back()
    page.get_by_role("heading", name="Waltzes").wait_for()
    page.go_forward()
    page.get_by_role("heading", name=songs()[0], exact=True).wait_for()
    player.go("/search")
    field = page.get_by_placeholder("Title, artist")
    field.fill("metal")
    field.press("Enter")
    page.locator(f"a.title[title='{title('Metal', 1)}']").first.click()
    page.get_by_role("heading", name=title("Metal", 1), exact=True).wait_for()
    page.go_back()
    page.locator(f"a.title[title='{title('Metal', 2)}']").first.wait_for()
    until(lambda: page.get_by_placeholder("Title, artist").input_value() == "metal", "the query to be there")


def test_a_link_opens_in_a_new_tab_with_the_control_key(player: Player) -> None:
    link = player.page.locator(f"a.title[title='{title('House', 1)}']").first
    with player.page.context.expect_page() as opened:
        link.click(modifiers=["Control"])
    opened.value.get_by_role("heading", name=title("House", 1), exact=True).wait_for()
    assert not player.page.get_by_role("heading", name=title("House", 1), exact=True).count()


def test_a_like_shows_after_a_load_and_can_be_taken_back(
    player: Player, database: Database[Document]
) -> None:
    song = title("House", 1)
    card = player.card(song)
    card.hover()
    card.get_by_label(f"Like {song}").click()
    until(lambda: database.opinions.count_documents({"opinion": "like"}), "the like to be stored")
    player.page.reload()
    card = player.card(song)
    card.get_by_label(f"Remove the like of {song}").wait_for(state="attached")
    card.hover()
    card.get_by_label(f"Remove the like of {song}").click()
    until(lambda: not database.opinions.count_documents({}), "the like to be gone")
    card.get_by_label(f"Like {song}").wait_for(state="attached")


def test_a_dislike_is_listed_and_can_be_taken_back(player: Player, database: Database[Document]) -> None:
    song = title("House", 1)
    choose(player, song, "Dislike")
    until(lambda: database.opinions.count_documents({"opinion": "dislike"}), "the dislike to be stored")
    player.go("/you")
    player.page.get_by_role("tab", name="Disliked").click()
    player.page.locator(f"a.title[title='{song}']").last.wait_for()
    choose(player, song, "Remove the dislike", last=True)
    until(lambda: not database.opinions.count_documents({}), "the dislike to be gone")


def choose(player: Player, song: str, entry: str, *, last: bool = False) -> None:
    articles = player.page.locator("article", has=player.page.locator(f".title[title='{song}']"))
    article = articles.last if last else articles.first
    article.hover()
    article.get_by_label(f"More options for {song}").click()
    player.page.get_by_role("menuitem", name=entry, exact=True).click()


def test_playing_a_card_keeps_the_songs_that_were_queued(player: Player) -> None:
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    for number in (1, 2):
        card = player.card(title("Metal", number))
        card.hover()
        card.get_by_label("to the queue").click()
    player.play(title("House", 3))
    player.wait_playing(title("House", 3))
    state = player.state()
    assert state["queue"][state["at"] + 1 :][:2] == [title("Metal", 1), title("Metal", 2)]


def test_one_tab_sounds(player: Player, served: Served) -> None:
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    other = player.page.context.new_page()
    other.goto(served.address)
    other.locator(".card").first.wait_for()
    second = Player(other)
    second.play(title("House", 0))
    second.wait_playing(title("House", 0))
    until(lambda: not player.state()["playing"], "the first tab to be silent")
    assert second.state()["playing"]


def test_a_closed_tab_loses_neither_song_nor_queue(
    player: Player, served: Served, database: Database[Document]
) -> None:
    listen_and_queue(player)
    before = player.state()
    context = player.page.context
    player.page.close(run_before_unload=True)
    until(
        lambda: database.queues.count_documents({"position_ms": {"$gt": before["position"] - 4000}}),
        "the last word of the tab",
    )
    page = context.new_page()
    page.goto(served.address)
    again = Player(page)
    until(lambda: again.state().get("title") == title("Waltz", 0), "the song to be there again")
    state = again.state()
    assert not state["playing"]
    assert state["position"] > before["position"] - 4000
    assert state["queue"][state["at"] + 1] == title("Metal", 1)


def test_another_device_continues(player: Player, served: Served, page_of: PageOf) -> None:
    listen_and_queue(player)
    player.press("Pause")
    cookies = player.page.context.cookies()
    page = page_of(locale="en-GB")
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto(served.address)
    phone = Player(page)
    until(lambda: phone.state().get("title") == title("Waltz", 0), "the song to be there")
    phone.press("Play")
    phone.wait_playing(title("Waltz", 0))
    phone.press("Next")
    phone.wait_playing(title("Metal", 1))
    kept_by(phone)
    player.page.evaluate("dispatchEvent(new Event('visibilitychange'))")
    player.page.get_by_role("button", name=f"Continue {title('Metal', 1)} here").click()
    player.wait_playing(title("Metal", 1))


def listen_and_queue(player: Player) -> None:
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    card = player.card(title("Metal", 1))
    card.hover()
    card.get_by_label("to the queue").click()
    stored = "async (song) => (await (await fetch('/api/queue')).text()).includes(song)"
    until(lambda: player.page.evaluate(stored, title("Metal", 1)), "the song to be in the stored queue")
    kept_by(player)


def kept_by(player: Player) -> None:
    """Wait until the account's queue is that of a player."""
    until(
        lambda: player.page.evaluate(
            """async () => { const kept = await (await fetch('/api/queue')).json(), e = window.__segue;
            return kept.items[kept.at]?.id === e.current.id && kept.player === e.pendingLeave.tab }"""
        ),
        "the queue to be stored",
    )


def test_a_playlist_is_shared_in_two_clicks(player: Player, database: Database[Document]) -> None:
    player.page.evaluate(
        """async () => {
            const send = (path, body) => fetch(path, { method: 'POST', body: JSON.stringify(body) });
            await send('/api/people/sign-up', { name: 'Ada', password: 'correct horse' });
            await send('/api/playlists', { name: 'Evening', tracks: ['waltz0', 'house1'] });
        }"""
    )
    until(lambda: database.playlists.count_documents({}), "the playlist to be stored")
    playlist = database.playlists.find_one({})
    assert playlist
    player.page.goto(f"{player.page.url.rstrip('/')}/playlists?id={playlist['_id']}")
    player.page.get_by_role("button", name="Share").click()
    player.page.get_by_role("button", name="Create a link").click()
    player.page.get_by_text("/s/").first.wait_for()
    assert database.share_links.count_documents({"kind": "playlist", "key": playlist["_id"]}) == 1


def test_a_phone_has_all_controls_within_two_taps(player: Player) -> None:
    player.play(title("Waltz", 0))
    player.wait_playing(title("Waltz", 0))
    player.page.set_viewport_size({"width": 360, "height": 740})
    player.press("Next")
    until(lambda: player.state()["at"] == 1, "the next song")
    player.rewind()
    player.press("Queue")
    controls = player.page.locator("#segue-bar .narrow")
    for name in ("Shuffle", "Repeat: off", "Dislike and skip", "Mute"):
        controls.get_by_role("button", name=name).wait_for()
    assert controls.locator(".clock").inner_text().endswith("of 0:50")
    controls.get_by_role("button", name="Previous").click()
    player.wait_playing(title("Waltz", 0))
    assert player.page.evaluate("document.documentElement.scrollWidth") <= 360
