"""Guests cost nothing before something is remembered of them, and nothing after their session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from segue.dashboard import visit
from segue.dashboard.api.requests import Guests
from segue.dashboard.app import PAGES, make_routes
from segue.dashboard.services import Services
from segue.people.login_failures import LoginFailures
from segue.people.login_sessions import COOKIE, OFFERED_FOR, LoginSessions
from segue.people.newcomers import WITHIN, Newcomers
from segue.people.signatures import signatures
from segue.privacy.guests import remove_former_guests
from segue.settings import Settings
from segue.storage.mongo import Document
from tests.dashboard.conftest import Enter, serve_pages, whose

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


Browsing = Callable[[str], TestClient]


@pytest.fixture
def arrive(services: Services) -> Browsing:
    """Gives browsers of an address, each with a page; an address may have three new guests."""
    offers = signatures(services.settings.opensubsonic.key_file, purpose="guests")
    services.newcomers = Newcomers(LoginFailures(services.store), 3, key=offers)
    services.login_sessions = LoginSessions(services.store, offers=offers, newcomers=services.newcomers)
    app = Starlette(
        routes=make_routes(services),
        middleware=[Middleware(Guests, login_sessions=services.login_sessions, newcomers=services.newcomers)],
    )

    def one(address: str) -> TestClient:
        client = TestClient(app, client=(address, 5000))
        assert client.get("/", headers=PAGE).status_code != 429
        return client

    return one


def is_guest(client: TestClient) -> bool:
    return bool(client.get("/api/queue").status_code == 200)


def test_an_address_has_a_number_of_new_guests(arrive: Browsing) -> None:
    assert [is_guest(arrive("192.0.2.7")) for _ in range(5)] == [True] * 3 + [False] * 2
    assert is_guest(arrive("192.0.2.8"))
    assert [is_guest(arrive(f"2001:db8::{n}")) for n in range(4)] == [True] * 3 + [False]
    assert all(is_guest(arrive(one)) for one in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] * 4)


def test_pages_without_a_cookie_take_no_place(arrive: Browsing) -> None:
    """300 of them, without any session, locked out everybody of the same address."""
    for _ in range(9):
        arrive("192.0.2.7")
    assert [is_guest(arrive("192.0.2.7")) for _ in range(4)] == [True] * 3 + [False]


def test_all_processes_count_together(arrive: Browsing, services: Services) -> None:
    for _ in range(3):
        assert is_guest(arrive("192.0.2.7"))
    offers = signatures(services.settings.opensubsonic.key_file, purpose="guests")
    elsewhere = Newcomers(LoginFailures(services.store), 3, key=offers)
    assert elsewhere.is_full(elsewhere.network("192.0.2.7"))
    assert not elsewhere.is_full(elsewhere.network("192.0.2.8"))
    hour = LoginFailures(services.store, clock=lambda: datetime.now(UTC) + WITHIN)
    assert not Newcomers(hour, 3, key=offers).is_full(elsewhere.network("192.0.2.7"))


def test_beyond_the_number_people_log_in_and_out(arrive: Browsing, services: Services) -> None:
    told = {"name": "Ada", "password": "correct horse"}
    services.authenticator.create(**told)
    for _ in range(3):
        assert is_guest(arrive("192.0.2.7"))
    client = arrive("192.0.2.7")
    token = client.cookies[COOKIE]
    assert not is_guest(client)
    assert services.login_sessions.is_refused(token)
    assert client.post("/api/people/log-in", json=told).status_code == 200
    assert whose(services, client).name == "Ada"
    assert client.post("/api/people/log-out").status_code == 200
    assert not is_guest(client)


def test_beyond_the_number_the_page_has_the_forms_to_log_in(
    database: Database[Document], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was status 429, for the links to a new password, too."""
    serve_pages(monkeypatch, database, settings).append(None)
    monkeypatch.setattr(visit, "is_refused", lambda: True)
    page = AppTest.from_file(str(PAGES), default_timeout=600).run()
    assert not page.exception
    assert [title.value for title in page.title] == ["Log in"]
    assert "Too many new visitors" in page.info[0].value


def test_who_has_a_session_is_admitted_in_any_case(arrive: Browsing, services: Services) -> None:
    clients = [arrive("192.0.2.7") for _ in range(4)]
    assert [is_guest(client) for client in clients] == [True] * 3 + [False]
    assert [is_guest(client) for client in clients] == [True] * 3 + [False]
    assert not services.login_sessions.is_refused(clients[0].cookies[COOKIE])


def test_logging_out_is_no_way_around_the_number(
    arrive: Browsing, services: Services, database: Database[Document]
) -> None:
    """Neither does a session that never began leave anything beyond it."""
    client = arrive("192.0.2.7")
    guests = 0
    for _ in range(6):
        guests += is_guest(client)
        client.post("/api/people/log-out")
    assert guests == 3
    for _ in range(6):
        client.post("/api/people/log-out")
    assert database.sessions.count_documents({}) == 3


def test_a_guest_who_logs_in_and_out_leaves_nothing(
    services: Services, enter: Enter, database: Database[Document]
) -> None:
    """The end of the session removed the only trace by which the guest's data could be found."""
    told = {"name": "Ada", "password": "correct horse"}
    ada = services.authenticator.create(**told).user_id
    logged_out, logged_in, everywhere = enter(), enter(), enter()
    former = [whose(services, client).user_id for client in (logged_out, logged_in, everywhere)]
    for user_id in (*former, ada):
        database.tastes.insert_one({"_id": user_id, "windows": {}})
    token = logged_out.cookies[COOKIE]
    assert logged_out.post("/api/people/log-out").status_code == 200
    assert logged_in.post("/api/people/log-in", json=told).status_code == 200
    assert logged_in.post("/api/people/log-out").status_code == 200
    assert everywhere.post("/api/people/log-out-everywhere").status_code == 200
    assert services.login_sessions.find(token) is None
    assert remove_former_guests(services.store, plays_kept=PLAYS) == 3
    assert database.tastes.distinct("_id") == [ada]
    assert database.sessions.count_documents({"user_id": {"$in": former}}) == 0


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
