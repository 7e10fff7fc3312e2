"""Access to the API: passwords, tokens and API keys."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from segue.dashboard.opensubsonic.routes import NAMES
from segue.dashboard.opensubsonic.server import Server
from segue.dashboard.services import Services
from segue.people.accounts import Account, Accounts
from segue.people.app_passwords import MOST, AppPasswords
from segue.people.login_failures import LIMITS
from segue.people.login_sessions import COOKIE
from segue.people.secret_box import SecretBox
from tests.opensubsonic.conftest import PASSWORD, App, app_of

pytestmark = pytest.mark.integration


def code(web: TestClient, **parameters: Any) -> int | None:
    """The code of the error of a ping; None for none."""
    response = web.get("/rest/ping.view", params={"v": "1.16.1", "c": "tests", "f": "json", **parameters})
    assert response.status_code == 200
    error = response.json()["subsonic-response"].get("error")
    return error["code"] if error else None


def token(password: str, salt: str) -> str:
    return hashlib.md5((password + salt).encode()).hexdigest()


def test_the_password_of_the_account(ada: App, web: TestClient) -> None:
    password = f"{PASSWORD}-Ada"
    assert code(web, u="Ada", p=password) is None
    assert code(web, u="ada", p="enc:" + password.encode().hex()) is None
    assert code(web, u="Ada", p="wrong") == 40
    assert code(web, u="Nobody", p=password) == 40
    assert code(web, u="Ada") == 10
    assert code(web, p=password) == 10


def test_a_changed_password_is_refused_at_once(ada: App, services: Services, web: TestClient) -> None:
    old = f"{PASSWORD}-Ada"
    assert code(web, u="Ada", p=old) is None
    services.authenticator.set_password(ada.account, "another-password")
    assert code(web, u="Ada", p=old) == 40
    assert code(web, u="Ada", p="another-password") is None


def test_a_disabled_account_is_refused_at_once(ada: App, services: Services, web: TestClient) -> None:
    assert code(web, u="Ada", p=f"{PASSWORD}-Ada") is None
    own = ada.app_password
    ways = ({"apiKey": own}, {"u": "Ada", "p": own}, {"u": "Ada", "t": token(own, "s"), "s": "s"})
    assert [code(web, **way) for way in ways] == [None, None, None]
    Accounts(services.store).disable("Ada")
    assert code(web, u="Ada", p=f"{PASSWORD}-Ada") == 40
    # The command also revokes the app passwords, unless it is interrupted.
    assert [code(web, **way) for way in ways] == [44, 40, 40]


def test_an_app_password_in_each_way(ada: App, ben: App, web: TestClient) -> None:
    own = ada.app_password
    assert code(web, apiKey=own) is None
    assert code(web, u="Ada", p=own) is None
    assert code(web, u="Ada", t=token(own, "a1b2c3"), s="a1b2c3") is None
    assert code(web, u="ada", t=token(own, "a1b2c3").upper(), s="a1b2c3") is None
    assert code(web, u="Ada", t=token(own, "ä"), s="ä") is None
    assert code(web, u="Ben", t=token(own, "a1b2c3"), s="a1b2c3") == 40
    assert code(web, u="Ben", p=own) == 40
    assert code(web, u="Ada", t=token(own, "a1b2c3"), s="other") == 40
    assert code(web, u="Ada", t=token(f"{PASSWORD}-Ada", "s"), s="s") == 40


def test_refused_apps_and_log_ins_by_the_password_are_in_the_audit_log(
    ada: App, services: Services, web: TestClient
) -> None:
    own = ada.app_password
    for _ in range(3):  # an app sends its credentials with each call
        assert code(web, u="Ada", p=f"{PASSWORD}-Ada") is None
        assert code(web, apiKey=own) is None
    assert code(web, u="Ada", p="wrong") == 40
    assert code(web, u="Ada", t=token("wrong", "s"), s="s") == 40
    assert code(web, apiKey="bad") == 44
    entries = list(services.store.database.audit_log.find({"by": "app"}).sort("_id", 1))
    assert [(one["action"], one.get("user_id"), one.get("reason")) for one in entries] == [
        ("log-in", ada.account.user_id, None),
        ("log-in-refused", ada.account.user_id, "wrong password"),
        ("log-in-refused", ada.account.user_id, "wrong app password"),
        ("log-in-refused", None, "wrong app password"),
    ]
    assert own not in str(entries)


def test_mechanisms_that_contradict_each_other(ada: App, web: TestClient) -> None:
    own = ada.app_password
    assert code(web, apiKey=own, u="Ada") == 43
    assert code(web, apiKey=own, t="x") == 43
    assert code(web, apiKey="bad") == 44
    assert code(web, apiKey="") == 44
    assert code(web, u="Ada", t="x") == 10
    assert code(web, u="Ada", t="x", s="y", p="z") == 43


def test_a_token_of_a_password_in_utf_8(ada: App, services: Services, web: TestClient) -> None:
    """Segue chooses app passwords, without such letters; the check is the protocol's all the same."""
    word, passwords = "pässwörd", services.store.database.app_passwords
    box = SecretBox(Path(services.settings.opensubsonic.key_file))
    passwords.update_one({"user_id": ada.account.user_id}, {"$set": {"encrypted": box.close(word)}})
    made = "4d5641d76310a80be9165c140009a8c1"
    assert code(web, u="Ada", t=made, s="a1b2c3d4") is None
    assert code(web, u="Ada", t=made.upper(), s="a1b2c3d4") is None
    assert code(web, u="Ada", t=made, s="A1B2C3D4") == 40


