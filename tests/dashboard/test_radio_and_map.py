"""A radio and the map, by their routes."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database

from segue.dashboard.queries.map import GONE
from segue.dashboard.services import Services
from segue.settings import Settings
from segue.storage.mongo import Document, pack
from tests.dashboard.conftest import Enter, whose
from tests.dashboard.music import EACH, STYLES, make_music, track_id


@pytest.fixture
def music(database: Database[Document], settings: Settings, tmp_path: Path) -> Database[Document]:
    make_music(
        database, settings, {track_id(s, n): tmp_path / f"{s}{n}" for s in STYLES for n in range(EACH)}
    )
    return database


def unpacked(data: bytes) -> tuple[dict, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    (size,) = struct.unpack_from("<I", data)
    head = json.loads(data[4 : 4 + size])
    points = np.frombuffer(data, "<i2", 2 * head["count"], 4 + size).reshape(-1, 2)
    return head, points, np.frombuffer(data, np.uint8, head["count"], 4 + size + points.nbytes)


def test_a_radio_plays_songs_like_the_first_one_and_continues(
    enter: Enter, music: Database[Document]
) -> None:
    client = enter()
    played = ["waltz0"]
    for _ in range(5):
        items = client.get(f"/api/radio/waltz0?after={','.join(played)}").json()["items"]
        assert items
        assert {item["source"] for item in items} == {"radio"}
        played += [item["id"] for item in items]
    assert all(one.startswith("waltz") for one in played[:8])
    assert len(set(played[:24])) == 24


def test_a_disliked_song_is_not_on_the_radio(
    enter: Enter, services: Services, music: Database[Document]
) -> None:
    client = enter()
    first = client.get("/api/radio/waltz0").json()["items"][0]["id"]
    user = whose(services, client).user_id
    music.opinions.insert_one({"_id": "x", "user_id": user, "track_id": first, "opinion": "dislike", "at": 1})
    assert first not in [item["id"] for item in client.get("/api/radio/waltz0").json()["items"]]
    assert first in [item["id"] for item in enter().get("/api/radio/waltz0").json()["items"]]


def test_a_radio_from_nothing(enter: Enter, music: Database[Document]) -> None:
    client = enter()
    assert client.get("/api/radio/unknown").status_code == 404
    assert client.get("/api/radio/waltz0?after=,,%00,é," + "x" * 5000).status_code == 200
    client.cookies.clear()
    assert client.get("/api/radio/waltz0").status_code == 401


def test_before_there_is_an_index(enter: Enter, database: Database[Document]) -> None:
    client = enter()
    assert [client.get(p).status_code for p in ("/api/radio/x", "/api/map", "/api/map/here")] == [
        503,
        503,
        503,
    ]


def test_the_map_has_a_point_for_each_track_and_styles_lie_apart(
    enter: Enter, music: Database[Document]
) -> None:
    music.tracks.update_one({"_id": "house0"}, {"$set": {"state": "vanished"}})
    music.tracks.update_one({"_id": "house1"}, {"$set": {"state": "no-audio"}})
    client = enter()
    answer = client.get("/api/map")
    head, points, codes = unpacked(answer.content)
    assert head["count"] == len(points) == len(codes) == 24
    assert sorted(head["genres"]) == ["House", "Metal", "Waltz"]
    assert list(codes).count(GONE) == 2
    middles = np.array([points[codes == code].mean(axis=0) for code in range(3)])
    spread = max(points[codes == code].std(axis=0).max() for code in range(3))
    gaps = [np.linalg.norm(a - b) for i, a in enumerate(middles) for b in middles[i + 1 :]]
    assert min(gaps) > 3 * spread
    again = client.get("/api/map", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_points_have_names(enter: Enter, music: Database[Document]) -> None:
    client = enter()
    head, _, _ = unpacked(client.get("/api/map").content)
    here = client.get("/api/map/here?track=metal3").json()
    assert here["taste"] is None
    found = client.get(f"/api/map/tracks?version={head['version']}&rows={here['row']},999999").json()["items"]
    assert [item["id"] for item in found] == ["metal3"]
    assert client.get(f"/api/map/tracks?version=older&rows={here['row']}").status_code == 409
    for rows in ("", "x", "-1", "1,", ",".join(["1"] * 25), "²"):
        assert client.get(f"/api/map/tracks?version={head['version']}&rows={rows}").status_code == 400


def test_the_taste_is_a_point_among_the_liked_songs(
    enter: Enter, services: Services, music: Database[Document]
) -> None:
    ada, bob = enter(), enter()
    vector = np.array(services.catalogue.bundle().vectors[services.catalogue.bundle().rows(["metal2"])[0]])
    user = whose(services, ada).user_id
    music.tastes.insert_one({"_id": user, "windows": {}, "vector": pack(vector), "space": "s"})
    _, points, _ = unpacked(ada.get("/api/map").content)
    row = ada.get("/api/map/here?track=metal2").json()["row"]
    assert ada.get("/api/map/here").json()["taste"] == pytest.approx(points[row] / 32767, abs=1e-3)
    assert bob.get("/api/map/here").json()["taste"] is None
    music.tastes.update_one({"_id": user}, {"$set": {"space": "another"}})
    assert ada.get("/api/map/here").json()["taste"] is None
