"""The sound's addresses: whom they serve, for how long, and in which pieces."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from segue.audio.transcoding.media_types import CONTENT_TYPES as TYPES
from segue.catalog.levels import version
from segue.dashboard.api.audio import genuine, sign
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE
from tests.dashboard.conftest import Enter

SOUND = bytes(range(256)) * 8


@pytest.fixture
def sound(services: Services, tmp_path: Path) -> str:
    """A track with a file of 2,048 bytes; its id."""
    file = tmp_path / "a song.mp3"
    file.write_bytes(SOUND)
    services.store.database.tracks.insert_one({"_id": "t1", "path": str(file), "state": "present"})
    return "t1"


def address(client: TestClient, track_id: str) -> str:
    return str(client.get(f"/api/tickets/{track_id}").json()["url"])


def test_a_listener_gets_the_whole_sound(enter: Enter, sound: str) -> None:
    client = enter()
    answer = client.get(address(client, sound))
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "private" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-9", 206, SOUND[:10]),
        ("bytes=2000-", 206, SOUND[2000:]),
        ("bytes=-5", 206, SOUND[-5:]),
        ("bytes=2040-9999", 206, SOUND[2040:]),
        ("bytes=5000-", 416, None),
    ],
)
def test_ranges(enter: Enter, sound: str, asked: str, status: int, content: bytes | None) -> None:
    client = enter()
    answer = client.get(address(client, sound), headers={"range": asked})
    assert answer.status_code == status
    if content is not None:
        assert answer.content == content
    else:
        assert answer.headers["content-range"] == f"bytes */{len(SOUND)}"


def test_a_ticket_has_the_known_loudness(enter: Enter, services: Services, sound: str) -> None:
    tracks, client = services.store.database.tracks, enter()

    def gain(**fields: Any) -> Any:
        tracks.update_one({"_id": sound}, {"$set": {"size": 2048, "modified_ns": 5, **fields}})
        return client.get(f"/api/tickets/{sound}").json()["gain"]

    assert gain() == {}
    measured = {
        "version": version(), "size": 2048, "modified_ns": 5,
        "integrated": -10.5, "peak": 1.02, "blocks": b"",
    }  # fmt: skip
    assert gain(loudness=measured) == {"track_gain": -7.5, "track_peak": 1.02}
    # The album's loudness is that of the album, and the tags take precedence, a gain of 0 dB too.
    services.store.database.albums.insert_one(album_document("one", loudness=-12.0, peak=1.1))
    assert gain(album_id="one")["album_gain"] == -6.0
    stated = {"track_gain": -9.1, "album_gain": 0.0, "base_gain": 3.0}
    assert gain(details={"replay_gain": stated}) == stated | {"track_peak": 1.02, "album_peak": 1.1}
    # A file that has changed has another loudness.
    assert gain(modified_ns=6, details={}) == {"album_gain": -6.0, "album_peak": 1.1}
    assert gain(modified_ns=5, loudness=measured | {"peak": "loud"})["track_gain"] == -7.5


def album_document(own: str, **fields: Any) -> dict[str, Any]:
    """A document of `albums`."""
    texts = dict.fromkeys(("library", "name", "key", "artist", "sort", "artist_sort"), "a")
    lists: dict[str, Any] = {name: [] for name in ("keys", "artist_keys", "appearing", "genres")}
    nothing = dict.fromkeys(
        ("year", "original_year", "edition", "release", "release_group", "cover_id", "added_at")
    )
    counts = dict.fromkeys(("tracks", "discs", "duration_ms"), 1)
    return {"_id": own, "various": False, **texts, **lists, **nothing, **counts, **fields}


def test_an_address_serves_no_other_session(enter: Enter, sound: str) -> None:
    mine, other = enter(), enter()
    assert other.get(address(mine, sound)).status_code == 403


def test_without_a_session_there_is_nothing(enter: Enter, sound: str) -> None:
    client = enter()
    url = address(client, sound)
    client.cookies.clear()
    assert client.get(url).status_code == 401
    assert client.get(f"/api/tickets/{sound}").status_code == 401


def test_an_address_is_for_one_track(enter: Enter, services: Services, sound: str) -> None:
    services.store.database.tracks.insert_one({"_id": "t2", "path": "/etc/passwd", "state": "present"})
    client = enter()
    assert client.get(address(client, sound).replace("t1", "t2")).status_code == 403


@pytest.mark.parametrize("change", ["", "1", "1.", ".", "-1.ab", "99999999999999.ab", "é.ü", "1" * 5000])
def test_a_tampered_ticket_is_refused(enter: Enter, sound: str, change: str) -> None:
    assert enter().get(f"/api/audio/{sound}", params={"t": change}).status_code == 403


def test_one_changed_letter_is_refused(enter: Enter, sound: str) -> None:
    client = enter()
    url = address(client, sound)
    assert client.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403


def test_an_address_expires() -> None:
    ticket = sign("token", "t1", expires=1000)
    assert genuine("token", "t1", ticket, now=999.9)
    assert not genuine("token", "t1", ticket, now=1000.0)


def test_expiry_cannot_be_put_off(enter: Enter, sound: str) -> None:
    client = enter()
    token = str(client.cookies.get(COOKIE))
    expired = sign(token, sound, expires=int(time.time()) - 1)
    later = f"{int(time.time()) + 1000}.{expired.partition('.')[2]}"
    assert client.get(f"/api/audio/{sound}", params={"t": expired}).status_code == 403
    assert client.get(f"/api/audio/{sound}", params={"t": later}).status_code == 403


@pytest.mark.parametrize("wanted", ["..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "unknown", '{"$ne":1}'])
def test_no_path_comes_from_the_request(enter: Enter, sound: str, wanted: str) -> None:
    client = enter()
    ticket = client.get(f"/api/tickets/{wanted}")
    if ticket.status_code == 200:
        assert client.get(ticket.json()["url"]).status_code == 404
    else:
        assert ticket.status_code == 404


def test_only_sound_is_served(enter: Enter, services: Services, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("private")
    found = {"text": tmp_path / "notes.txt", "gone": tmp_path / "gone.mp3", "folder": tmp_path}
    services.store.database.tracks.insert_many(
        [{"_id": name, "path": str(path), "state": "present"} for name, path in found.items()]
    )
    client = enter()
    assert {client.get(address(client, name)).status_code for name in found} == {404}


def test_a_vanished_track_is_not_found(enter: Enter, services: Services, sound: str) -> None:
    services.store.database.tracks.update_one({"_id": sound}, {"$set": {"state": "vanished"}})
    client = enter()
    assert client.get(address(client, sound)).status_code == 404


@pytest.mark.parametrize("suffix", TYPES)
def test_each_format_has_its_type(enter: Enter, services: Services, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"loud{suffix.upper()}"
    file.write_bytes(b"sound")
    services.store.database.tracks.insert_one({"_id": "t", "path": str(file), "state": "present"})
    client = enter()
    assert client.get(address(client, "t")).headers["content-type"] == TYPES[suffix]