def test_every_endpoint_but_one_checks_the_credentials(ada: App, web: TestClient) -> None:
    own = {"v": "1.16.1", "c": "tests"}
    for name in sorted(NAMES - {"getOpenSubsonicExtensions"}):
        for sent, expected in (({"u": "Ada", "p": "wrong"}, 40), ({}, 10), ({"apiKey": "bad"}, (40, 44))):
            for ending in ("", ".view"):
                response = web.get(f"/rest/{name}{ending}", params={**own, **sent, "f": "json"})
                body = response.json()["subsonic-response"]
                assert (response.status_code, body["status"], body["openSubsonic"]) == (200, "failed", True)
                allowed = expected if isinstance(expected, tuple) else (expected,)
                assert body["error"]["code"] in allowed, name
        response = web.get(f"/rest/{name}", params={**own, "u": "Ada", "p": "wrong"})
        assert response.headers["content-type"].startswith("text/xml")
        root = ElementTree.fromstring(response.content)
        error = root.find("{*}error")
        assert error is not None
        assert (root.get("status"), error.get("code")) == ("failed", "40"), name
    assert web.get("/rest/getOpenSubsonicExtensions").status_code == 200


def test_without_the_key_of_app_passwords_tokens_cannot_be_checked(
    ada: App, services: Services, web: TestClient
) -> None:
    """The app was told of an error of the server; now it is told to log in in another way."""
    other = SecretBox(Path(services.settings.opensubsonic.key_file).with_name("former.key"))
    change = {"$set": {"encrypted": other.close(ada.app_password)}}
    services.store.database.app_passwords.update_many({}, change)
    assert code(web, u="Ada", t=token(ada.app_password, "s"), s="s") == 41
    assert code(web, u="Ada", p=ada.app_password) is None
    for _ in range(LIMITS["app"] - 1):
        assert code(web, u="Ada", t="x", s="y") == 41
    assert code(web, u="Ada", t="x", s="y") == 40, "and guesses are limited"


def test_a_token_needs_an_app_password(services: Services, web: TestClient) -> None:
    services.authenticator.create("Cleo", "a-password-of-cleo")
    assert code(web, u="Cleo", t=token("a-password-of-cleo", "s"), s="s") == 41


