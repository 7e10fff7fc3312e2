"""The library of the music apps' tests, and programs of developers that call the API over it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import uvicorn
from httpx import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.client import Client
from segue.dashboard.api.v1.routes import routes
from segue.dashboard.services import Services
from segue.people.accounts import Account
from segue.people.api_keys import SCOPES, ApiKeys
from tests.opensubsonic.conftest import PASSWORD, app_settings, library, services, sound_files, track_id

__all__ = ["app_settings", "library", "services", "sound_files"]
BECAUSE, NEXT = track_id(0, 2), track_id(1, 3)


@pytest.fixture
def web(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes(services)))


class Program:
    """A program of one listener, with an API key."""

    def __init__(self, services: Services, web: TestClient, account: Account, key: str) -> None:
        self.services, self.web, self.account, self.key = services, web, account, key

    def ask(self, method: str, path: str, **options: Any) -> Response:
        """The answer to a request below `/api/v1`."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        response: Response = self.web.request(method, f"/api/v1{path}", headers=headers, **options)
        return response

    def get(self, path: str, **query: Any) -> Any:
        """The content of an answer, which must be a success."""
        response = self.ask("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def with_scopes(self, *scopes: str) -> Program:
        """A program of the same listener with fewer rights."""
        key = ApiKeys(self.services.store).create(
            self.account.user_id, self.account.name, label="other", scopes=scopes
        )
        return Program(self.services, self.web, self.account, key)


def program_of(services: Services, web: TestClient, name: str) -> Program:
    """A program with all rights, of a new account."""
    account = services.authenticator.create(name, f"{PASSWORD}-{name}")
    key = ApiKeys(services.store).create(account.user_id, account.name, label="lamp", scopes=SCOPES)
    return Program(services, web, account, key)


@pytest.fixture
def ada(services: Services, web: TestClient) -> Program:
    return program_of(services, web, "Ada")


@pytest.fixture
def ben(services: Services, web: TestClient) -> Program:
    return program_of(services, web, "Ben")


def recommend(services: Services, user_id: str, *track_ids: str, name: str = "r1") -> None:
    """Store recommendations, each because of another track."""
    document = {
        "recommendation_id": name,
        "items": [
            {"track_id": own, "score": 0.9, "reason": {"kind": "because", "track_id": BECAUSE}}
            for own in track_ids
        ],
        "model": "v1",
        "served": "taste",
        "reflects_at": 20,
        "updated_at": datetime.now(UTC),
    }
    services.store.database.recommendations.replace_one({"_id": user_id}, document, upsert=True)


@pytest.fixture
def address(services: Services) -> Iterator[str]:
    """The address of a server of the API."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = Starlette(routes=routes(services))
        config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=60)


@pytest.fixture
def client(address: str, ada: Program) -> Iterator[Client]:
    with Client(address, ada.key, timeout=60) as own:
        yield own
