"""Playlists by the routes: the session's own, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
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
    assert client.get("/api/playlists").json() == [{"id": own, "name": "Mine", "tracks": 3}]
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


def test_export_names_no_folder_and_reads_back(enter: Enter, library: Database[Document]) -> None:
    library.tracks.update_one(
        {"_id": "t1"}, {"$set": {"path": "/home/ada/secret/one.mp3", "duration_ms": 61_400}}
    )
    client = enter()
    own = made(client, name="Späte\r\nNacht", tracks=["t1", "t2"])
    answer = client.get(f"/api/playlists/{own}/file")
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''Sp%C3%A4te%20Nacht.m3u8")
    assert "secret" not in answer.text
    found = read_playlist(answer.content)
    assert (found.name, found.entries[0].seconds, found.entries[0].location) == ("Späte Nacht", 61, "one.mp3")
    assert [entry.title for entry in found.entries] == ["Song <1>", "Song <2>"]