def test_the_answer_to_a_token_does_not_tell_which_accounts_there_are(
    services: Services, web: TestClient
) -> None:
    """An account without an app password had an answer of its own."""
    credentials = Server(services).credentials
    names = [f"nobody-{number}" for number in range(200)]
    seeming = {name: credentials._seems_without(name) for name in names}
    assert set(seeming.values()) == {True, False}
    for name in names[:5] * 2:
        assert code(web, u=name.upper(), t="x", s="y") == (41 if seeming[name] else 40)


def test_asking_for_names_is_throttled(services: Services, web: TestClient) -> None:
    services.authenticator.create("Cleo", "a-password-of-cleo")
    for _ in range(LIMITS["app"]):
        assert code(web, u="Cleo", t="x", s="y") == 41
    assert code(web, u="Cleo", t="x", s="y") == 40
    assert code(web, u="Cleo", p="a-password-of-cleo") is None, "and nobody is locked out"


def test_a_revoked_app_password_opens_nothing(ada: App, services: Services, web: TestClient) -> None:
    passwords = AppPasswords(services.store)
    (one,) = passwords.of(ada.account.user_id)
    assert (one.device, one.last_client) == ("phone", None)
    assert code(web, apiKey=ada.app_password) is None
    (used,) = passwords.of(ada.account.user_id)
    assert used.last_client == "tests"
    assert used.last_used_at is not None
    assert passwords.revoke(ada.account.user_id, one.password_id)
    assert code(web, apiKey=ada.app_password) == 44
    assert not passwords.revoke(ada.account.user_id, one.password_id)


def test_the_database_has_no_app_password(ada: App, services: Services) -> None:
    stored = str(list(services.store.database.app_passwords.find()))
    assert ada.app_password not in stored
    assert hashlib.sha256(ada.app_password.encode()).hexdigest() not in stored


def test_guesses_are_throttled_across_all_ways(ada: App, web: TestClient) -> None:
    for guess in range(LIMITS["name-at"]):
        assert (
            code(web, **({"u": "Ada", "p": f"no-{guess}"} if guess % 2 else {"u": "Ada", "t": "x", "s": "y"}))
            == 40
        )
    right = {"u": "Ada", "t": token(ada.app_password, "s"), "s": "s"}
    assert code(web, **right) == 40  # even the right one, until the quarter of an hour is over
    assert code(web, apiKey=ada.app_password) is None  # its address has not been used up


def test_the_cookie_of_the_pages_opens_nothing(ada: App, services: Services, web: TestClient) -> None:
    session = services.login_sessions.open(user_id=ada.account.user_id, name="Ada")
    web.cookies.set(COOKIE, session)
    assert code(web) == 10
    assert code(web, u="Ada") == 10
    web.cookies.clear()


def test_extensions_need_no_login(web: TestClient) -> None:
    for form in ("json", "xml"):
        response = web.get("/rest/getOpenSubsonicExtensions", params={"f": form})
        assert response.status_code == 200
        assert "playbackReport" in response.text
    found = web.get("/rest/getOpenSubsonicExtensions?f=json").json()["subsonic-response"]
    assert all(one["versions"] == [1] for one in found["openSubsonicExtensions"])


def test_parameters_come_from_address_and_body(ada: App, web: TestClient) -> None:
    form = {"apiKey": ada.app_password, "c": "x", "v": "1.16.1", "f": "json"}
    assert web.post("/rest/ping.view", data=form).json()["subsonic-response"]["status"] == "ok"
    mixed = web.post("/rest/ping", params={"apiKey": ada.app_password}, data={**form, "apiKey": []})
    assert mixed.json()["subsonic-response"]["status"] == "ok"


