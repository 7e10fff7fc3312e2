"""Playlists by the routes: the session's own, and nobody else's."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from pymongo.database import Database
from starlette.testclient import TestClient

from segue.dashboard.services import Services
from segue.playlists.m3u import read_playlist
from segue.storage.mongo import Document
from tests.dashboard.conftest import Enter, whose


def made(client: TestClient, **told: Any) -> str:
    answer = client.post("/api/playlists", json={"name": "Mine", "tracks": ["t1"], **told})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_made_added_to_and_listed(enter: Enter, services: Services, library: Database[Document]) -> None:
    client = enter()
    own = made(client)
    assert client.post(f"/api/playlists/{own}/tracks", json={"tracks": ["t2", "t1"]}).status_code == 200
    assert client.get("/api/playlists").json() == [
        {"id": own, "name": "Mine", "tracks": 3, "by_rules": False}
    ]
    found = services.playlists.read(whose(services, client).user_id, own)
    assert found is not None and found.tracks == ("t1", "t2", "t1")


def test_anothers_is_as_if_it_were_not_there(
    enter: Enter, services: Services, library: Database[Document]
) -> None:
    ada, bob = enter(), enter()
    hers = made(ada)
    assert bob.get("/api/playlists").json() == []
    assert bob.get(f"/api/playlists/{hers}/file").status_code == 404
    foreign = bob.post(
        f"/api/playlists/{hers}/tracks", json={"tracks": ["t2"], "owner": whose(services, ada).user_id}
    )
    missing = bob.post("/api/playlists/nothing/tracks", json={"tracks": ["t2"]})
    assert (foreign.status_code, foreign.text) == (missing.status_code, missing.text) == (404, foreign.text)
    made(bob, owner=whose(services, ada).user_id, user_id=whose(services, ada).user_id)
    assert [one["id"] for one in ada.get("/api/playlists").json()] == [hers]
    found = services.playlists.read(whose(services, ada).user_id, hers)
    assert found is not None and found.tracks == ("t1",)


def test_without_a_session_or_from_another_site(enter: Enter, library: Database[Document]) -> None:
    client = enter()
    own = made(client)
    assert (
        client.post(
            "/api/playlists", json={"name": "x"}, headers={"origin": "https://evil.example"}
        ).status_code
        == 403
    )
    client.cookies.clear()
    assert client.get("/api/playlists").status_code == 401
    assert client.get(f"/api/playlists/{own}/file").status_code == 401
    assert client.post("/api/playlists", json={"name": "x"}).status_code == 401


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([], 400),
        ("x", 400),
        ({"name": 3}, 400),
        ({"name": ""}, 422),
        ({"name": "x" * 101}, 422),
        ({"name": "x", "tracks": "t1"}, 400),
        ({"name": "x", "tracks": [{"$ne": 1}]}, 400),
        ({"name": "x", "tracks": ["t1"] * 501}, 400),
        ({"name": "x", "tracks": ["nowhere"]}, 422),
        ({"name": "x" * 70_000}, 413),
    ],
)
def test_text_that_is_no_playlist(enter: Enter, library: Database[Document], told: Any, status: int) -> None:
    client = enter()
    assert client.post("/api/playlists", json=told).status_code == status
    assert client.get("/api/playlists").json() == []


@pytest.mark.parametrize("suffix", ["m3u8", "xspf", "jspf"])
def test_export_names_no_folder_and_reads_back(
    enter: Enter, library: Database[Document], suffix: str
) -> None:
    library.tracks.update_one(
        {"_id": "t1"}, {"$set": {"path": "/home/ada/secret/one.mp3", "duration_ms": 61_400}}
    )
    client = enter()
    own = made(client, name="Späte\r\nNacht", tracks=["t1", "t2"])
    answer = client.get(f"/api/playlists/{own}/file?format={suffix}")
    assert answer.headers["content-disposition"].endswith(f"filename*=UTF-8''Sp%C3%A4te%20Nacht.{suffix}")
    assert "secret" not in answer.text
    found = read_playlist(answer.content)
    assert (found.name, found.entries[0].location) == ("Späte Nacht", "one.mp3")
    assert found.entries[0].seconds == pytest.approx(61.4, abs=0.5)
    assert [entry.title for entry in found.entries] == ["Song <1>", "Song <2>"]


def test_a_playlist_is_changed_in_place(enter: Enter, library: Database[Document]) -> None:
    client = enter()
    own = made(client, tracks=["t1", "t2", "t3"])
    facts = {"name": "Early", "comment": "At six", "folder": "Day", "cover": "ab" * 32}
    assert client.put(f"/api/playlists/{own}", json=facts).status_code == 200
    stored = library.playlists.find_one({"_id": own}) or {}
    assert {name: stored[name] for name in ("name", "comment", "folder", "cover_id")} == {
        "name": "Early",
        "comment": "At six",
        "folder": "Day",
        "cover_id": "ab" * 32,
    }
    order = {"tracks": [{"place": 2, "track": "t3"}, {"place": 0, "track": "t1"}], "to": 0}
    assert client.post(f"/api/playlists/{own}/order", json=order).status_code == 200
    assert library.playlists.find_one({"_id": own})["tracks"] == ["t3", "t1", "t2"]  # type: ignore[index]
    assert client.post(f"/api/playlists/{own}/order", json=order).status_code == 409, "a repetition"
    assert library.playlists.find_one({"_id": own})["tracks"] == ["t3", "t1", "t2"]  # type: ignore[index]


PIXELS = io.BytesIO()
Image.new("RGB", (20, 10), "teal").save(PIXELS, "PNG")


def test_a_picture_is_for_its_owner(enter: Enter, library: Database[Document]) -> None:
    client, other = enter(), enter()
    own = made(client, tracks=["t1"])
    answer = client.put(f"/api/playlists/{own}/picture", content=PIXELS.getvalue())
    shown = client.get(answer.json()["cover"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert "private" in shown.headers["cache-control"]
    assert other.get(answer.json()["cover"]).status_code == 404
    assert other.put(f"/api/playlists/{own}/picture", content=PIXELS.getvalue()).status_code == 404
    assert other.put(f"/api/playlists/{own}", json={"name": "His"}).status_code == 404
    order = {"tracks": [{"place": 0, "track": "t1"}], "to": None}
    assert other.post(f"/api/playlists/{own}/order", json=order).status_code == 404
    assert client.put(f"/api/playlists/{own}/picture", content=b"no picture").status_code == 422
    assert client.get(answer.json()["cover"]).status_code == 200, "the former one stays"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {}),
        ("", {"name": 7}),
        ("", {"folder": ["x"]}),
        ("/order", {}),
        ("/order", {"tracks": []}),
        ("/order", {"tracks": [{"place": True, "track": "t1"}]}),
        ("/order", {"tracks": [{"place": "0", "track": "t1"}]}),
        ("/order", {"tracks": [{"place": 0, "track": "t1"}], "to": "up"}),
        ("/order", {"tracks": "t1"}),
    ],
)
def test_malformed_changes_are_refused(
    enter: Enter, library: Database[Document], path: str, body: dict[str, Any]
) -> None:
    client = enter()
    own = made(client, tracks=["t1"])
    before = library.playlists.find_one({"_id": own})
    method = "POST" if path else "PUT"
    assert client.request(method, f"/api/playlists/{own}{path}", json=body).status_code == 400
    assert library.playlists.find_one({"_id": own}) == before
