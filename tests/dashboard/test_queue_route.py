"""The queue by its routes: the session's own, of bounded size, with one of two changes at a time."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

from segue.dashboard.api.queue import MOST_SHOWN
from segue.dashboard.services import Services
from segue.playlists.queues import Queues
from segue.privacy import holdings
from segue.storage.mongo import Document
from tests.dashboard.conftest import Enter, whose


def song(track_id: str, **other: Any) -> dict[str, Any]:
    return {"id": track_id, "key": f"key-{track_id}", "source": "home", **other}


def queue(*items: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {"version": 0, "player": "tab", "at": 0, "position": 0, "items": list(items), **other}


REC = {"id": "r1", "rank": 2, "model": "v1"}


def test_stored_and_read_by_another_device(
    enter: Enter, services: Services, library: Database[Document]
) -> None:
    laptop, phone = enter(), enter()
    phone.cookies = laptop.cookies
    told = queue(song("t1", rec=REC), song("t2", queued=True), at=1, position=61_500)
    assert laptop.put("/api/queue", json=told).json() == {"version": 1}
    found = phone.get("/api/queue")
    assert found.headers["cache-control"] == "no-store"
    stored = found.json()
    assert {name: stored[name] for name in ("at", "position", "player", "version")} == {
        "at": 1,
        "position": 61_500,
        "player": "tab",
        "version": 1,
    }
    first, second = stored["items"]
    assert (first["id"], first["key"], first["rec"], first["queued"]) == ("t1", "key-t1", REC, False)
    assert (second["title"], second["queued"], "rec" in second) == ("Song <2>", True, False)


def test_anothers_queue_is_out_of_reach(
    enter: Enter, services: Services, library: Database[Document]
) -> None:
    ada, bob = enter(), enter()
    ada.put("/api/queue", json=queue(song("t1")))
    foreign = queue(song("t2"), user_id=whose(services, ada).user_id, _id=whose(services, ada).user_id)
    assert bob.get("/api/queue").json()["items"] == []
    assert bob.put("/api/queue", json=foreign).json() == {"version": 1}
    assert [item["id"] for item in ada.get("/api/queue").json()["items"]] == ["t1"]
    assert [item["id"] for item in bob.get("/api/queue").json()["items"]] == ["t2"]


def test_of_two_changes_to_one_version_the_second_is_refused_with_the_queue(
    enter: Enter, library: Database[Document]
) -> None:
    client = enter()
    client.put("/api/queue", json=queue(song("t1")))
    added = queue(song("t1"), song("t4", queued=True), version=1, player="first")
    assert client.put("/api/queue", json=added).json() == {"version": 2}
    stale = queue(song("t1"), song("t2"), at=1, version=1, player="second")
    for method in ("PUT", "POST"):  # a tab that closes must not overwrite the queue either
        refused = client.request(method, "/api/queue", json=stale)
        assert refused.status_code == 409
        assert refused.json() == client.get("/api/queue").json()
        assert [item["id"] for item in refused.json()["items"]] == ["t1", "t4"]
    assert client.put("/api/queue", json=queue(song("t5"))).status_code == 409  # 0: it has read none
    assert client.put("/api/queue", json={**stale, "version": 2}).json() == {"version": 3}


def test_the_position_alone(enter: Enter, library: Database[Document]) -> None:
    client = enter()
    place = {"version": 0, "player": "tab", "at": 1, "position": 9000}
    assert client.put("/api/queue", json=place).status_code == 409  # nothing is stored that has places
    client.put("/api/queue", json=queue(song("t1"), song("t2")))
    assert client.post("/api/queue", json={**place, "version": 1}).json() == {"version": 2}
    stored = client.get("/api/queue").json()
    assert (stored["at"], stored["position"], len(stored["items"])) == (1, 9000, 2)
    client.put("/api/queue", json={**place, "version": 2, "at": 400})
    assert client.get("/api/queue").json()["at"] == 1  # the last song


def test_songs_that_have_left_the_library_are_left_out(enter: Enter, library: Database[Document]) -> None:
    client = enter()
    client.put("/api/queue", json=queue(song("t1"), song("t2"), song("t3"), at=1, position=5000))
    library.tracks.delete_one({"_id": "t1"})
    stored = client.get("/api/queue").json()
    assert ([item["id"] for item in stored["items"]], stored["at"], stored["position"]) == (
        ["t2", "t3"],
        0,
        5000,
    )
    library.tracks.delete_one({"_id": "t2"})
    stored = client.get("/api/queue").json()
    assert ([item["id"] for item in stored["items"]], stored["at"], stored["position"]) == (["t3"], 0, 0)


def test_without_a_session_or_from_another_site(enter: Enter, library: Database[Document]) -> None:
    client = enter()
    foreign = {"origin": "https://evil.example"}
    assert client.put("/api/queue", json=queue(song("t1")), headers=foreign).status_code == 403
    assert client.get("/api/queue").json()["items"] == []
    client.cookies.clear()
    assert client.get("/api/queue").status_code == 401
    assert client.put("/api/queue", json=queue(song("t1"))).status_code == 401


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([], 400),
        ("x", 400),
        ({}, 400),
        (queue(song("t1"), at=1), 400),
        (queue(at=-1), 400),
        (queue(at=True), 400),
        (queue(at=1.5), 400),
        (queue(at="0"), 400),
        (queue(song("t1"), position=2**60), 400),
        (queue(song("t1"), version=-1), 400),
        (queue(song("t1"), version=None), 400),
        (queue(song("t1"), player=""), 400),
        (queue(song("t1"), player={"$ne": 1}), 400),
        (queue(items="t1"), 400),
        (queue(items=None), 400),
        (queue(items=["t1"]), 400),
        (queue(song("t1", source="elsewhere")), 400),
        (queue(song("t1", source=["home"])), 400),
        (queue(song("t1", key="")), 400),
        (queue({"id": {"$ne": 1}, "key": "k", "source": "home"}), 400),
        (queue(*[song("t1")] * (MOST_SHOWN + 1)), 400),
        (queue(song("t1", padding="x" * 300_000)), 413),
    ],
)
def test_malformed_queues_are_refused(
    enter: Enter, library: Database[Document], told: Any, status: int
) -> None:
    client = enter()
    answer = client.put("/api/queue", json=told)
    assert (answer.status_code, client.get("/api/queue").json()["items"]) == (status, []), answer.text


def test_the_longest_queue_and_a_damaged_attribution_are_stored(
    enter: Enter, library: Database[Document]
) -> None:
    client = enter()
    long = queue(*[song("t1")] * MOST_SHOWN, at=MOST_SHOWN - 1)
    assert client.put("/api/queue", json=long).json() == {"version": 1}
    assert len(client.get("/api/queue").json()["items"]) == MOST_SHOWN
    damaged = queue(song("t1", rec={"id": "r", "rank": "first", "model": "v1"}), version=1)
    assert client.put("/api/queue", json=damaged).json() == {"version": 2}
    assert "rec" not in client.get("/api/queue").json()["items"][0]


def test_a_queue_leaves_with_its_listener(
    enter: Enter, services: Services, library: Database[Document]
) -> None:
    client = enter()
    client.put("/api/queue", json=queue(song("t1")))
    assert library.queues.count_documents({"_id": whose(services, client).user_id}) == 1
    held = dict(holdings.held(services.store, whose(services, client).user_id))
    assert [song["track_id"] for song in held["queues"][0]["tracks"]] == ["t1"]
    Queues(services.store).forget(whose(services, client).user_id, account_name=None)
    assert library.queues.count_documents({}) == 0
