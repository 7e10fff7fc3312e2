"""The audit log: its contents, its omissions, its readers, and that nobody changes it from the pages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from segue.cli.main import app
from segue.clock import now
from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.people.audit import ACTIONS, BY, MOST_AN_HOUR, REASONS, Action, AuditLog, network_of
from segue.people.login_failures import LIMITS, of_operator_link
from segue.people.login_sessions import Listener
from segue.people.operator_links import PATH, OperatorLinks
from segue.privacy.holdings import held
from segue.privacy.leaving import forget
from segue.settings import Settings
from segue.storage.mongo import Document, OperationFailure
from segue.storage.store import Store
from tests.dashboard.conftest import Enter, whose

ADA = {"name": "Ada", "password": "correct horse"}
SECRET = "my secret passphrase"


def actions(services: Services) -> list[str]:
    """All actions, the oldest first."""
    return [one["action"] for one in services.store.database.audit_log.find().sort("_id", 1)]


def of_reason(services: Services, reason: str) -> list[Document]:
    return list(services.store.database.audit_log.find({"reason": reason}))


def test_an_account_cannot_fill_the_log(services: Services) -> None:
    """Somebody who logged in again and again added an entry each time, kept for half a year."""
    at = now()
    log = AuditLog(services.store, clock=lambda: at)
    for _ in range(MOST_AN_HOUR + 5):
        log.note("log-in", user_id="mallory")
    others: tuple[Action, ...] = ("log-in-refused", "log-out-everywhere")
    for other in others:
        log.note(other, user_id="mallory")
    log.note("log-in", user_id="ada")
    log.note("account-disabled", by="command", user_id="mallory")
    assert Counter(actions(services)) == {
        "log-in": MOST_AN_HOUR + 1,
        "log-in-refused": 1,
        "log-out-everywhere": 1,
        "account-disabled": 1,
    }
    at += timedelta(hours=1, seconds=1)
    log.note("log-in", user_id="mallory")
    assert Counter(actions(services))["log-in"] == MOST_AN_HOUR + 2


def test_log_ins_and_changed_passwords_have_entries(enter: Enter, services: Services) -> None:
    client = enter()
    assert client.post("/api/people/sign-up", json=ADA).status_code == 200
    me = whose(services, client).user_id
    told = {"password": ADA["password"], "new_password": "another horse"}
    assert client.post("/api/people/change-password", json=told).status_code == 200
    assert client.post("/api/people/change-password", json=told).status_code == 422
    assert client.get("/api/me/export").status_code == 503, "there is no Kafka"
    assert client.post("/api/people/log-out-everywhere").status_code == 200
    assert client.post("/api/people/log-in", json={**ADA, "password": "another horse"}).status_code == 200
    entries = AuditLog(services.store).newest(limit=9, user_id=me)
    assert sorted(one["action"] for one in entries) == [
        "log-in",
        "log-out-everywhere",
        "password-change-refused",
        "password-changed",
        "sign-up",
    ]
    assert {one["by"] for one in entries} == {"visitor"}


def test_a_refused_log_in_names_the_account_and_no_text_that_was_entered(
    enter: Enter, services: Services
) -> None:
    enter().post("/api/people/sign-up", json=ADA)
    client = enter()
    assert client.post("/api/people/log-in", json={**ADA, "password": SECRET}).status_code == 422
    assert client.post("/api/people/log-in", json={"name": SECRET, "password": SECRET}).status_code == 422
    (wrong,), (unknown,) = of_reason(services, "wrong password"), of_reason(services, "unknown name")
    account = services.store.database.accounts.find_one({"_id": "ada"})
    assert account is not None
    assert wrong["user_id"] == account["user_id"]
    assert "user_id" not in unknown
    assert SECRET not in str(list(services.store.database.audit_log.find()))
    assert ADA["name"] not in str(list(services.store.database.audit_log.find()))


def test_a_disabled_account_that_is_tried_has_an_entry(enter: Enter, services: Services) -> None:
    enter().post("/api/people/sign-up", json=ADA)
    services.store.database.accounts.update_one({}, {"$set": {"disabled_at": services.audit._clock()}})
    assert enter().post("/api/people/log-in", json=ADA).status_code == 422
    assert len(of_reason(services, "disabled")) == 1


def test_guesses_do_not_fill_the_log(enter: Enter, services: Services) -> None:
    enter().post("/api/people/sign-up", json=ADA)
    client = enter()
    for _ in range(LIMITS["name-at"] + 5):
        client.post("/api/people/log-in", json={**ADA, "password": SECRET})
    assert len(of_reason(services, "wrong password")) == LIMITS["name-at"]
    assert len(of_reason(services, "too many attempts")) == 1
    for _ in range(LIMITS["operator-link"] + 5):
        assert client.get(PATH, params={"code": "x"}, follow_redirects=False).status_code == 403
    assert actions(services).count("operator-link-refused") == LIMITS["operator-link"]
    for _ in range(5):  # a guest
        client.post("/api/people/log-out-everywhere")
    assert "log-out-everywhere" not in actions(services)


def test_a_link_for_operators_has_an_entry_when_it_is_used(enter: Enter, services: Services) -> None:
    client, code = enter(), OperatorLinks(services.store).create()
    before = whose(services, client).user_id
    client.get(PATH, params={"code": code}, follow_redirects=False)
    (entry,) = AuditLog(services.store).newest(limit=9)
    assert (entry["action"], entry.get("user_id")) == ("operator-link-used", before)
    assert code not in str(entry)
    assert of_operator_link("::1") != of_operator_link("::2:0:0:0:1")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", ""),
        ("unknown", ""),
        ("<script>", ""),
    ],
)
def test_of_an_address_an_entry_has_the_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_who_leaves_stays_as_an_id_that_nothing_names(enter: Enter, services: Services) -> None:
    client = enter()
    client.post("/api/people/sign-up", json=ADA)
    me, store = whose(services, client).user_id, services.store
    services.audit.note("log-in", by="command", user_id=me)
    exported = dict(held(store, me))[AuditLog.name]
    assert sorted(one["action"] for one in exported) == ["log-in", "sign-up"]
    assert not any("system_user" in one for one in exported)
    removed = forget(store, me, plays_kept=timedelta(days=1))
    assert AuditLog.name not in removed
    assert [one["action"] for one in AuditLog(store).newest(limit=9, user_id=me)] == ["log-in", "sign-up"]
    names = {name for name in store.collection_names() if me in str(list(store.database[name].find()))}
    assert names == {AuditLog.name, "forgotten"}, "the latter for two minutes"
    assert "Ada" not in str(list(store.database.audit_log.find()))


def test_entries_expire_by_the_setting(services: Services, settings: Settings) -> None:
    log = AuditLog(services.store)
    log.keep(settings.retention.audit)
    kept = log.documents.index_information()["at_1"]
    assert kept["expireAfterSeconds"] == settings.retention.audit.total_seconds() == 180 * 86_400
    log.keep(timedelta(days=30))
    assert log.documents.index_information()["at_1"]["expireAfterSeconds"] == 30 * 86_400


def test_every_action_and_reason_has_words() -> None:
    assert all(ACTIONS.values())
    assert all(REASONS.values())
    assert set(BY) == {"visitor", "app", "command"}


Call = Callable[..., Result]


@pytest.fixture
def call(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("SEGUE_MONGO__URI", settings.mongo.uri)
    monkeypatch.setenv("SEGUE_MONGO__DATABASE", settings.mongo.database)
    return lambda *arguments, given="": CliRunner().invoke(app, list(arguments), input=given)


def test_commands_on_accounts_have_entries(call: Call, store: Store) -> None:
    call("account", "create", "Ada", "--password-stdin", given="correct horse\n")
    for verb in ("set-password", "reset", "log-out", "disable", "enable", "delete"):
        yes = ["--yes"] if verb in ("reset", "disable", "delete") else []
        done = call("account", verb, "Ada", *yes, given="battery staple\n")
        assert done.exit_code == 0, done.stderr
    assert call("account", "operator-link").exit_code == 0
    listed = json.loads(call("audit", "list", "--json", "-").stdout)
    assert [one["action"] for one in reversed(listed)] == [
        "account-created",
        "password-changed",
        "password-changed",
        "log-out-everywhere",
        "account-disabled",
        "account-enabled",
        "account-deleted",
        "operator-link-created",
    ]
    assert {one["by"] for one in listed} == {"command"}
    assert all(one["system_user"] for one in listed)
    assert len(json.loads(call("audit", "list", "--limit", "2", "--json", "-").stdout)) == 2


def test_commands_on_imports_and_the_library_have_entries(call: Call, store: Store, tmp_path: Path) -> None:
    call("account", "create", "Ada", "--password-stdin", given="correct horse\n")
    listen = {"listened_at": 1_600_000_000, "track_metadata": {"track_name": "T", "artist_name": "A"}}
    (tmp_path / "listens.jsonl").write_text(json.dumps(listen) + "\n")
    for command in (
        ["history", "import", "Ada", str(tmp_path / "listens.jsonl")],
        ["history", "undo", "Ada", "1", "--yes"],
        ["library", "forget", "--yes"],
    ):
        done = call(*command)
        assert done.exit_code == 0, done.stderr
    entries = AuditLog(store).newest(limit=9)
    assert [one["action"] for one in reversed(entries)] == [
        "account-created",
        "history-imported",
        "import-undone",
        "tracks-forgotten",
    ]
    assert [("user_id" in one) for one in reversed(entries)] == [True, True, True, False]


def test_a_command_goes_on_where_its_user_may_not_add_entries(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = AuditLog(store)

    def refused(*_: object, **__: object) -> None:
        raise OperationFailure("not authorized", 13)

    monkeypatch.setattr(log, "note", refused)
    log.note_of_library("library-updated")
    assert "access create" in caplog.text


def test_the_log_is_listed_by_account_and_by_refusals(call: Call, store: Store) -> None:
    call("account", "create", "Ada", "--password-stdin", given="correct horse\n")
    AuditLog(store).note("log-in-refused", address="203.0.113.7", reason="unknown name")
    (own,) = json.loads(call("audit", "list", "--account", "ada", "--json", "-").stdout)
    assert (own["action"], own["name"]) == ("account-created", "Ada")
    (refused,) = json.loads(call("audit", "list", "--refused", "--json", "-").stdout)
    assert (refused["network"], refused["reason"]) == ("203.0.113.0/24", "unknown name")
    shown = call("audit", "list").stdout
    assert "Created an" in shown
    assert "2 entries" in shown
    nobody = call("audit", "list", "--account", "nobody")
    assert (nobody.exit_code, nobody.stderr.count("\n")) == (1, 1)


@pytest.fixture
def visited(services: Services, monkeypatch: pytest.MonkeyPatch) -> Database[Document]:
    monkeypatch.setattr(visit, "services", lambda: services)
    monkeypatch.setattr(visit, "listener", lambda: Listener("ada", "Ada", "s"))
    return services.store.database


def page() -> AppTest:
    at = AppTest.from_string("from segue.dashboard.views import audit\naudit.show()\n", default_timeout=600)
    at.run()
    assert not at.exception, at.exception
    return at


def test_operators_read_the_log(visited: Database[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "operator", lambda: True)
    log = AuditLog(Store(visited))
    assert "no entries" in page().info[0].value
    account = visit.services().authenticator.create("Ada", "correct horse")
    log.note("log-in", user_id=account.user_id, address="203.0.113.7")
    log.note("log-in-refused", user_id="user-gone", reason="wrong password")
    log.note("backup-created", by="command")
    at = page()
    table = at.dataframe[0].value
    assert set(table["about"]) == {"Ada", "user-gone", ""}
    assert "Log-in refused: wrong password" in set(table["what"])
    before = list(visited.audit_log.find())
    at.toggle(key="audit-refused").set_value(True).run()
    assert at.dataframe[0].value["about"].to_list() == ["user-gone"]
    assert not at.button, "nothing here changes anything"
    assert list(visited.audit_log.find()) == before


def test_nobody_else_reads_it(visited: Database[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    AuditLog(Store(visited)).note("log-in", user_id="user-1")
    monkeypatch.setattr(visit, "operator", lambda: False)
    at = page()
    assert not at.dataframe
    assert "operators" in at.info[0].value


def test_a_long_log_is_shown_in_parts(visited: Database[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "operator", lambda: True)
    log = AuditLog(Store(visited))
    for _ in range(120):
        log.note("log-in")
    at = page()
    assert len(at.dataframe[0].value) == 100
    at.button[0].click().run()
    assert len(at.dataframe[0].value) == 120
    assert not at.button
