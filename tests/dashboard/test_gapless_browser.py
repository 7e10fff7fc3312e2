"""One song follows another in a real Chromium: measured on a sine that is cut into songs."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pymongo.database import Database

from segue.storage.mongo import Document
from tests.audio.sounds import write
from tests.dashboard.browser import Player, needs_chromium
from tests.dashboard.music import title, track_id
from tests.dashboard.recorded import Recording
from tests.waiting import until

pytestmark = needs_chromium
RATE, HERTZ, HEIGHT = 44100, 100.0, 0.4
SAMPLES = 6 * RATE + 123
"""Of a song; not a whole number of periods."""
CUT = range(3)
BEFORE, AFTER, SETTLED = 1.5, 1.0, 0.1
"""Seconds of a song that are heard at its end and at its beginning; and after which a seek is not heard."""
NEARLY_OVER = """(ms) => {
  const engine = window.__segue, now = engine.sound.context.currentTime;
  engine.seek(engine.duration - ms);
  engine.arrange(); // in the same task, so that a busy machine does not come too late
  return [now, Boolean(engine.sound.next)];
}"""


def sine(first: int, count: int) -> NDArray[np.float32]:
    return (HEIGHT * np.sin(2 * np.pi * HERTZ * np.arange(first, first + count) / RATE)).astype(np.float32)


def cut_sine(database: Database[Document], folder: Path, ending: str) -> list[str]:
    """Make the first songs of Waltz one sine; their titles."""
    for number in CUT:
        file = folder / f"{number}{ending}"
        write(file, sine(number * SAMPLES, SAMPLES), rate=RATE)
        database.tracks.update_one(
            {"_id": track_id("Waltz", number)},
            {"$set": {"path": str(file), "duration_ms": round(1000 * SAMPLES / RATE), "album": None}},
        )
    return [title("Waltz", number) for number in CUT]


def play_from(player: Player, titles: list[str]) -> Recording:
    """Play songs one after the other and record them."""
    length = round(1000 * SAMPLES / RATE)
    items = [
        {"id": track_id("Waltz", number), "title": titles[number], "artist": "A", "duration": length}
        for number in CUT
    ]
    player.play(title("House", 0))  # a click, without which a browser starts no sound
    player.wait_playing(title("House", 0))
    until(lambda: player.page.evaluate("Boolean(window.__segue.sound.nodes)"), "the sound to be routed")
    recording = Recording(player.page)
    player.page.evaluate("items => window.__segue.play(items, 0)", items)
    return recording


def sounds(player: Player, song: str) -> bool:
    """Whether the beginning of a song has been heard, and recorded."""
    state = player.state()
    return bool(state["title"] == song and state["position"] > 1000 * AFTER + 500)


def gaps(samples: NDArray[np.float32], rate: int) -> float:
    """The longest silence within the sound, in milliseconds."""
    loud = np.flatnonzero(np.abs(samples) > 0.1 * HEIGHT)
    return float(np.diff(loud).max() * 1000 / rate)


def shifts(samples: NDArray[np.float32], rate: int) -> float:
    """By how much the sine is early or late anywhere, in milliseconds; ambiguous beyond half a period."""
    turning = samples * np.exp(-2j * np.pi * HERTZ * np.arange(len(samples)) / rate)
    period = round(rate / HERTZ)
    phase = np.unwrap(np.angle(np.convolve(turning, np.ones(period) / period, mode="valid")))
    return float((phase.max() - phase.min()) / (2 * np.pi * HERTZ) * 1000)


@pytest.mark.parametrize("ending", [".wav", ".flac", ".mp3", ".ogg", ".m4a"])
def test_songs_follow_each_other_without_a_gap(
    player: Player, database: Database[Document], tmp_path: Path, ending: str
) -> None:
    titles = cut_sine(database, tmp_path, ending)
    recording = play_from(player, titles)
    player.wait_playing(titles[0])
    for former, following in pairwise(titles):
        page = player.page
        until(partial(page.evaluate, "Boolean(window.__segue.sound.next)"), f"{following} to be decoded")
        since, follows = page.evaluate(NEARLY_OVER, 1000 * BEFORE)
        assert follows
        until(partial(sounds, player, following), f"{following} after {former}")
        heard = recording.samples(since + SETTLED, seconds=BEFORE - SETTLED + AFTER)
        assert gaps(heard, recording.rate) <= 1.0
        assert shifts(heard, recording.rate) <= 1.0
