"""A listener with a song in the library, and a service to which plays go."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pymongo.database import Database

from segue.scrobbling.connections import Connection, ScrobbleConnections, Service
from segue.scrobbling.outbox import Scrobbles
from segue.scrobbling.reading import Reading
from segue.scrobbling.sending import Sending
from segue.scrobbling.working import box_of
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.plays.examples import encoded
from tests.scrobbling import service as small
from tests.scrobbling.service import KEY, SECRET, SESSION, TOKEN, serving

LENGTH = 200_000
SONGS = 60


@pytest.fixture
def service() -> Iterator[small.Service]:
    with serving() as own:
        yield own


@pytest.fixture
def settings(settings: Settings, service: small.Service) -> Settings:
    scrobbling = settings.scrobbling.model_copy(
        update={
            "listenbrainz_addresses": (service.address,),
            "lastfm_address": f"{service.address}/2.0/",
            "lastfm_page": f"{service.address}/auth/",
            "lastfm_key": KEY,
            "lastfm_secret": type(settings.scrobbling.lastfm_secret)(SECRET),
        }
    )
    return settings.model_copy(update={"scrobbling": scrobbling})


@pytest.fixture
def songs(database: Database[Document]) -> list[str]:
    """The titles of some songs; their ids are t0, t1 and so on."""
    titles = [f"Song {n}" for n in range(SONGS)]
    database.tracks.insert_many(
        {
            "_id": f"t{n}",
            "library": "home",
            "path": f"/music/{n}.flac",
            "title": title,
            "artist": "Lumen",
            "album": "First",
            "duration_ms": LENGTH,
            "state": "present",
        }
        for n, title in enumerate(titles)
    )
    return titles


class World:
    """A listener's connection and plays; the clock moves when it is told to."""

    def __init__(self, store: Store, settings: Settings, service: small.Service) -> None:
        self.store, self.settings, self.service = store, settings, service
        self.at = time.time()
        self.reading, self.scrobbles = Reading(store, settings), Scrobbles(store)
        self.connections = ScrobbleConnections(store)
        self.http = httpx.Client(timeout=5)
        self.sending = self.sender()

    def sender(self) -> Sending:
        return Sending(
            self.store, self.settings, box=box_of(self.settings), http=self.http, clock=lambda: self.at
        )

    def connect(self, service: Service, *, secret: str | None = None, **options: Any) -> str:
        secret = secret or {"listenbrainz": TOKEN, "lastfm": SESSION}[service]
        address = {
            "listenbrainz": self.service.address,
            "lastfm": self.settings.scrobbling.lastfm_address,
        }[service]
        self.connections.connect(
            "ada",
            service,
            address=address,
            account=f"ada-{service}",
            encrypted=box_of(self.settings).close(secret),
            **options,
        )
        # Plays of the tests began before this moment.
        long_ago = {"$set": {"connected_at": self.connections._clock().replace(year=2001)}}
        self.store.database.scrobble_connections.update_one({"_id": f"ada:{service}"}, long_ago)
        return f"ada:{service}"

    def hear(self, *songs: int, ago: float = 3600, **changes: Any) -> list[bytes]:
        """The listener hears songs; each begins a second after the one before. Returns the records."""
        records = []
        for place, number in enumerate(songs):
            began = round((self.at - ago + place) * 1000)
            common = {"user_id": "ada", "track_id": f"t{number}", "session_id": f"s{number}", **changes}
            played = {"ms_played": LENGTH, "position_ms": LENGTH, "duration_ms": LENGTH}
            records.append(encoded(**{**common, "type": "play", "ms_played": 0, "occurred_at": began}))
            end = {**common, **played, "type": "complete", "occurred_at": began + LENGTH + 10_000, **changes}
            records.append(encoded(**end))
        self.reading.take(records)
        return records

    def connection(self, own: str) -> Connection:
        user_id, _, _ = own.partition(":")
        return next(one for one in self.connections.of(user_id).values() if one.connection_id == own)

    def offer(self, address: str) -> None:
        """Offer another ListenBrainz, too."""
        own = self.settings.scrobbling
        addresses = {"listenbrainz_addresses": (*own.listenbrainz_addresses, address)}
        self.settings = self.settings.model_copy(update={"scrobbling": own.model_copy(update=addresses)})
        self.sending = self.sender()

    def move(self, service: Service, address: str) -> None:
        """Let a connection have another address."""
        self.store.database.scrobble_connections.update_one(
            {"_id": f"ada:{service}"}, {"$set": {"address": address}}
        )

    def later(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def world(store: Store, settings: Settings, service: small.Service, songs: list[str]) -> Iterator[World]:
    own = World(store, settings, service)
    yield own
    own.http.close()


def new_id() -> str:
    return str(uuid.uuid4())
