"""No error that a guest sees names a folder, an address or a command of the server."""

from __future__ import annotations

import tomllib
from types import ModuleType
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from segue.dashboard import app
from segue.dashboard.api.requests import Guests
from segue.dashboard.services import Services
from segue.errors import SegueError
from segue.index.manifest import BundleError
from segue.people.login_sessions import COOKIE
from segue.places import CONF

pytestmark = pytest.mark.integration
FOLDER = "/srv/secret/index"
WORDS = f"{FOLDER}/v1/vectors.npy does not match its checksum, mongodb://10.0.0.7: run ./run.sh index build"
ERRORS = (SegueError(WORDS), BundleError(WORDS), OSError(13, "denied", FOLDER), KeyError(WORDS))
BODIES: dict[str, Any] = {
    "/api/events": {"sent_at": 1, "plays": []},
    "/api/me/leave": {"confirm": "remove everything"},
    "/api/people/sign-up": {"name": "Ada", "password": "correct horse"},
    "/api/people/log-in": {"name": "Ada", "password": "correct horse"},
    "/api/people/hand-over": {"code": "x"},
    "/api/share": {"kind": "track", "key": "t1", "title": "Song"},
    "/api/playlists": {"name": "Mine", "tracks": []},
    "/api/playlists/x/tracks": {"tracks": []},
    "/api/playlists/x/order": {"tracks": [{"place": 0, "track": "t1"}], "to": 0},
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("part", app._PARTS, ids=lambda part: part.__name__.rpartition(".")[2])
def test_whatever_a_route_raises(
    services: Services, monkeypatch: pytest.MonkeyPatch, part: ModuleType, error: Exception
) -> None:
    async def fail(*_args: object, **_options: object) -> None:
        raise error

    names = [name for name in ("run_in_threadpool",) if hasattr(part, name)]
    for name in names:
        monkeypatch.setattr(part, name, fail)
    if hasattr(part, "to_thread"):
        monkeypatch.setattr(part.to_thread, "run_sync", fail)
    client = _client(part, services)
    for route in part.routes(services):
        for method in sorted((route.methods or set()) - {"HEAD"}):
            path = route.path
            for name in route.param_convertors:
                path = path.replace(f"{{{name}}}", "ab" * 32 if name == "cover_id" else "x")
            answer = client.request(method, path, json=BODIES.get(path))
            shown = answer.text + str(answer.headers)
            for secret in (FOLDER, "10.0.0.7", "run.sh", "Traceback"):
                assert secret not in shown, (method, path, shown)


def _client(part: ModuleType, services: Services) -> TestClient:
    guests = Middleware(Guests, login_sessions=services.login_sessions)
    routes: list[Route] = part.routes(services)
    client = TestClient(Starlette(routes=routes, middleware=[guests]), raise_server_exceptions=False)
    client.cookies.set(COOKIE, services.login_sessions.open())
    return client


def test_pages_show_no_details_of_an_error() -> None:
    """Streamlit would show the message and the traceback, with the folders of the code."""
    settings = tomllib.loads((CONF / ".streamlit" / "config.toml").read_text())
    assert settings["client"]["showErrorDetails"] == "none"
