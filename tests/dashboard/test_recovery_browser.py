"""A forgotten password in a browser: from the form to log in, by the link of a mail, to the first page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pymongo.database import Database

from segue.people.accounts import Accounts
from segue.people.authentication import Authenticator
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.browser import Served, needs_chromium
from tests.dashboard.smtp import SmtpServer
from tests.waiting import until

pytestmark = needs_chromium


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def guarded(
    settings: Settings, database: Database[Document], smtp: SmtpServer, tmp_path: Path
) -> Iterator[Served]:
    """A dashboard that only accounts may use, and that sends mail."""
    dashboard = Served(settings, log=tmp_path / "dashboard.log")
    dashboard.start(
        SEGUE_DASHBOARD__REQUIRE_LOGIN="on",
        SEGUE_DASHBOARD__BASE_URL=dashboard.address,
        SEGUE_MAIL__HOST="127.0.0.1",
        SEGUE_MAIL__PORT=str(smtp.port),
        SEGUE_MAIL__SENDER="segue@music.example",
        SEGUE_MAIL__TLS="off",
    )
    yield dashboard
    dashboard.end()


def link_in(smtp: SmtpServer, number: int) -> str:
    until(lambda: len(smtp.mails) == number, "the mail")
    found = re.search(r"^http://\S+#\S+", str(smtp.mails[-1][1].get_content()), re.MULTILINE)
    assert found
    return found[0]


def test_a_listener_comes_back(guarded: Served, smtp: SmtpServer, store: Store, page: Page) -> None:
    account = Authenticator(store).create("Ada", "correct horse")
    page.goto(guarded.address)
    form = page.locator("#segue-entry form")
    form.get_by_label("Password", exact=True).fill("correct horse")
    form.get_by_label("Name").first.fill("Ada")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.locator("[data-testid='stTopNavLink']", has_text="Ada").wait_for()

    page.goto(f"{guarded.address}/you")
    page.get_by_role("tab", name="Account").click()
    page.get_by_role("paragraph").filter(has_text="Mail address").click()
    form = page.locator("#segue-entry form", has=page.get_by_role("button", name="Save"))
    form.get_by_label("Mail address").fill("ada@music.example")
    form.get_by_label("Present password").fill("correct horse")
    form.get_by_role("button", name="Save").click()
    page.goto(link_in(smtp, 1))
    page.get_by_role("button", name="Confirm this address").click()
    page.get_by_text("Your mail address is confirmed.").wait_for()
    assert Accounts(store).mail_of(account.user_id) == "ada@music.example"

    page.context.clear_cookies()
    page.goto(guarded.address)
    page.get_by_text("Have you forgotten your password?").click()
    form = page.locator("#segue-entry form", has=page.get_by_role("button", name="Send me a link"))
    form.get_by_label("Name").fill("ada")
    form.get_by_role("button", name="Send me a link").click()
    page.get_by_text("a link is on its way").wait_for()
    page.goto(link_in(smtp, 2))
    page.get_by_label("New password", exact=True).fill("another horse")
    page.get_by_label("New password again").fill("another horse")
    page.get_by_role("button", name="Set the new password").click()
    page.locator("[data-testid='stTopNavLink']", has_text="Ada").wait_for()
    assert Authenticator(store).log_in("Ada", "another horse", address="here") == account
