"""API keys on the page You, and by a command."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.people.accounts import Account
from segue.people.api_keys import EVENTS, RECOMMENDATIONS, ApiKeys
from segue.people.app_passwords import AppPasswords
from segue.people.login_sessions import Listener
from segue.settings import Settings

pytestmark = pytest.mark.integration
SCRIPT = """
from segue.dashboard import visit
from segue.dashboard.views import developers
developers.show(visit.listener())
"""


@pytest.fixture
def account(services: Services, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Ada, who is at the page."""
    own = services.authenticator.create("Ada", "correct horse battery")
    here = Listener(user_id=own.user_id, name=own.name, session_id="s")
    monkeypatch.setattr(visit, "services", lambda: services)
    monkeypatch.setattr(visit, "listener", lambda: here)
    return own


def page() -> AppTest:
    at = AppTest.from_string(SCRIPT, default_timeout=600).run()
    assert not at.exception, at.exception
    return at


def test_a_key_is_created_shown_once_and_revoked(account: Account, services: Services) -> None:
    at = page()
    at.text_input[0].input("desk [lamp]")
    at.multiselect[0].set_value([RECOMMENDATIONS])
    at.button[0].click().run()
    assert not at.exception
    (code,) = at.code
    use = ApiKeys(services.store).use(code.value)
    assert use is not None
    assert (use.key.user_id, use.key.label, use.key.scopes) == (
        account.user_id,
        "desk [lamp]",
        (RECOMMENDATIONS,),
    )
    at = page()
    assert not at.code, "it is shown once"
    rows = [one.value for one in at.markdown if "lamp" in one.value]
    assert len(rows) == 1
    assert "read your next songs" in rows[0]
    at.button(key=f"revoke-key-{use.key.key_id}").click().run()
    assert not at.exception
    assert ApiKeys(services.store).of(account.user_id) == []
    actions = [entry["action"] for entry in services.store.database.audit_log.find().sort("_id", 1)]
    assert actions == ["api-key-created", "api-key-revoked"]


def test_a_key_without_rights_is_not_created(account: Account, services: Services) -> None:
    at = page()
    at.text_input[0].input("lamp")
    at.multiselect[0].set_value([])
    at.button[0].click().run()
    assert not at.exception
    assert at.error
    assert ApiKeys(services.store).of(account.user_id) == []


def test_the_command_prints_a_key_and_disabling_the_account_revokes_it(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = services.authenticator.create("Ada", "correct horse battery")
    monkeypatch.setenv("SEGUE_MONGO__URI", settings.mongo.uri)
    monkeypatch.setenv("SEGUE_MONGO__DATABASE", settings.mongo.database)
    runner = CliRunner()
    done = runner.invoke(app, ["account", "api-key", "Ada", "--label", "lamp", "--scope", EVENTS])
    assert done.exit_code == 0, done.output
    use = ApiKeys(services.store).use(done.stdout.strip().splitlines()[-1])
    assert use is not None
    assert use.key.scopes == (EVENTS,)
    refused = runner.invoke(app, ["account", "api-key", "Ada", "--label", "lamp", "--scope", "everything"])
    assert refused.exit_code != 0
    assert runner.invoke(app, ["account", "disable", "Ada", "--yes"]).exit_code == 0
    assert ApiKeys(services.store).of(account.user_id) == []
    assert AppPasswords(services.store).of(account.user_id) == []
    for command in (("api-key", "Ada", "--label", "lamp"), ("app-password", "Ada", "--device", "phone")):
        refused = runner.invoke(app, ["account", *command])
        assert refused.exit_code != 0
        assert "disabled" in refused.output
