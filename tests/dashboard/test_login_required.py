"""A dashboard that other machines reach is for accounts only."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.dashboard.app import make_middleware, make_routes
from segue.dashboard.operators import is_operator
from segue.dashboard.services import Services
from segue.local.reachable import address_of, notices
from segue.people.login_sessions import COOKIE
from segue.settings import DashboardSettings, Settings, load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store

OPEN_HOSTS = ["0.0.0.0", "::", "192.0.2.7", "music.example"]


def dashboard(**changed: Any) -> DashboardSettings:
    return load_settings().dashboard.model_copy(update=changed)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_nobody_has_to_log_in_on_the_loopback_address(host: str) -> None:
    assert not dashboard(host=host).login_required
    assert dashboard(host=host, require_login="on").login_required
    assert notices(dashboard(host=host), database="segue") == []


@pytest.mark.parametrize("host", OPEN_HOSTS)
def test_an_address_that_others_reach_requires_log_in(host: str) -> None:
    assert dashboard(host=host).login_required
    assert not dashboard(host=host, require_login="off").login_required
    said = "\n".join(notices(dashboard(host=host), database="segue_demo"))
    for part in (host, "log-in is required", "SEGUE_MONGO__DATABASE=segue_demo ./run.sh account create NAME"):
        assert part in said


@pytest.mark.parametrize("host", OPEN_HOSTS)
def test_a_visitor_who_names_the_loopback_host_is_no_operator_there(host: str) -> None:
    headers = {"Host": "localhost:8501"}
    assert is_operator(None, dashboard(local_operator=True), headers=headers)
    assert not is_operator(None, dashboard(local_operator=True, host=host), headers=headers)


def test_the_address_to_open_is_one_that_a_browser_takes() -> None:
    assert address_of(dashboard(host="0.0.0.0"), port=1) == "http://127.0.0.1:1"
    assert address_of(dashboard(host="::1"), port=1) == "http://[::1]:1"
    assert address_of(dashboard(host="music.example"), port=1) == "http://music.example:1"


@pytest.mark.integration
def test_routes_are_closed_to_guests_and_open_to_accounts(
    database: Database[Document], settings: Settings
) -> None:
    guarded = settings.model_copy(
        update={"dashboard": settings.dashboard.model_copy(update={"host": "0.0.0.0"})}
    )
    services = Services(Store(database), guarded)
    app = Starlette(routes=make_routes(services), middleware=make_middleware(services))
    client = TestClient(app)
    client.get("/", headers={"accept": "text/html"})
    paths = {route.path for route in make_routes(services) if route.path.startswith("/api/")}
    closed = {path for path in paths if client.get(path.replace("{", "").replace("}", "")).status_code == 401}
    assert paths - closed == {
        "/api/covers/{cover_id}",
        "/api/people/log-in",
        "/api/people/log-out",
        "/api/people/hand-over",
        "/api/people/forgot-password",
        "/api/people/reset-password",
        "/api/people/confirm-address",
    }
    signed_up = client.post("/api/people/sign-up", json={"name": "Eve", "password": "long enough"})
    assert signed_up.status_code == 401
    assert client.get("/s/unknown").status_code == 404
    account = services.authenticator.sign_up("Ada", "a long password", guest_id=None, address="here")
    client.cookies.set(COOKIE, services.login_sessions.open(user_id=account.user_id, name=account.name))
    assert client.get("/api/playlists").status_code == 200
    services.delivery.close()