def test_an_app_that_is_named_in_the_form_only(ada: App, services: Services, web: TestClient) -> None:
    """Its plays were those of an app "unknown"."""
    web.post(
        "/rest/ping", params={"apiKey": ada.app_password, "f": "json"}, data={"c": "tests", "v": "1.16.1"}
    )
    (used,) = AppPasswords(services.store).of(ada.account.user_id)
    assert used.last_client == "tests"


@pytest.mark.parametrize("missing", ["v", "c"])
@pytest.mark.parametrize("instead", [None, "", " "])
def test_every_call_names_the_app_and_its_version(
    ada: App, web: TestClient, missing: str, instead: str | None
) -> None:
    sent = {key: value for key, value in ada.parameters().items() if key != missing}
    if instead is not None:
        sent[missing] = instead
    for name in sorted(NAMES - {"getOpenSubsonicExtensions"}):
        error = web.get(f"/rest/{name}", params=sent).json()["subsonic-response"]["error"]
        assert (error["code"], f"parameter {missing} " in error["message"]) == (10, True), name
    wrong = web.get("/rest/ping", params={**sent, "apiKey": "bad"}).json()["subsonic-response"]
    assert wrong["error"]["code"] == 44


def test_nobody_sees_the_account_of_another(ada: App, ben: App, services: Services) -> None:
    assert ada.get("getUser", username="ada")["user"]["username"] == "Ada"
    assert ada.fail("getUser", username="Ben") == 50
    assert ada.fail("getUsers") == 50
    assert ada.fail("startScan") == 50
    assert ada.fail("changePassword", username="Ben", password="a-new-password") == 50
    assert ada.fail("changePassword", username="Ada", password="a-new-password") == 50  # by an app password
    assert Accounts(services.store).named("Ada") is not None
    own = {
        "u": "Ada",
        "p": f"{PASSWORD}-Ada",
        "f": "json",
        "c": "x",
        "v": "1.16.1",
        "username": "Ada",
    }
    session = services.login_sessions.open(user_id=ada.account.user_id, name="Ada")
    changed = ada.web.get("/rest/changePassword", params={**own, "password": "a-new-password"})
    assert changed.json()["subsonic-response"]["status"] == "ok"
    assert code(ada.web, u="Ada", p="a-new-password") is None
    assert services.login_sessions.find(session) is None


def test_of_two_changes_of_a_password_at_once_the_first_is_made(
    ada: App, services: Services, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = services.authenticator.set_password

    def after_another(account: Account, password: str, **given: Any) -> None:
        change(account, "chosen-by-ada-meanwhile")
        change(account, password, **given)

    monkeypatch.setattr(services.authenticator, "set_password", after_another)
    own = {"u": "Ada", "p": f"{PASSWORD}-Ada", "f": "json", "c": "x", "v": "1.16.1", "username": "Ada"}
    changed = web.get("/rest/changePassword", params={**own, "password": "chosen-by-a-thief"})
    assert changed.json()["subsonic-response"]["status"] == "failed"
    assert code(web, u="Ada", p="chosen-by-a-thief") == 40
    assert code(web, u="Ada", p="chosen-by-ada-meanwhile") is None


def test_a_namesake_at_an_identity_provider_keeps_nobodys_app_out(
    ada: App, services: Services, web: TestClient
) -> None:
    passwords, box = AppPasswords(services.store), SecretBox(Path(services.settings.opensubsonic.key_file))
    passwords.revoke_all(ada.account.user_id)
    theirs = [passwords.create("oidc-1", "Ada", device=f"phone {place}", box=box) for place in range(MOST)]
    own = passwords.create(ada.account.user_id, "Ada", device="phone", box=box)
    for password in (own, theirs[0], theirs[-1]):
        assert code(web, u="Ada", t=token(password, "s"), s="s") is None


def test_an_app_password_of_each_device(ada: App, services: Services, web: TestClient) -> None:
    other = app_of(services, web, "Dora")
    assert other.app_password != ada.app_password
    assert len(AppPasswords(services.store).of(ada.account.user_id)) == 1
