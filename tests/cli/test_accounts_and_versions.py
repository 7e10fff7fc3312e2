"""The commands on accounts and on stored versions, against a real MongoDB."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from segue.cli.main import app
from segue.models.versions import Models
from segue.people.accounts import Accounts
from segue.people.authentication import AccountError, Authenticator
from segue.people.login_sessions import LoginSessions
from segue.settings import Settings
from segue.storage.store import Store

Call = Callable[..., Result]


@pytest.fixture
def call(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("SEGUE_MONGO__URI", settings.mongo.uri)
    monkeypatch.setenv("SEGUE_MONGO__DATABASE", settings.mongo.database)

    def run(*arguments: str, given: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=given)

    return run


def test_an_account_from_its_creation_to_its_end(call: Call, store: Store) -> None:
    made = call("account", "create", "Ada L", "--password-stdin", given="correct horse\n")
    assert (made.exit_code, made.stdout.split(" (")[0]) == (0, "account Ada L created")
    authenticator = Authenticator(store)
    account = authenticator.log_in("ada l", "correct horse", address="here")
    sessions = LoginSessions(store)
    token = sessions.open(user_id=account.user_id, name=account.name)

    (listed,) = json.loads(call("account", "list", "--json", "-").stdout)
    assert (listed["name"], listed["user_id"]) == ("Ada L", account.user_id)
    assert "password" not in listed
    assert "Ada L" in call("account", "list").stdout

    changed = call("account", "set-password", "ada l", "--password-stdin", given="battery staple\n")
    assert changed.stdout == "password of Ada L changed; 1 log-in sessions ended\n"
    assert sessions.find(token) is None
    assert authenticator.log_in("Ada L", "battery staple", address="here") == account
    with pytest.raises(AccountError):
        authenticator.log_in("Ada L", "correct horse", address="here")

    others = sessions.open(user_id="somebody", name="Somebody")
    token = sessions.open(user_id=account.user_id, name=account.name)
    assert call("account", "log-out", "ada l").stdout == "Ada L: 1 log-in session ended\n"
    assert sessions.find(token) is None
    assert sessions.find(others) is not None
    assert authenticator.log_in("Ada L", "battery staple", address="here") == account

    refused = call("account", "delete", "Ada L")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.endswith("add --yes to confirm\n")
    assert Accounts(store).named("Ada L") == account
    assert call("account", "delete", "Ada L", "--yes").exit_code == 0
    assert Accounts(store).named("Ada L") is None


@pytest.mark.parametrize(
    ("arguments", "given", "status", "says"),
    [
        (("create", "Ada", "--password-stdin"), "short\n", 1, "A password has 8 to 256 characters, not 5."),
        (("create", "A", "--password-stdin"), "long enough\n", 1, "A name has 2 to 32 letters"),
        (("create", "Ada"), "", 2, "add --password-stdin"),
        (("create", "Ada"), "short\n", 1, "A password has 8 to 256 characters, not 5."),
        (("set-password", "Nobody", "--password-stdin"), "x\n", 1, "there is no account 'Nobody'"),
        (("log-out", "Nobody"), "", 1, "there is no account 'Nobody'"),
        (("delete", "Nobody", "--yes"), "", 1, "there is no account 'Nobody'"),
    ],
)
def test_a_refusal_is_one_line(
    call: Call, arguments: tuple[str, ...], given: str, status: int, says: str
) -> None:
    done = call("account", *arguments, given=given)
    assert (done.exit_code, done.stdout) == (status, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_taken_name_is_refused(call: Call) -> None:
    for status in (0, 1):
        done = call("account", "create", "Ada", "--password-stdin", given="long enough\n")
        assert done.exit_code == status
    assert "The name Ada is taken." in done.stderr


def test_models_are_listed_with_the_active_one(call: Call, store: Store) -> None:
    models = Models(store)
    for version in ("v1", "v2"):
        models.put("following", version, {"tracks": 7, "file": {"size": 2_000_000, "sha256": ""}})
    models.activate("following", "v1")
    listed = json.loads(call("models", "list", "--json", "-").stdout)
    assert {one["version"]: one["active"] for one in listed} == {"v1": True, "v2": False}
    assert {(one["kind"], one["tracks"], one["bytes"]) for one in listed} == {("following", 7, 2_000_000)}
    assert "active" in call("models", "list").stdout


def test_nothing_stored_is_said(call: Call) -> None:
    assert json.loads(call("index", "list", "--json", "-").stdout) == []
    assert "./run.sh index build" in call("index", "list").stdout
    assert "./run.sh models train" in call("models", "list").stdout
