"""A real Chromium plays songs that it cannot decode: the server converts them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from playwright.sync_api import Page
from pymongo.database import Database

from segue.dashboard.player.modules import bundled
from segue.storage.mongo import Document
from tests.audio.sounds import melody, write
from tests.dashboard.browser import Player, needs_chromium
from tests.waiting import until

pytestmark = needs_chromium
SECONDS = 90.0
FORMS = [
    {"format": "opus", "type": 'audio/ogg; codecs="opus"', "url": "opus"},
    {"format": "mp3", "type": "audio/mpeg", "url": "mp3"},
    {"format": "aac", "type": "audio/aac", "url": "aac"},
]
ALAC, OPUS, FLAC = 'audio/mp4; codecs="alac"', 'audio/ogg; codecs="opus"', "audio/flac"
EVERYTHING = [ALAC, OPUS, FLAC, "audio/mpeg", "audio/aac"]


@pytest.mark.parametrize(
    ("kind", "plays", "vendor", "undecodable", "expected"),
    [
        (ALAC, [OPUS, FLAC, "audio/mpeg"], "Google Inc.", False, "opus"),
        (ALAC, ["audio/mpeg"], "", False, "mp3"),
        (ALAC, EVERYTHING, "Apple Computer, Inc.", False, "file"),
        (ALAC, EVERYTHING, "Apple Computer, Inc.", True, "mp3"),
        (FLAC, EVERYTHING, "Google Inc.", False, "file"),
        (FLAC, EVERYTHING, "Google Inc.", True, "opus"),
        (OPUS, ["audio/mpeg", OPUS], "Apple Computer, Inc.", False, "file"),
        (None, EVERYTHING, "Google Inc.", False, "opus"),
        (None, EVERYTHING, "Apple Computer, Inc.", False, "mp3"),
        (None, ["audio/aac"], "", False, "aac"),
        (ALAC, [], "", False, "file"),
    ],
)
def test_which_form_a_browser_gets(
    page: Page, kind: str | None, plays: list[str], vendor: str, undecodable: bool, expected: str
) -> None:
    script = bundled("engine/forms.js")
    ticket = {"url": "file", "type": kind, "forms": FORMS}
    choice = (
        f"playableForm({json.dumps(ticket)}, {{ canPlay: (type) => {json.dumps(plays)}.includes(type) "
        f'? "maybe" : "", vendor: {json.dumps(vendor)}, undecodable: {json.dumps(undecodable)} }}).url'
    )
    assert page.evaluate(f"() => {{ {script}; return {choice}; }}") == expected


def _convert(source: Path, target: Path, *options: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(source), *options, str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


@pytest.fixture
def hear(player: Player, database: Database[Document], tmp_path: Path) -> Any:
    """Play one file: it becomes a track with the name as its title."""

    def heard(path: Path) -> str:
        own_id = path.stem
        fields = {"title": own_id, "artist": "A", "duration_ms": int(SECONDS * 1000)}
        database.tracks.insert_one({"_id": own_id, "path": str(path), "state": "present", **fields})
        item = {
            "id": own_id,
            "title": own_id,
            "artist": "A",
            "duration": int(SECONDS * 1000),
            "source": "search",
        }
        player.page.evaluate(f"window.__segue.play([{json.dumps(item)}], 0)")
        return own_id

    return heard


def form(player: Player) -> dict[str, Any]:
    return dict(player.page.evaluate("window.__segue.form"))


@pytest.mark.parametrize(("name", "options"), [("alac.m4a", ["-c:a", "alac"]), ("windows.wma", [])])
def test_alac_and_wma(player: Player, hear: Any, tmp_path: Path, name: str, options: list[str]) -> None:
    sound = write(tmp_path / "sound.flac", melody(seconds=SECONDS))
    title = hear(_convert(sound, tmp_path / name, *options))
    player.wait_playing(title)
    assert form(player)["format"] == "opus"
    duration = player.page.evaluate("window.__segue.duration")
    assert duration == pytest.approx(SECONDS * 1000, abs=500)
    player.page.evaluate("window.__segue.seek(30000)")
    until(
        lambda: player.playing() and 30_000 < player.state()["position"] < 90_000, "the later place to play"
    )
    player.page.evaluate("window.__segue.seek(2000)")
    until(lambda: player.playing() and 2000 < player.state()["position"] < 28_000, "the earlier place")
    assert player.state()["title"] == title


def test_a_file_that_cannot_be_decoded_is_converted_once(player: Player, hear: Any, tmp_path: Path) -> None:
    sound = write(tmp_path / "sound.flac", melody(seconds=SECONDS))
    wma = _convert(sound, tmp_path / "sound.wma")
    requests: list[str] = []
    player.page.on("request", lambda sent: requests.append(sent.url) if "/api/audio/" in sent.url else None)
    title = hear(wma.rename(tmp_path / "misnamed.mp3"))
    player.wait_playing(title)
    assert "format=" not in requests[0]
    # The file is read once more for the seamless change to the next song, which cannot decode it either.
    converted = [url for url in requests if "format=" in url]
    assert converted
    assert all("format=opus" in url for url in converted)


def test_a_song_that_nobody_can_decode_is_skipped(player: Player, hear: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(bytes(50_000))
    # It is shown for some seconds.
    player.page.evaluate(
        "window.said = ''; addEventListener('segue:state', () => { window.said += window.__segue.notice; })"
    )
    hear(broken)
    until(lambda: "cannot be played" in player.page.evaluate("window.said"), "a word about it")
