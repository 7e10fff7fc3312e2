"""Access to the pages about all listeners."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.clock import now
from segue.dashboard import visit
from segue.dashboard.app import PAGES
from segue.dashboard.operators import entries_by_id, is_operator
from segue.dashboard.services import Services
from segue.people.accounts import Accounts
from segue.people.authentication import AccountError
from segue.people.handovers import account_of
from segue.people.library_access import LibraryAccess
from segue.people.login_sessions import COOKIE, Listener
from segue.people.operator_links import GOOD_FOR, PATH, OperatorLinks
from segue.settings import DashboardSettings, Settings, load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import Enter, whose

HERE = {"Host": "127.0.0.1:8501"}
ADA = Listener(user_id="1", name="Ada", session_id="s")
GUEST = Listener(user_id="2", name=None, session_id="s")


def dashboard(**changed: object) -> DashboardSettings:
    return load_settings().dashboard.model_copy(update=changed)


def test_only_the_named_accounts_once_some_are_named() -> None:
    named = dashboard(operators=(" ada ",))
    assert is_operator(ADA, named, headers=HERE)
    assert is_operator(ADA, named, headers={"Host": "music.example"})
    for other in (GUEST, None, Listener(user_id="3", name="Ben", session_id="s")):
        assert not is_operator(other, named, headers=HERE)


def test_a_guest_is_not_taken_for_a_name() -> None:
    assert not is_operator(GUEST, dashboard(operators=("None", "")), headers=HERE)


def test_an_account_is_named_by_its_id() -> None:
    named = dashboard(operators=("user-1", "https://id.example 4711"))
    assert is_operator(Listener("user-1", "Ada", "s"), named, headers={})
    ada = account_of({"iss": "https://id.example", "sub": "4711", "name": "Ada"})
    assert ada is not None
    assert is_operator(Listener(ada.user_id, ada.name, "s"), named, headers={})
    assert not is_operator(Listener("user-2", "user-1", "s"), dashboard(operators=("user-3",)), headers={})


def test_the_display_name_of_an_identity_providers_user_counts_for_nothing() -> None:
    mallory = account_of({"iss": "https://id.example", "sub": "666", "name": "Ada"})
    assert mallory is not None
    assert not is_operator(
        Listener(mallory.user_id, mallory.name, "s"), dashboard(operators=("Ada",)), headers=HERE
    )
    access = LibraryAccess([("private", ["Ada"])])
    assert access.hidden_from(mallory.user_id, mallory.name) == {"private"}
    assert access.hidden_from("user-1", "Ada") == set()


@pytest.mark.parametrize("name", ["Ada", " ADA ", "Аdа", "Bеn", "ben"])
def test_nobody_signs_up_with_a_name_that_has_rights(
    name: str, settings: Settings, database: Database[Document]
) -> None:
    changed = {
        "dashboard": settings.dashboard.model_copy(update={"operators": ("Ada",)}),
        "library": settings.library.model_copy(update={"accounts": (("private", ("Ben",)),)}),
    }
    services = Services(Store(database), settings.model_copy(update=changed))
    try:
        with pytest.raises(AccountError):
            services.authenticator.sign_up(name, "correct horse", guest_id=None, address="x")
        services.authenticator.create("Ada", "correct horse")
    finally:
        services.close()


def test_a_line_gives_the_id_of_an_operator_by_name(services: Services) -> None:
    account = services.authenticator.create("Ada", "correct horse")
    named = dashboard(operators=("ada", "nobody", account.user_id))
    (line,) = entries_by_id(named, Accounts(services.store))
    assert account.user_id in line


def test_a_link_makes_a_browser_an_operators_once(enter: Enter, services: Services) -> None:
    client, other = enter(), enter()
    before, code = client.cookies.get(COOKIE), OperatorLinks(services.store).create()
    assert not is_operator(whose(services, client), dashboard(), headers=HERE)
    entered = client.get(PATH, params={"code": code}, follow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/operations")
    assert is_operator(whose(services, client), dashboard(), headers={})
    assert services.login_sessions.find(before) is None
    refused = other.get(PATH, params={"code": code}, follow_redirects=False)
    assert (refused.status_code, "expired" in refused.text) == (403, True)
    assert not is_operator(whose(services, other), dashboard(), headers=HERE)


def test_a_preview_of_a_link_does_not_use_it_up(enter: Enter, services: Services) -> None:
    client, code = enter(), OperatorLinks(services.store).create()
    before = client.cookies.get(COOKIE)
    looked = client.head(PATH, params={"code": code})
    assert (looked.status_code, looked.content, client.cookies.get(COOKIE)) == (200, b"", before)
    assert client.get(PATH, params={"code": code}, follow_redirects=False).status_code == 303


def test_a_link_is_good_for_an_hour(enter: Enter, services: Services) -> None:
    late = OperatorLinks(services.store, clock=lambda: now() - GOOD_FOR)
    assert enter().get(PATH, params={"code": late.create()}, follow_redirects=False).status_code == 403
    for code in ("", "x", "\ud800", "x" * 10_000):
        assert not OperatorLinks(services.store).use(code)


def test_the_rights_of_a_link_go_with_a_log_in_and_end_with_a_log_out(
    enter: Enter, services: Services
) -> None:
    client = enter()
    client.get(PATH, params={"code": OperatorLinks(services.store).create()}, follow_redirects=False)
    client.post("/api/people/sign-up", json={"name": "Ada", "password": "correct horse"})
    assert (whose(services, client).name, whose(services, client).operator) == ("Ada", True)
    client.post("/api/people/log-out")
    assert not whose(services, client).operator


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "[::1]:8501", "LOCALHOST"])
def test_by_a_setting_every_visitor_on_this_machine(host: str) -> None:
    assert is_operator(GUEST, dashboard(local_operator=True), headers={"host": host})
    assert not is_operator(GUEST, dashboard(), headers={"host": host})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "music.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1:8501", "X-Forwarded-For": "10.0.0.9"},
        {"Host": "localhost", "Forwarded": "for=10.0.0.9"},
    ],
)
def test_from_elsewhere_or_through_a_proxy_nobody(headers: dict[str, str]) -> None:
    assert not is_operator(ADA, dashboard(local_operator=True), headers=headers)


@pytest.mark.parametrize("operator", [True, False])
def test_the_pages_of_all_listeners_are_there_for_operators_only(
    operator: bool, settings: Settings, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    services = Services(Store(database), settings)
    monkeypatch.setattr(visit, "services", lambda: services)
    monkeypatch.setattr(visit, "listener", lambda: ADA)
    monkeypatch.setattr(visit, "operator", lambda: operator)
    there: set[str] = set()
    navigation = st.navigation

    def noted(pages: Any, **other: Any) -> Any:
        there.update(page.url_path or "home" for page in pages)
        return navigation(pages, **other)

    monkeypatch.setattr(st, "navigation", noted)
    AppTest.from_file(str(PAGES), default_timeout=600).run()
    assert {"home", "listening", "friends"} <= there
    of_operators = {"live", "operations", "audience", "audit"}
    assert there & of_operators == (of_operators if operator else set())
