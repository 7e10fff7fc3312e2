"""Recordings that browsers cannot play: the addresses, the converted recording, and its limits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from starlette.testclient import TestClient

from segue.audio.ffmpeg import probe
from segue.audio.transcoding.encoder import Conversion
from segue.audio.transcoding.forms import FORMS
from segue.dashboard.services import Services
from tests.audio.sounds import melody, write
from tests.dashboard.conftest import Enter

Add = Callable[[str], Path]


@pytest.fixture
def add(services: Services, tmp_path: Path) -> Add:
    """Add a track t of ten seconds with a file of this name."""

    def added(name: str) -> Path:
        path = write(tmp_path / name, melody(seconds=10.0))
        services.store.database.tracks.insert_one(
            {
                "_id": "t",
                "path": str(path),
                "state": "present",
                "size": path.stat().st_size,
                "duration_ms": 10_000,
            }
        )
        return path

    return added


def ticket(client: TestClient) -> dict:  # type: ignore[type-arg]
    return dict(client.get("/api/tickets/t").json())


def test_a_ticket_names_the_type_and_the_forms(enter: Enter, add: Add) -> None:
    add("a.wma")
    found = ticket(enter())
    assert found["type"] is None
    assert [(form["format"], form["type"]) for form in found["forms"]] == [
        ("opus", 'audio/ogg; codecs="opus"'),
        ("mp3", "audio/mpeg"),
        ("aac", "audio/aac"),
    ]


@pytest.mark.parametrize("name", ["a.wma", "a.wv", "a.aiff", "a.mka", "a.mp2"])
def test_a_converted_recording(enter: Enter, add: Add, tmp_path: Path, name: str) -> None:
    add(name)
    client = enter()
    for form in ticket(client)["forms"]:
        answer = client.get(form["url"])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == FORMS[form["format"]].content_type
        made = tmp_path / f"made{FORMS[form['format']].suffix}"
        made.write_bytes(answer.content)
        assert probe(made).seconds == pytest.approx(10.0, abs=0.3)


def test_a_song_of_a_cue_sheet_is_a_part_of_its_file(
    enter: Enter, add: Add, services: Services, tmp_path: Path
) -> None:
    add("a.flac")
    cue = {"number": 2, "start": 3.0, "end": 7.0, "digest": "d"}
    services.store.database.tracks.update_one({"_id": "t"}, {"$set": {"cue": cue, "duration_ms": 4000}})
    client = enter()
    found = ticket(client)
    assert found["type"] is None  # so that players ask for a form
    plain, limited, raw, later, beyond = (
        found["url"],
        found["url"] + "&max_bit_rate=64",
        found["url"] + "&format=raw",
        found["forms"][0]["url"] + "&start=3",
        found["forms"][0]["url"] + "&start=9",
    )
    for url, seconds in ((plain, 4.0), (limited, 4.0), (raw, 4.0), (later, 1.0)):
        answer = client.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/ogg"), url
        (tmp_path / "made.ogg").write_bytes(answer.content)
        assert probe(tmp_path / "made.ogg").seconds == pytest.approx(seconds, abs=0.1), url
    assert client.get(plain, headers={"range": "bytes=0-3"}).content == b"OggS"
    assert client.get(beyond).status_code == 422


def test_a_finished_conversion_has_ranges(enter: Enter, add: Add) -> None:
    add("a.wma")
    client = enter()
    url = ticket(client)["forms"][1]["url"]
    before = client.head(url)
    assert (before.status_code, before.headers["accept-ranges"]) == (200, "none")
    whole = client.get(url)
    assert "content-length" not in whole.headers
    part = client.get(url, headers={"range": "bytes=0-1"})
    size = len(whole.content)
    assert (part.status_code, part.content) == (206, whole.content[:2])
    assert part.headers["content-range"] == f"bytes 0-1/{size}"
    assert client.get(url, headers={"range": "bytes=-10"}).content == whole.content[-10:]
    beyond = client.get(url, headers={"range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    after = client.head(url)
    assert (after.headers["content-length"], after.content) == (str(size), b"")


def test_a_start_within_the_recording(enter: Enter, add: Add, tmp_path: Path) -> None:
    add("a.wma")
    client = enter()
    answer = client.get(ticket(client)["forms"][1]["url"] + "&start=7.5")
    made = tmp_path / "made.mp3"
    made.write_bytes(answer.content)
    assert probe(made).seconds == pytest.approx(2.5, abs=0.3)


def test_a_limit_of_the_bit_rate(enter: Enter, add: Add) -> None:
    path = add("a.mp3")
    client = enter()
    url = ticket(client)["url"]
    assert client.get(f"{url}&max_bit_rate=320").content == path.read_bytes()
    assert client.get(f"{url}&format=raw&max_bit_rate=32").content == path.read_bytes()
    small = client.get(f"{url}&format=mp3&max_bit_rate=32")
    assert len(small.content) <= 10 * 32 * 125 + 2000


@pytest.mark.parametrize(
    "query",
    [
        "format=exe",
        "format=flac",
        "start=-1",
        "start=nan",
        "start=1e999",
        "max_bit_rate=-1",
        "max_bit_rate=x",
    ],
)
def test_wrong_parameters(enter: Enter, add: Add, query: str) -> None:
    add("a.wma")
    client = enter()
    assert client.get(f"{ticket(client)['url']}&{query}").status_code == 422


def test_a_damaged_file_is_an_error_with_a_reason(enter: Enter, add: Add) -> None:
    add("a.wma").write_bytes(bytes(5000))
    client = enter()
    answer = client.get(ticket(client)["forms"][0]["url"])
    assert (answer.status_code, answer.json()["reason"]) == (422, "not-audio")


def test_a_full_queue_is_refused(enter: Enter, add: Add, services: Services, tmp_path: Path) -> None:
    add("a.wma")
    os.mkfifo(tmp_path / "hangs.mp3")
    usual = services.settings.transcoding
    service = services.transcoder
    service.settings = usual.model_copy(update={"processes": 1, "max_waiting": 0})
    hanging = Conversion(path=tmp_path / "hangs.mp3", form=FORMS["mp3"], kilobits=64)
    with service.join(hanging, owner="another listener"):
        client = enter()
        answer = client.get(ticket(client)["forms"][0]["url"])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    text = generate_latest(services.metrics.registry).decode()
    assert 'segue_transcodings_total{result="refused"} 1.0' in text
    service.settings = usual
    assert client.get(ticket(client)["forms"][0]["url"]).status_code == 200


def test_an_address_of_another_session_converts_nothing(enter: Enter, add: Add, services: Services) -> None:
    add("a.wma")
    url = ticket(enter())["forms"][0]["url"]
    assert enter().get(url).status_code == 403
    time.sleep(0.1)
    assert services.transcoder.running == 0
