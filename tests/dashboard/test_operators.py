"""Access to the pages about all listeners."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.dashboard import visit
from segue.dashboard.app import PAGES
from segue.dashboard.operators import is_operator
from segue.dashboard.services import Services
from segue.people.login_sessions import Listener
from segue.settings import DashboardSettings, Settings, load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store

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


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "[::1]:8501", "LOCALHOST"])
def test_without_names_every_visitor_on_this_machine(host: str) -> None:
    assert is_operator(GUEST, dashboard(), headers={"host": host})
    assert not is_operator(GUEST, dashboard(local_operator=False), headers={"host": host})


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
    assert not is_operator(ADA, dashboard(), headers=headers)


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
    assert ({"live", "operations", "audience"} <= there) is operator
    assert operator or not {"live", "operations", "audience"} & there
