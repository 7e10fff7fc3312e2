"""Linking an account of another server on the page You."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.connected.linked_accounts import LinkedAccounts
from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.people.login_failures import LIMITS
from segue.people.login_sessions import Listener
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.connected.home import Home
from tests.connected.small_server import PASSWORD, USER, SmallServer, as_json, failed, serving, status

pytestmark = pytest.mark.integration
ADA = Listener(user_id="ada", name="Ada", session_id="s")
SCRIPT = """
from segue.dashboard import visit
from segue.dashboard.views import servers
servers.show(visit.listener())
"""


@pytest.fixture
def services(
    database: Database[Document], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    found = Services(Store(database), settings)
    monkeypatch.setattr(visit, "services", lambda: found)
    monkeypatch.setattr(visit, "listener", lambda: ADA)
    yield found
    found.close()


@pytest.fixture
def home(services: Services, settings: Settings, small: SmallServer) -> Home:
    return Home(services.store, settings, small)


def page() -> AppTest:
    at = AppTest.from_string(SCRIPT, default_timeout=600).run()
    assert not at.exception, at.exception
    return at


def linked(at: AppTest, *, password: str, learns: bool = True) -> AppTest:
    """The page after its form was sent."""
    at.text_input[0].set_value(USER)
    at.text_input[1].set_value(password)
    at.checkbox[1].set_value(learns)
    at.button[0].click().run()
    assert not at.exception, at.exception
    return at


def test_without_a_server_there_is_nothing(services: Services) -> None:
    assert not page().expander


def test_an_account_is_linked_and_unlinked(home: Home, services: Services) -> None:
    at = linked(page(), password=PASSWORD, learns=False)
    assert [one.value for one in at.success] == ["Your account on home is linked."]
    [account] = LinkedAccounts(services.store).of_listener("ada")
    assert (account["user"], account["learns"], account["name"]) == (USER, False, "Ada")
    assert PASSWORD.encode() not in account["encrypted"]
    at = page()
    assert "**home** · ada" in [one.value for one in at.markdown]
    at.button(key="unlink-home").click().run()
    assert LinkedAccounts(services.store).of_listener("ada") == []
    actions = [one["action"] for one in services.store.database.audit_log.find().sort("at")]
    assert actions == ["server-linked", "server-unlinked"]


def test_a_wrong_password_is_refused_and_guessing_ends(home: Home, services: Services) -> None:
    at = linked(page(), password="wrong")
    assert [one.value for one in at.error] == ["The server refuses this name and password."]
    assert LinkedAccounts(services.store).of_listener("ada") == []
    services.store.database.login_failures.update_one(
        {"_id": "server:ada"}, {"$set": {"count": LIMITS["server"]}}
    )
    home.small.calls.clear()
    at = linked(page(), password=PASSWORD)
    assert at.error[0].value.startswith("Too many attempts")
    assert home.small.calls == []


@pytest.mark.parametrize("answer", [failed(0), failed(10), status(404), as_json({})])
def test_guesses_count_whatever_the_server_answers(
    home: Home, services: Services, answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """Some servers answer a wrong password as if something else were wrong."""
    home.small.instead["ping"] = answer
    linked(page(), password="wrong")
    [failures] = services.store.database.login_failures.find({"_id": "server:ada"})
    assert failures["count"] == 1


def test_a_server_that_is_away_is_told(
    services: Services, database: Database[Document], settings: Settings
) -> None:
    small = SmallServer()
    with serving(small):
        Home(Store(database), settings, small)
    at = linked(page(), password=PASSWORD)
    assert [one.value for one in at.error] == ["The server does not answer now: try again later."]


def test_a_guest_sees_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "listener", lambda: Listener(user_id="g", name=None, session_id="s"))
    assert not page().expander


def test_a_page_of_somebody_who_has_logged_out_links_nothing(
    home: Home, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = page()
    script = SCRIPT.replace("visit.listener()", "Listener(user_id='ada', name='Ada', session_id='s')")
    at = AppTest.from_string(
        f"from segue.people.login_sessions import Listener\n{script}", default_timeout=600
    ).run()
    monkeypatch.setattr(visit, "listener", lambda: None)
    linked(at, password=PASSWORD)
    assert LinkedAccounts(services.store).of_listener("ada") == []
