"""Guests cost nothing before something is remembered of them, and nothing after their session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from segue.dashboard.api.requests import Guests
from segue.dashboard.app import make_routes
from segue.dashboard.newcomers import Newcomers
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE, OFFERED_FOR, LoginSessions
from segue.people.signatures import signatures
from segue.privacy.guests import remove_former_guests
from segue.storage.mongo import Document
from tests.dashboard.conftest import Enter, whose

pytestmark = pytest.mark.integration

PAGE = {"accept": "text/html"}
PLAYS = timedelta(days=30)


def test_visitors_who_do_not_come_back_leave_nothing(
    services: Services, enter: Enter, database: Database[Document]
) -> None:
    client = enter()
    for _ in range(20):
        client.cookies.clear()
        assert COOKIE in client.get("/", headers=PAGE).cookies
    assert database.sessions.count_documents({}) == 0


def test_a_session_begins_when_the_cookie_comes_back(
    services: Services, enter: Enter, database: Database[Document]
) -> None:
    client = enter()
    token = client.cookies[COOKIE]
    first = client.get("/api/queue")
    assert first.status_code == 200
    me = whose(services, client)
    assert me.name is None
    client.get("/", headers=PAGE)
    assert (client.cookies[COOKIE], whose(services, client)) == (token, me)
    assert database.sessions.count_documents({}) == 1


def test_a_token_that_was_closed_begins_no_session(services: Services, enter: Enter) -> None:
    unused, used = enter(), enter()
    me = whose(services, used)
    for client in (unused, used):
        token = client.cookies[COOKIE]
        assert client.post("/api/people/log-out").status_code == 200
        assert services.login_sessions.find(token) is None
        assert client.cookies[COOKIE] != token
    assert whose(services, used).user_id != me.user_id


def test_only_fresh_tokens_of_this_service_begin_a_session(services: Services) -> None:
    settings = services.settings
    token = services.login_sessions.offer()
    text, _, signature = token.rpartition(".")
    assert services.login_sessions.find(f"{text}0.{signature}") is None
    assert services.login_sessions.find(f"{text}.{signature[:-1]}") is None
    assert LoginSessions(services.store).find(token) is None
    offers = signatures(settings.opensubsonic.key_file, purpose="guests")
    late = LoginSessions(
        services.store,
        offers=offers,
        clock=lambda: datetime.now(UTC) + OFFERED_FOR + timedelta(seconds=1),
    )
    assert late.find(token) is None
    assert services.login_sessions.find(token) is not None


def test_an_address_has_a_number_of_new_guests(services: Services) -> None:
    app = Starlette(
        routes=make_routes(services),
        middleware=[Middleware(Guests, login_sessions=services.login_sessions, newcomers=Newcomers(3))],
    )

    def answer(address: str) -> int:
        client = TestClient(app, client=(address, 5000))
        status: int = client.get("/", headers=PAGE).status_code
        return status

    admitted = [answer("192.0.2.7") for _ in range(5)]
    assert [status == 429 for status in admitted] == [False] * 3 + [True] * 2
    assert answer("192.0.2.8") != 429
    assert [answer(f"2001:db8::{n}") == 429 for n in range(4)] == [False] * 3 + [True]
    assert all(answer(one) != 429 for one in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] * 4)


def test_who_has_a_session_is_admitted_in_any_case(services: Services) -> None:
    app = Starlette(
        routes=make_routes(services),
        middleware=[Middleware(Guests, login_sessions=services.login_sessions, newcomers=Newcomers(1))],
    )
    client, other = (TestClient(app, client=("192.0.2.7", 5000)) for _ in range(2))
    assert [client.get("/", headers=PAGE).status_code == 429 for _ in range(4)] == [False] * 4
    assert other.get("/", headers=PAGE).status_code == 429


def test_logging_out_is_no_way_around_the_number(services: Services, database: Database[Document]) -> None:
    services.newcomers = Newcomers(3)
    app = Starlette(
        routes=make_routes(services), middleware=[Middleware(Guests, login_sessions=services.login_sessions)]
    )
    client = TestClient(app, client=("192.0.2.7", 5000))
    client.get("/", headers=PAGE)
    for _ in range(6):
        client.get("/api/queue")
        client.post("/api/people/log-out")
    assert COOKIE not in client.cookies
    assert len({one["user_id"] for one in database.sessions.find({"closed": None})}) == 0
    assert database.sessions.count_documents({}) <= 4


def test_the_data_of_a_guest_goes_with_the_session(
    services: Services, enter: Enter, database: Database[Document]
) -> None:
    gone, here, member = enter(), enter(), enter()
    item = {"id": "t1", "key": "k", "source": "home", "queued": False}
    queue = {"version": 0, "player": "p", "at": 0, "position": 0, "items": [item]}
    for client in (gone, here, member):
        assert client.put("/api/queue", json=queue).status_code == 200
    told = {"name": "Ada", "password": "correct horse"}
    former = whose(services, gone).user_id
    own = [whose(services, client).user_id for client in (here, member)]
    assert member.post("/api/people/sign-up", json=told).status_code == 200
    for user_id in (former, *own):
        at = datetime.now(UTC)
        database.listening.insert_one({"_id": f"0:{user_id}", "user_id": user_id, "start": at, "rows": []})
        database.tastes.insert_one({"_id": user_id, "windows": {}})
    database.tastes.insert_one({"_id": "guest-without-a-session", "windows": {}})
    assert remove_former_guests(services.store, plays_kept=PLAYS) == 0
    member.post("/api/people/log-out")
    database.sessions.update_many({"user_id": former}, {"$set": {"expires_at": datetime.now(UTC)}})
    assert remove_former_guests(services.store, plays_kept=PLAYS) == 1
    kept = {*own, "guest-without-a-session"}
    assert set(database.tastes.distinct("_id")) == kept
    assert set(database.listening.distinct("user_id")) == set(own)
    assert set(database.queues.distinct("_id")) == set(own)
    assert former not in str(list(database.sessions.find()))


def test_the_setting_limits_the_session(services: Services, database: Database[Document]) -> None:
    sessions = LoginSessions(services.store, guests_kept=timedelta(days=2))
    sessions.open()
    sessions.open(user_id="user-1", name="Ada")
    lasts = {one["name"]: one["expires_at"] - one["began_at"] for one in database.sessions.find()}
    assert lasts[None] == timedelta(days=2) < lasts["Ada"]
