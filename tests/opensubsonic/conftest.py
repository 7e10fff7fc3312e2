"""A library with albums, artists of several kinds and covers, and apps that call the API over it."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.catalog.gathering import gather
from segue.catalog.letters import artist_key
from segue.dashboard.opensubsonic.routes import routes
from segue.dashboard.services import Services
from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.people.accounts import Account
from segue.people.app_passwords import AppPasswords
from segue.people.secret_box import SecretBox
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import melody, write
from tests.index.corpus import ANNOY
from tests.opensubsonic import schemas

COVER = "ab" * 32
SECONDS = 6.0
ALBUMS = (
    # name, artist, album artist, year, genre
    ("First Light", "The Example", "The Example", 2001, "Folk"),
    ("Second Wind", "The Example feat. Ada Guest", "The Example", 2005, "Folk"),
    ("Hits of the Year", "Someone Else", "Various Artists", 2010, "Pop"),
    ("1999", "311", "311", 1999, "Rock"),
)
EACH = 4
PASSWORD = "pässwörd-of-ada"


def track_id(album: int, number: int) -> str:
    return f"{album:08x}{number:08x}"


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (100, 100), "teal").save(made, "PNG")
    return made.getvalue()


@pytest.fixture(scope="session")
def sound_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file for each track: mp3, and one flac for each album."""
    folder = tmp_path_factory.mktemp("apps")
    return {
        track_id(album, number): write(
            folder / f"{album}-{number}{'.flac' if number == 1 else '.mp3'}",
            melody(seconds=SECONDS, pitch=110.0 * (1 + album), seed=album * EACH + number),
        )
        for album in range(len(ALBUMS))
        for number in range(1, EACH + 1)
    }


def _documents(files: dict[str, Path]) -> Iterator[Document]:
    for place, (name, artist, album_artist, year, genre) in enumerate(ALBUMS):
        for number in range(1, EACH + 1):
            own = track_id(place, number)
            main = artist.partition(" feat. ")[0]
            featured = ["Ada Guest"] if " feat. " in artist else []
            various = album_artist == "Various Artists"
            details: dict[str, Any] = {
                "artists": [f"{main} {number}" if various else main],
                "featured": featured,
                "album_artists": [] if various else [album_artist],
                "compilation": various,
                "disc": 1 if number < EACH else 2,
                "ids": {"recording": f"00000000-0000-4000-8000-{own[-12:]}"},
                "replay_gain": {"track_gain": -3.5, "track_peak": 0.98},
            }
            names = [*details["artists"], *featured]
            yield {
                "_id": own,
                "library": "home",
                "path": str(files[own]),
                "title": "Intro" if number == 1 else f"{name} {number}",
                "artist": details["artists"][0] if various else artist,
                "album": name,
                "genres": [genre],
                "duration_ms": round(SECONDS * 1000),
                "track": number if number < EACH else 1,
                "year": year,
                "cover_id": COVER if place < 3 else None,
                "size": files[own].stat().st_size,
                "modified_ns": place * EACH + number,
                "added_at": datetime(2026, 1, 1 + place, tzinfo=UTC),
                "details": details,
                "artist_keys": [artist_key(one) for one in names],
                "grouped": 0,
                "state": "present",
            }


@pytest.fixture
def library(database: Database[Document], settings: Settings, sound_files: dict[str, Path]) -> Store:
    """Four albums of four songs, with an index in which an album is a direction."""
    store = Store(database)
    database.covers.insert_one({"_id": COVER, "type": "image/png", "data": picture()})
    database.tracks.insert_many(_documents(sound_files))
    gather(store)
    ids = sorted(sound_files)
    rng = np.random.default_rng(5)
    vectors = np.array([np.eye(6)[int(own[:8], 16)] for own in ids]) + rng.normal(0, 0.1, (len(ids), 6))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    contents = Contents(
        vectors=vectors,
        track_ids=encode_ids(ids),
        artists=np.arange(len(ids), dtype=np.int32),
        cold_start=np.arange(len(ids), dtype=np.int32),
    )
    manifest = write_bundle(settings.index.folder, contents, space="s", recall_queries=4, backend=ANNOY)
    PublishedBundles(store).publish(Path(settings.index.folder) / manifest.version)
    return store


@pytest.fixture
def app_settings(settings: Settings) -> Settings:
    """Without Kafka; a module that sends plays overrides this."""
    return settings


@pytest.fixture
def services(library: Store, app_settings: Settings) -> Iterator[Services]:
    found = Services(library, app_settings)
    yield found
    found.close()


@pytest.fixture
def web(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes(services)))


@pytest.fixture
def address(services: Services) -> Iterator[int]:
    """The port of a server of the API."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = Starlette(routes=routes(services))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(timeout=30)


class App:
    """A music app of one listener."""

    def __init__(self, web: TestClient, account: Account, app_password: str) -> None:
        self.web, self.account, self.app_password = web, account, app_password

    def get(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """The content of a successful answer, which must have the published shape."""
        body = self.whole(name, **parameters)
        assert body["status"] == "ok", body
        return body

    def fail(self, name: str, /, **parameters: Any) -> int:
        """The code of an error."""
        body = self.whole(name, **parameters)
        assert body["status"] == "failed", body
        code: int = body["error"]["code"]
        return code

    def whole(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        response = self.web.get(f"/rest/{name}", params=self.parameters(**parameters))
        assert response.status_code < 500, response.text
        body = response.json()
        schemas.check(name, body)
        content: dict[str, Any] = body["subsonic-response"]
        assert content["openSubsonic"] is True
        assert content["type"] == "segue"
        return content

    def unchecked(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """The content of a long answer of entries of one shape: to check them all takes minutes."""
        body = self.web.get(f"/rest/{name}", params=self.parameters(**parameters)).json()
        content: dict[str, Any] = body["subsonic-response"]
        assert content["status"] == "ok", content
        return content

    def parameters(self, **parameters: Any) -> dict[str, Any]:
        return {"apiKey": self.app_password, "v": "1.16.1", "c": "tests", "f": "json", **parameters}


def app_of(services: Services, web: TestClient, name: str) -> App:
    """An app with an app password of a new account."""
    account = services.authenticator.create(name, f"{PASSWORD}-{name}")
    box = SecretBox(Path(services.settings.opensubsonic.key_file))
    passwords = AppPasswords(services.store)
    password = passwords.create(account.user_id, account.name, device="phone", box=box)
    return App(web, account, password)


@pytest.fixture
def ada(services: Services, web: TestClient) -> App:
    return app_of(services, web, "Ada")


@pytest.fixture
def ben(services: Services, web: TestClient) -> App:
    return app_of(services, web, "Ben")
