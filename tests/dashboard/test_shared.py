"""Share links over HTTP: the songs that a guest sees and hears, and those that nobody gets."""

from __future__ import annotations

import io
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from pymongo.database import Database
from starlette.testclient import TestClient

from segue.dashboard.queries.shared import month_key
from segue.dashboard.services import Services
from segue.storage.mongo import Document
from tests.audio.sounds import melody, write
from tests.dashboard.conftest import Enter, whose


@pytest.fixture
def owner(enter: Enter, library: Database[Document], tmp_path: Path) -> TestClient:
    """Ada, logged in; t1 has a sound and a real cover."""
    out = io.BytesIO()
    Image.new("RGB", (300, 300), (200, 80, 20)).save(out, "JPEG")
    library.covers.update_one({}, {"$set": {"data": out.getvalue()}})
    file = write(tmp_path / "t1.wav", melody(seconds=1.0, pitch=220.0, seed=1))
    library.tracks.update_one({"_id": "t1"}, {"$set": {"path": str(file), "state": "present"}})
    client = enter()
    assert (
        client.post("/api/people/sign-up", json={"name": "Ada", "password": "correct horse"}).status_code
        == 200
    )
    return client


def share(client: TestClient, **told: object) -> str:
    answer = client.post("/api/share", json={"kind": "track", "key": "t1", "title": "Song", **told})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"]).removeprefix("http://testserver")


@pytest.fixture
def guest(enter: Enter, owner: TestClient) -> TestClient:
    """A browser without any session."""
    client = enter()
    client.cookies.clear()
    return client


def test_a_guest_sees_cover_title_and_preview(owner: TestClient, guest: TestClient) -> None:
    here = share(owner)
    answer = guest.get(here, headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert "Song &lt;1&gt;" in answer.text
    assert "<1>" not in answer.text
    assert f'<meta property="og:image" content="http://testserver{here}/picture.png">' in answer.text
    assert '<meta property="og:title" content="Song &lt;1&gt;">' in answer.text
    assert "Shared by Ada" in answer.text
    assert "set-cookie" not in answer.headers
    picture = guest.get(f"{here}/picture.png")
    with Image.open(io.BytesIO(picture.content)) as found:
        assert found.size == (1200, 630)


def test_the_address_stays_out_of_referrers_indexes_and_caches(owner: TestClient, guest: TestClient) -> None:
    headers = guest.get(share(owner)).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert "noindex" in headers["x-robots-tag"]
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]


def test_a_guest_hears_only_the_songs_that_the_owner_allows(owner: TestClient, guest: TestClient) -> None:
    silent, audible = share(owner), share(owner, playable=True)
    assert "<audio" not in guest.get(silent).text
    assert guest.get(f"{silent}/audio/t1").status_code == 404
    assert "<audio" in guest.get(audible).text
    sound = guest.get(f"{audible}/audio/t1", headers={"range": "bytes=0-99"})
    assert (sound.status_code, len(sound.content)) == (206, 100)
    assert guest.get(f"{audible}/audio/t2").status_code == 404
    assert guest.get("/api/audio/t1").status_code == 401


def test_a_preview_of_a_link_does_not_count_as_opening_it(
    owner: TestClient, guest: TestClient, services: Services
) -> None:
    here = share(owner)
    assert guest.head(here).status_code == 200
    [link] = services.links.of(whose(services, owner).user_id)
    assert link.opened == 0
    guest.get(here)
    [link] = services.links.of(whose(services, owner).user_id)
    assert link.opened == 1


def test_a_revoked_or_expired_link_is_as_if_it_never_existed(
    owner: TestClient, guest: TestClient, services: Services
) -> None:
    here = share(owner, playable=True)
    links = services.links
    [link] = links.of(whose(services, owner).user_id)
    assert owner.delete(f"/api/share/{link.link_id}").status_code == 200
    never = guest.get("/s/never-was-one")
    for path in (here, f"{here}/picture.png", f"{here}/audio/t1"):
        assert guest.get(path).status_code == 404
    assert guest.get(here).text == never.text


