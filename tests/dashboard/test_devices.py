"""The list of the browsers in which a listener is logged in, on the page You."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.people.login_sessions import Listener, LoginSessions

SCRIPT = """
from segue.dashboard import visit
from segue.dashboard.views import devices
devices.show(visit.listener())
"""


@pytest.fixture
def here(services: Services, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens of three sessions of Ada's; the page is that of the first, as long as it is open."""
    sessions = services.login_sessions
    names = ("Firefox, Windows", "Chrome, Android", "")
    tokens = [sessions.open(user_id="ada", name="Ada", browser=name) for name in names]
    monkeypatch.setattr(visit, "services", lambda: services)
    monkeypatch.setattr(visit, "listener", lambda: sessions.find(tokens[0]))
    return tokens


def page() -> AppTest:
    at = AppTest.from_string(SCRIPT, default_timeout=600).run()
    assert not at.exception, at.exception
    return at


def test_one_device_is_logged_out(here: list[str], services: Services) -> None:
    find = services.login_sessions.find
    phone = find(here[1])
    assert phone is not None
    at = page()
    rows = [one.value for one in at.markdown]
    assert rows[0].startswith("**Firefox, Windows** · this device")
    assert sorted(row.split(" · ")[0] for row in rows[1:]) == ["**A browser**", "**Chrome, Android**"]
    at.button(key=f"end-{phone.session_id}").click().run()
    assert not at.exception
    assert [find(token) is not None for token in here] == [True, False, True]
    assert len(at.markdown) == 2
    (entry,) = services.store.database.audit_log.find()
    assert (entry["action"], entry["user_id"]) == ("session-ended", "ada")


def test_all_others_are_logged_out(here: list[str], services: Services) -> None:
    at = page()
    at.button(key="end-others").click().run()
    assert not at.exception
    assert [services.login_sessions.find(token) is not None for token in here] == [True, False, False]
    assert len(at.markdown) == 1
    assert not at.button


def test_a_page_that_stays_open_after_its_session_ends_none(
    here: list[str], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = page()
    ben = Listener(user_id="ben", name="Ben", session_id="0" * 16)
    monkeypatch.setattr(visit, "listener", lambda: ben)
    at.button(key="end-others").click().run()
    assert all(services.login_sessions.find(token) for token in here)


@pytest.mark.parametrize("whose", [(None, None), ("oidc-1", "Grace")])
def test_guests_and_users_of_a_provider_have_no_such_list(
    services: Services, monkeypatch: pytest.MonkeyPatch, whose: tuple[str | None, str | None]
) -> None:
    monkeypatch.setattr(visit, "services", lambda: services)
    token = LoginSessions(services.store).open(user_id=whose[0], name=whose[1])
    monkeypatch.setattr(visit, "listener", lambda: services.login_sessions.find(token))
    at = page()
    assert not at.markdown
    assert not at.expander
