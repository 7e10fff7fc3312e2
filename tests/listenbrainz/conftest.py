"""The library of the music apps' tests, and programs that submit listens over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.dashboard.listenbrainz.routes import routes
from segue.dashboard.services import Services
from segue.people.app_passwords import AppPasswords
from segue.people.secret_box import SecretBox
from segue.settings import Settings
from segue.storage.store import Store
from tests.dashboard.test_player_routes import in_kafka
from tests.opensubsonic.conftest import PASSWORD, library, sound_files

__all__ = ["library", "sound_files"]


@pytest.fixture
def services(library: Store, broker: Settings) -> Iterator[Services]:
    found = Services(library, broker)
    yield found
    found.close()


@pytest.fixture
def web(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes(services)))


class Program:
    """A program of one listener, whose token is an app password."""

    def __init__(self, services: Services, web: TestClient, name: str = "Ada") -> None:
        self._settings, self._web = services.settings, web
        account = services.authenticator.create(name, f"{PASSWORD}-{name}")
        box = SecretBox(Path(services.settings.opensubsonic.key_file))
        self.user_id = account.user_id
        self.token = AppPasswords(services.store).create(account.user_id, name, device="server", box=box)

    def send(self, content: object, *, token: str | None = None) -> Response:
        """The response to a submission."""
        headers = self.headers(token)
        response: Response = self._web.post("/1/submit-listens", json=content, headers=headers)
        return response

    def submit(self, kind: str, *listens: dict[str, Any]) -> None:
        """Submit listens, which must be accepted."""
        response = self.send({"listen_type": kind, "payload": list(listens)})
        assert (response.status_code, response.json()) == (200, {"status": "ok"}), response.text

    def headers(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Token {self.token if token is None else token}"}

    def plays(self) -> list[tuple[str, str]]:
        """Type and track of the listener's plays in Kafka, oldest first."""
        own = [play for play in in_kafka(self._settings) if play["user_id"] == self.user_id]
        return [(play["type"], play["track_id"]) for play in sorted(own, key=lambda one: one["occurred_at"])]


@pytest.fixture
def ada(services: Services, web: TestClient) -> Program:
    return Program(services, web)