def test_nobody_else_ends_or_makes_links(
    owner: TestClient, guest: TestClient, enter: Enter, services: Services
) -> None:
    here = share(owner)
    [link] = services.links.of(whose(services, owner).user_id)
    stranger = enter()
    assert stranger.delete(f"/api/share/{link.link_id}").status_code == 404
    assert guest.delete(f"/api/share/{link.link_id}").status_code == 401
    assert guest.get(here).status_code == 200
    told = {"kind": "track", "key": "t1", "title": "x"}
    assert guest.post("/api/share", json=told).status_code == 401
    assert stranger.post("/api/share", json=told).status_code == 422  # a guest's session has no account
    foreign = owner.post("/api/share", json=told, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403


def test_few_pictures_are_drawn_at_a_time(owner: TestClient, guest: TestClient, services: Services) -> None:
    """Anybody with a link could have the server draw pictures in all threads of the pages."""
    here = share(owner)
    with ExitStack() as drawn:
        for _ in range(24):
            drawn.enter_context(services.drawing.place())
        refused = guest.get(f"{here}/picture.png")
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (503, True)
        assert guest.get(here).status_code == 200
    assert guest.get(f"{here}/picture.png").status_code == 200


@pytest.mark.parametrize(
    "key",
    [
        "9999-12-31T23:59:59+00:00|UTC",
        "0001-01-01T00:00:00+14:00|America/New_York",
        "1500-01-01T00:00:00+00:00|UTC",
        "2300-01-01T00:00:00+00:00|UTC",
    ],
)
def test_a_month_beyond_the_calendar_cannot_be_shared(owner: TestClient, key: str) -> None:
    told = {"kind": "month", "key": key, "title": "Month"}
    assert owner.post("/api/share", json=told).status_code == 422


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"kind": "track", "key": "nowhere"}, 422),
        ({"kind": "playlist", "key": "p1"}, 422),
        ({"kind": "month", "key": "2026"}, 422),
        ({"kind": "month", "key": "2026-01-01T00:00:00+00:00|Mars/Olympus"}, 422),
        ({"kind": "account", "key": "ada"}, 400),
        ({"kind": "track", "key": {"$ne": 1}}, 400),
        ({"kind": "track", "key": "t1", "days": -1}, 400),
        ({"kind": "track", "key": "t1", "playable": "yes"}, 400),
    ],
)
def test_an_item_that_cannot_be_shared_is_refused(
    owner: TestClient, told: dict[str, object], status: int
) -> None:
    assert owner.post("/api/share", json={"title": "x", **told}).status_code == status


def test_another_listeners_playlist_cannot_be_shared(owner: TestClient, services: Services) -> None:
    bens = services.playlists.create("ben", "Ben's", tracks=["t1"])
    told = {"kind": "playlist", "key": bens.playlist_id, "title": "x"}
    assert owner.post("/api/share", json=told).status_code == 422


def test_a_playlist_is_shown_with_its_tracks(
    owner: TestClient, guest: TestClient, services: Services
) -> None:
    me = whose(services, owner).user_id
    mine = services.playlists.create(me, "Mine", tracks=["t1", "t2"])
    page = guest.get(share(owner, kind="playlist", key=mine.playlist_id, playable=True)).text
    assert "Playlist by Ada · 2 songs" in page
    assert page.count("<audio") == 2
    services.playlists.delete(me, mine.playlist_id)
    assert guest.get(share(owner)).status_code == 200


def test_a_month_is_shown_as_its_card(owner: TestClient, guest: TestClient, services: Services) -> None:
    start = datetime(2026, 3, 10, 12, tzinfo=UTC)
    services.store.database.listening.insert_one(
        {
            "_id": "x",
            "user_id": whose(services, owner).user_id,
            "start": start,
            "rows": [fact_row("t1", plays=3)],
            "first_at": 0,
            "last_at": 0,
        }
    )
    here = share(owner, kind="month", key=month_key(start, "Europe/Paris"))
    assert "March 2026" in guest.get(here).text
    with Image.open(io.BytesIO(guest.get(f"{here}/picture.png").content)) as card:
        assert card.size == (1080, 1350)
    empty = share(owner, kind="month", key=month_key(datetime(2025, 1, 1, tzinfo=UTC), "UTC"))
    assert guest.get(f"{empty}/picture.png").status_code == 404


def fact_row(track_id: str, *, plays: int) -> Document:
    counts = dict.fromkeys(
        ("starts", "completions", "skips", "early_skips", "likes", "dislikes", "impressions"), 0
    )
    named = {"track_id": track_id, "artist": "Artist 1", "genre": "Folk", "source": "home", "variant": ""}
    return {**named, "rank": None, **counts, "plays": plays, "listening_ms": plays * 200_000}
