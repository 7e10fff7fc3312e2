"""From a skip to new recommendations: a real Chromium, Kafka, streaming job and MongoDB.

The time from the key that skips to the cards that have changed on the page is printed, and written to the
file that the environment variable REPLAN_FIGURES names.
"""

from __future__ import annotations

import json
import os
import statistics
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.mongo import Document
from tests.dashboard.browser import Player, Served, needs_chromium
from tests.dashboard.music import title
from tests.dashboard.test_player_routes import a_play, in_kafka
from tests.streaming.job import RestartingJob
from tests.waiting import PATIENCE, until

pytestmark = needs_chromium

WATCH = """() => {
  const all = () => [...document.querySelectorAll('*')];
  const roots = () => [document, ...all().map((one) => one.shadowRoot).filter(Boolean)];
  const cards = () => roots().flatMap((root) => [...root.querySelectorAll('.tracks.grid')]).slice(0, 1)
    .flatMap((grid) => [...grid.querySelectorAll('.card .title')].map((one) => one.textContent));
  window.here = true; window.changes = []; window.breaks = []; window.gaps = [];
  let last = cards().join();
  const look = () => { const now = cards().join();
    if (now !== last) { last = now; changes.push({ at: performance.now(), cards: cards() }); }
    requestAnimationFrame(look); };
  look();
  const a = window.__segue.audio;
  let ended = null;
  // Something stops the sound in the middle of a song. Waiting for data does not count: it depends on the
  // machine.
  a.addEventListener('pause', () => { if (!a.ended) breaks.push('pause'); });
  a.addEventListener('ended', () => { ended = performance.now(); });
  a.addEventListener('playing', () => {
    if (ended) gaps.push(performance.now() - ended); ended = null; });
}"""


@pytest.fixture
def streaming(broker: Settings, database: Database[Document], tmp_path: Path) -> Iterator[Settings]:
    """A streaming job as a process of its own, warmed up by another listener's plays."""
    settings = broker.model_copy(
        update={"stream": broker.stream.model_copy(update={"metrics_port": 0})},
    )
    with RestartingJob(settings, tmp_path / "stream.log"):
        yield settings


def warm_up(settings: Settings, database: Database[Document]) -> None:
    """Wait until the job has served somebody else, and a second time, so that it is measured warm."""
    with PlayProducer(settings.kafka) as producer:
        for count in range(2):
            play = a_play(user_id="other", session_id="o", track_id=f"metal{count}", type="complete")
            producer.send(play).get(PATIENCE)
            wanted = {"_id": "other", "reflects_at": {"$gte": play["occurred_at"]}}
            until(
                partial(database.recommendations.find_one, wanted),
                "the streaming job",
                seconds=300,
            )


def skip(player: Player) -> float:
    """Press N once the page has come to rest; returns the ms until the cards are others."""
    page, before = player.page, player.state()["title"]
    until(lambda: player.state()["waiting"] == 0, "everything to be sent")
    until(lambda: page.evaluate("performance.now() - (changes.at(-1)?.at ?? 0) > 1500"), "the cards to rest")
    assert player.state()["title"] == before
    at, changes = page.evaluate("[performance.now(), changes.length]")
    page.keyboard.press("n")
    until(lambda: page.evaluate("changes.length") > changes, "other recommendations")
    player.wait_playing()
    return float(page.evaluate("(n) => changes[n].at", changes)) - float(at)


def styles(cards: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for card in cards:
        found[card.split()[0]] = found.get(card.split()[0], 0) + 1
    return found


def test_three_skips_and_two_songs_heard_change_the_next_songs_while_the_music_plays(
    streaming: Settings, served: Served, database: Database[Document], player: Player
) -> None:
    queued = [("House", 0), ("House", 1), ("House", 2), ("Waltz", 0), ("Waltz", 1)]
    warm_up(streaming, database)
    before = player.cards()
    assert styles(before) == {"House": 4, "Metal": 4, "Waltz": 4}
    for style, number in queued:
        player.card(title(style, number)).hover()
        player.card(title(style, number)).get_by_label("to the queue").click()
    player.wait_playing(title("House", 0))
    player.page.evaluate(WATCH)
    player.hold()
    player.page.locator("h1").first.click()

    skips = [skip(player) for _ in range(3)]
    for number in range(2):
        player.wait_playing(title("Waltz", number))
        if number:  # after the end of the queue come the recommendations of that moment
            until(lambda: player.cards()[0].startswith("Waltz"), "the first waltz to be answered")
            # The cards and the queue are refreshed by requests of their own.
            until(partial(_goes_on_with, player, "Waltz"), "the queue to follow")
        player.release()
        player.page.evaluate("window.__segue.seek(window.__segue.duration - 700)")
        song = title("Waltz", number)
        until(partial(_is_over, player, song), "the song to end")
        player.hold()
    heard = {title(style, number) for style, number in queued}
    until(
        lambda: styles(player.cards()[:6]).get("Waltz", 0) >= 5 and not heard & set(player.cards()),
        "other waltzes to be recommended",
    )
    after = player.cards()

    assert not set(after[:6]) & {title("House", n) for n in range(8)}
    assert player.card(after[0]).locator(".why").inner_text().startswith("Because you played Waltz")
    player.wait_playing()
    assert player.state()["title"].startswith("Waltz")  # recommendations go on where the queue has ended
    assert player.page.evaluate("window.here")
    assert player.page.evaluate("breaks") == []
    report(skips, player.page.evaluate("gaps"))

    def own() -> list[dict]:  # type: ignore[type-arg]
        return [play for play in in_kafka(streaming) if play["user_id"] != "other"]

    until(lambda: sum(play["type"] == "complete" for play in own()) >= 2, "the second song to be told")
    told = own()
    assert [play["type"] for play in told if play["type"] in ("skip", "complete")] == [
        *["skip"] * 3,
        *["complete"] * 2,
    ]
    assert {play["track_id"] for play in told if play["type"] == "complete"} == {"waltz0", "waltz1"}
    assert len({uuid.UUID(play["event_id"]) for play in told}) == len(told)


def report(skips: list[float], gaps: list[float]) -> None:
    """Print the figures; pytest -s shows them, and so does a failure."""
    figures = {
        "skip_to_new_cards_ms": [round(ms) for ms in skips],
        "skip_to_new_cards_median_ms": round(statistics.median(skips)),
        "song_to_song_ms": [round(ms) for ms in gaps],
    }
    print(json.dumps(figures))
    if to := os.environ.get("REPLAN_FIGURES"):
        Path(to).write_text(json.dumps(figures) + "\n")


def _is_over(player: Player, song: str) -> bool:
    return bool(player.state()["title"] != song)


def _goes_on_with(player: Player, style: str) -> bool:
    """Whether the next song in the queue is of this style."""
    state = player.state()
    ahead = state["queue"][state["at"] + 1 :]
    return bool(ahead) and str(ahead[0]).startswith(style)
