"""Signing up, logging in, guests; and the answers to people who guess passwords or steal cookies."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from pymongo.database import Database
from starlette.testclient import TestClient

from segue.clock import now
from segue.dashboard import visit
from segue.dashboard.services import Services
from segue.dashboard.views import account as account_view
from segue.people import authentication, login_sessions
from segue.people.accounts import Account, Accounts
from segue.people.audit import Action
from segue.people.authentication import AccountError, Authenticator, TooManyGuesses
from segue.people.browsers import browser_of
from segue.people.forgotten import MARGIN, Forgotten
from segue.people.handovers import GOOD_FOR, Handovers, account_of
from segue.people.login_failures import LIMITS, WINDOW, LoginFailures, of_sign_up, sources
from segue.people.login_sessions import COOKIE, LIFETIME, Listener, LoginSessions
from segue.privacy.leaving import CONFIRMATION
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import Enter, whose
from tests.passwords import SERVED

ADA = {"name": "Ada", "password": "correct horse"}


def sign_up(client: TestClient, **changed: str) -> int:
    return int(client.post("/api/people/sign-up", json={**ADA, **changed}).status_code)


def log_in(client: TestClient, **changed: str) -> int:
    return int(client.post("/api/people/log-in", json={**ADA, **changed}).status_code)


def test_a_page_comes_with_a_guests_session(enter: Enter, services: Services) -> None:
    client = enter()
    guest = whose(services, client)
    assert guest.name is None
    again = client.get("/", headers={"accept": "text/html"})
    assert "set-cookie" not in again.headers
    assert whose(services, client) == guest


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(enter: Enter) -> None:
    client = enter()
    client.cookies.clear()
    cookie = client.get("/", headers={"accept": "text/html"}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    client.cookies.clear()
    page = client.get("https://testserver/", headers={"accept": "text/html"})
    assert "secure" in page.headers["set-cookie"].lower()


@pytest.mark.parametrize("path", ["/api/upcoming", "/static/x.js", "/_stcore/health"])
def test_only_pages_open_sessions(enter: Enter, path: str) -> None:
    client = enter()
    client.cookies.clear()
    assert "set-cookie" not in client.get(path, headers={"accept": "text/html"}).headers


def test_signing_up_keeps_the_plays_of_the_guest(enter: Enter, services: Services) -> None:
    client = enter()
    guest = whose(services, client)
    assert sign_up(client) == 200
    me = whose(services, client)
    assert (me.user_id, me.name) == (guest.user_id, "Ada")
    other = enter()
    assert log_in(other, name=" ada ") == 200
    assert whose(services, other).user_id == guest.user_id


def change(client: TestClient, password: str, new: str) -> int:
    told = {"password": password, "new_password": new}
    return int(client.post("/api/people/change-password", json=told).status_code)


def test_a_changed_password_ends_all_other_sessions(enter: Enter, services: Services) -> None:
    client, phone, thief = enter(), enter(), enter()
    assert (sign_up(client), log_in(phone)) == (200, 200)
    old = client.cookies.get(COOKIE)
    assert change(client, ADA["password"], "another horse") == 200
    assert whose(services, client).name == "Ada"
    assert services.login_sessions.find(old) is None
    assert services.login_sessions.find(phone.cookies.get(COOKIE)) is None
    assert log_in(thief) == 422
    assert log_in(phone, password="another horse") == 200


def test_only_who_knows_the_password_changes_it(enter: Enter, services: Services) -> None:
    client = enter()
    guest = enter()
    assert sign_up(client) == 200
    assert change(client, "wrong horse", "another horse") == 422
    assert change(client, ADA["password"], "short") == 422
    assert change(guest, ADA["password"], "another horse") == 422
    assert client.post("/api/people/change-password", json={"password": "x"}).status_code == 400
    foreign = {"origin": "https://evil.example"}
    told = {"password": ADA["password"], "new_password": "another horse"}
    assert client.post("/api/people/change-password", json=told, headers=foreign).status_code == 403
    client.cookies.clear()
    assert change(client, ADA["password"], "another horse") == 401
    assert log_in(client) == 200


def test_passwords_cannot_be_guessed_by_changing_them(enter: Enter) -> None:
    client = enter()
    assert sign_up(client) == 200
    guesses = [change(client, f"guess {number}", "another horse") for number in range(LIMITS["name-at"] + 1)]
    assert guesses == [422] * LIMITS["name-at"] + [429]


def test_logging_out_everywhere_ends_every_session(enter: Enter, services: Services) -> None:
    client, phone, other = enter(), enter(), enter()
    assert (sign_up(client), log_in(phone), sign_up(other, name="Ben")) == (200, 200, 200)
    assert client.post("/api/people/log-out-everywhere").status_code == 200
    assert whose(services, client).name is None
    assert services.login_sessions.find(phone.cookies.get(COOKIE)) is None
    assert whose(services, other).name == "Ben"


SURE = {"confirm": CONFIRMATION}


@pytest.mark.parametrize("password", [None, "", "wrong horse", 7, ["correct horse"]])
def test_only_who_knows_the_password_removes_an_account(
    enter: Enter, services: Services, password: object
) -> None:
    """Somebody at an open browser, or with a stolen cookie, removed everything."""
    client = enter()
    assert sign_up(client) == 200
    me = whose(services, client).user_id
    told = SURE if password is None else {**SURE, "password": password}
    answer = client.post("/api/me/leave", json=told)
    assert (answer.status_code, "password" in answer.json()["error"]) == (422, True)
    assert Accounts(services.store).of(me) == Account(me, "Ada")
    assert whose(services, client).user_id == me
    (entry,) = services.store.database.audit_log.find({"action": "removal-refused"})
    assert (entry["user_id"], entry["reason"]) == (me, "wrong password")


def test_a_session_from_before_the_sign_up_removes_no_account(enter: Enter, services: Services) -> None:
    client, other = enter(), enter()
    other.cookies.clear()
    other.cookies.set(COOKIE, services.login_sessions.open(user_id=whose(services, client).user_id))
    assert sign_up(client) == 200
    assert whose(services, other).name is None
    assert other.post("/api/me/leave", json=SURE).status_code == 422


def test_passwords_cannot_be_guessed_by_leaving(enter: Enter) -> None:
    client = enter()
    assert sign_up(client) == 200
    guesses = [
        client.post("/api/me/leave", json={**SURE, "password": f"guess {number}"}).status_code
        for number in range(LIMITS["device"] + 1)
    ]
    assert guesses == [422] * LIMITS["device"] + [429]


WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (WINDOWS, "Firefox, Windows"),
        (ANDROID, "Chrome, Android"),
        (f"{ANDROID} EdgA/140.0", "Edge, Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari, iPhone",
        ),
        ("<b>curl</b>/8", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_of_a_browsers_header_a_known_name_is_kept(header: str | None, name: str) -> None:
    assert browser_of(header) == name


def test_the_sessions_of_an_account_are_listed_and_ended(enter: Enter, services: Services) -> None:
    client, phone, tablet, other = enter(), enter(), enter(), enter()
    client.headers["user-agent"], phone.headers["user-agent"] = WINDOWS, ANDROID
    assert (sign_up(client), log_in(phone), log_in(tablet), sign_up(other, name="Ben")) == (200,) * 4
    sessions, me = services.login_sessions, whose(services, client)
    listed = {one.session_id: one.browser for one in sessions.of(me.user_id)}
    assert sorted(listed.values()) == ["", "Chrome, Android", "Firefox, Windows"]
    assert listed[me.session_id] == "Firefox, Windows"
    there = whose(services, phone).session_id
    ben = whose(services, other)
    assert not sessions.end(ben.user_id, there), "somebody else's"
    assert not any(sessions.end(me.user_id, one) for one in ("", ".*", there.swapcase() + "0"))
    assert sessions.end(me.user_id, there)
    assert sessions.find(phone.cookies.get(COOKIE)) is None
    assert log_in(phone) == 200
    assert sessions.end_others(me.user_id, me.session_id) == 2
    assert [one.session_id for one in sessions.of(me.user_id)] == [me.session_id]
    assert whose(services, client) == me
    assert whose(services, other) == ben


def test_a_session_knows_to_the_hour_when_it_was_used(services: Services) -> None:
    token = services.login_sessions.open(user_id="ada", name="Ada")
    began = services.login_sessions.of("ada")[0].seen_at
    soon = LoginSessions(services.store, clock=lambda: began + timedelta(minutes=59))
    later = LoginSessions(services.store, clock=lambda: began + timedelta(hours=3))
    assert soon.find(token)
    assert soon.of("ada")[0].seen_at == began
    assert later.find(token)
    assert later.of("ada")[0].seen_at == began + timedelta(hours=3)


def test_a_guest_that_became_somebody_does_not_become_another_too(enter: Enter, services: Services) -> None:
    client = enter()
    guest = whose(services, client)
    token = client.cookies.get(COOKIE)
    services.login_sessions.open(user_id=guest.user_id)
    assert sign_up(client) == 200
    account = services.authenticator.sign_up("Ben", "another horse", guest_id=guest.user_id, address="x")
    assert account.user_id != guest.user_id
    assert services.login_sessions.find(token) is None


def test_a_session_planted_before_is_worth_nothing_after(enter: Enter, services: Services) -> None:
    client = enter()
    sign_up(client)
    before = client.cookies.get(COOKIE)
    log_in(client)
    assert client.cookies.get(COOKIE) != before
    assert services.login_sessions.find(before) is None


def test_logging_out_ends_the_session_and_begins_a_guests(enter: Enter, services: Services) -> None:
    client = enter()
    sign_up(client)
    token, me = client.cookies.get(COOKIE), whose(services, client)
    assert client.post("/api/people/log-out").status_code == 200
    assert services.login_sessions.find(token) is None
    assert whose(services, client).name is None
    assert whose(services, client).user_id != me.user_id


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "a"},
        {"name": "<b>Ada"},
        {"name": "A" * 33},
        {"name": "   "},
        {"password": "short"},
        {"password": "x" * 257},
    ],
)
def test_an_unsuitable_name_or_password_is_reported(enter: Enter, changed: dict[str, str]) -> None:
    answer = enter().post("/api/people/sign-up", json={**ADA, **changed})
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")


def test_a_taken_name_is_taken_in_any_case(enter: Enter) -> None:
    assert sign_up(enter()) == 200
    assert sign_up(enter(), name="ADA") == 422


def test_an_unknown_name_and_a_wrong_password_are_answered_alike(enter: Enter) -> None:
    sign_up(enter())
    wrong = enter().post("/api/people/log-in", json={**ADA, "password": "wrong horse"})
    unknown = enter().post("/api/people/log-in", json={**ADA, "name": "Nobody"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())


def test_guesses_are_throttled_and_forgotten_after_a_while(enter: Enter, services: Services) -> None:
    sign_up(enter())
    guesser = enter()
    for _ in range(LIMITS["name-at"]):
        assert log_in(guesser, password="wrong horse") == 422
    assert log_in(guesser) == 429
    assert log_in(guesser, name="Ben") == 422
    later = LoginFailures(services.store, clock=lambda: now() + WINDOW)
    account = Authenticator(services.store, failures=later).log_in("Ada", ADA["password"], address="x")
    assert account.name == "Ada"


def guesses(services: Services, number: int, *, address: str = "1.2.3.4") -> Counter[str]:
    """The answers to so many wrong passwords at the same time."""

    def guess(one: int) -> str:
        try:
            services.authenticator.log_in("Ada", f"guess {one}", address=address)
        except AccountError as error:
            return type(error).__name__
        return "right"

    with ThreadPoolExecutor(number) as pool:
        return Counter(pool.map(guess, range(number)))


def test_many_guesses_at_once_are_no_more_than_one_after_the_other(enter: Enter, services: Services) -> None:
    sign_up(enter())
    checked = Counter[str]()
    for _ in range(4):
        checked += guesses(services, 20)
    assert checked["AccountError"] == LIMITS["name-at"]
    assert set(checked) <= {"AccountError", "TooManyGuesses", "Busy"}


def test_guesses_elsewhere_lock_nobody_out(enter: Enter, services: Services) -> None:
    owner = enter()
    sign_up(owner)
    for number in range(LIMITS["name"] // LIMITS["name-at"]):
        guesses(services, LIMITS["name-at"] + 2, address=f"10.0.0.{number}")
    owner.post("/api/people/log-out")
    assert log_in(owner) == 200, "the browser has logged in before"


def test_guesses_at_home_lock_no_known_browser_out(enter: Enter) -> None:
    owner, guesser = enter(), enter()
    sign_up(owner)
    for _ in range(LIMITS["name-at"] + 1):
        log_in(guesser, password="wrong horse")
    assert (log_in(guesser), log_in(owner)) == (429, 200)
    for _ in range(LIMITS["device"]):
        assert log_in(owner, password="wrong horse") == 422
    assert log_in(owner) == 429, "and it has no more attempts than others"


def test_a_right_password_uses_no_attempt_up(enter: Enter) -> None:
    sign_up(enter())
    for _ in range(LIMITS["address"] + 1):
        assert log_in(enter()) == 200


def test_somebody_elses_device_is_not_a_known_one(enter: Enter, services: Services) -> None:
    owner, other = enter(), enter()
    assert (sign_up(owner), sign_up(other, name="Ben")) == (200, 200)
    for _ in range(LIMITS["name-at"]):
        assert log_in(other, password="wrong horse") == 422
    assert log_in(other) == 429


def test_a_shared_browser_has_no_more_attempts_at_one_account_by_another(enter: Enter) -> None:
    browser = enter()
    assert (sign_up(browser), sign_up(browser, name="Ben")) == (200, 200)
    for number in range(LIMITS["device"]):
        assert log_in(browser, password="wrong horse") == 422
        if number % 4 == 3:
            assert log_in(browser, name="Ben") == 200
    assert log_in(browser, password="wrong horse") == 429
    assert log_in(browser, name="Ben") == 200


def test_an_account_has_a_limited_number_of_sessions(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that logged in again and again, and kept no cookie, stored a session each time."""
    monkeypatch.setattr(login_sessions, "MOST_OPEN", 3)
    times = (now() + timedelta(seconds=number) for number in itertools.count())
    sessions = LoginSessions(Store(database), clock=lambda: next(times))
    ben = sessions.open(user_id="ben", name="Ben")
    tokens = [sessions.open(user_id="ada", name="Ada") for _ in range(5)]
    assert [sessions.find(token) is not None for token in tokens] == [False, False, True, True, True]
    assert sessions.find(ben)


def test_a_crowd_that_logs_in_leaves_threads_to_the_pages(enter: Enter, services: Services) -> None:
    sign_up(enter())
    held = [authentication._ADMITTED.acquire(blocking=False) for _ in range(100)]
    try:
        for form in ("log-in", "sign-up"):  # a new password takes time, too: it is judged
            answer = enter().post(f"/api/people/{form}", json={"name": "Ben", "password": "x" * 9})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), form
    finally:
        for _ in range(held.count(True)):
            authentication._ADMITTED.release()
    assert log_in(enter()) == 200


@pytest.mark.parametrize("done", ["changed", "disabled", "deleted"])
def test_a_log_in_that_overlaps_with_the_end_of_its_password_fails(
    enter: Enter, services: Services, monkeypatch: pytest.MonkeyPatch, done: str
) -> None:
    sign_up(enter())
    accounts, verify = Accounts(services.store), services.authenticator._verify

    def verified_before(password_hash: str, password: str) -> bool:
        right = verify(password_hash, password)
        if done == "changed":
            accounts.set_password("Ada", password_hash=authentication.HASHER.hash("another horse"))
        elif done == "disabled":
            accounts.disable("Ada")
        else:
            accounts.remove("Ada")
        return right

    monkeypatch.setattr(services.authenticator, "_verify", verified_before)
    assert log_in(enter()) == 422


def test_refused_passwords_are_throttled(enter: Enter) -> None:
    client = enter()
    refused = [sign_up(client, password="password1") for _ in range(LIMITS["sign-up"] + 1)]
    assert refused == [422] * LIMITS["sign-up"] + [429]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8:0:0:ffff::2", True),
        ("2001:db8::1%eth0", "2001:db8::1", True),
        ("::ffff:1.2.3.4", "1.2.3.4", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("1.2.3.4", "1.2.3.5", False),
        ("unknown", "testclient", False),
    ],
)
def test_an_address_of_ipv6_stands_for_its_network(one: str, other: str, same: bool) -> None:
    assert (sources("Ada", one)[:2] == sources("Ada", other)[:2]) is same
    assert (of_sign_up(one) == of_sign_up(other)) is same


def test_an_address_that_tries_many_names_is_throttled(services: Services) -> None:
    failures = LoginFailures(services.store)
    for _ in range(LIMITS["address"]):
        failures.count("address:1.2.3.4")
    with pytest.raises(TooManyGuesses):
        services.authenticator.log_in("Nobody", "a password", address="1.2.3.4")


def test_sessions_expire(services: Services) -> None:
    token = services.login_sessions.open()
    assert services.login_sessions.find(token)
    later = LoginSessions(services.store, clock=lambda: now() + LIFETIME + timedelta(seconds=1))
    assert later.find(token) is None


def test_the_database_holds_neither_tokens_nor_passwords(enter: Enter, services: Services) -> None:
    client = enter()
    sign_up(client)
    kept = str([*services.store.database.sessions.find(), *services.store.database.accounts.find()])
    assert str(client.cookies.get(COOKIE)) not in kept
    assert ADA["password"] not in kept
    assert "$argon2id$" in kept


def test_a_service_hashes_passwords_as_rfc_9106_recommends() -> None:
    assert extract_parameters(SERVED.hash("correct horse")) == RFC_9106_LOW_MEMORY


@pytest.mark.parametrize("token", [None, "", "x", "x" * 10_000, '{"$ne": null}'])
def test_no_other_token_is_a_session(services: Services, token: str | None) -> None:
    assert services.login_sessions.find(token) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"[" * 4000, b'{"name": 1, "password": 2}', b'{"name": {"$ne": 1}, "password": "x"}'],
)
def test_a_body_of_another_shape_is_refused(enter: Enter, body: bytes) -> None:
    assert enter().post("/api/people/log-in", content=body).status_code == 400


def test_other_sites_and_long_bodies_are_refused(enter: Enter) -> None:
    client = enter()
    foreign = {"origin": "https://evil.example"}
    for path in ("sign-up", "log-in", "log-out"):
        assert client.post(f"/api/people/{path}", json=ADA, headers=foreign).status_code == 403
    assert client.post("/api/people/log-in", content=b" " * 5000).status_code == 413


CLAIMS = {"iss": "https://id.example", "sub": "7", "name": "Ada Lovelace", "email": "ada@example.org"}


def hand_over(client: TestClient, code: str) -> int:
    return int(client.post("/api/people/hand-over", json={"code": code}).status_code)


def test_whom_a_provider_lets_in_gets_a_session_of_their_own(enter: Enter, services: Services) -> None:
    client, again = enter(), enter()
    ada = account_of(CLAIMS)
    assert ada is not None
    for one in (client, again):
        former = str(one.cookies.get(COOKIE))
        assert hand_over(one, services.handovers.offer(ada, token=former)) == 200
        assert services.login_sessions.find(former) is None
        assert (whose(services, one).user_id, whose(services, one).name) == (ada.user_id, "Ada Lovelace")


def test_a_code_is_good_once_for_a_minute_and_for_one_browser(
    enter: Enter, services: Services, database: Database[Document]
) -> None:
    client, thief = enter(), enter()
    ada = Account("oidc-1", "Ada")
    code = services.handovers.offer(ada, token=str(client.cookies.get(COOKIE)))
    assert hand_over(thief, code) == 422
    assert hand_over(client, code) == 200
    assert hand_over(client, code) == 422
    early = Handovers(Store(database), clock=lambda: now() - GOOD_FOR)
    assert hand_over(client, early.offer(ada, token=str(client.cookies.get(COOKIE)))) == 422


def test_a_log_in_that_ends_after_a_change_of_the_password_opens_nothing(
    enter: Enter, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session was opened after all others had been ended, and lasted for 30 days."""
    owner, thief = enter(), enter()
    assert sign_up(owner) == 200
    note = services.audit.note

    def changing(action: Action, **about: Any) -> None:
        if action == "log-in":
            new = {"password": ADA["password"], "new_password": "violet tractor seven"}
            assert owner.post("/api/people/change-password", json=new).status_code == 200
        note(action, **about)

    monkeypatch.setattr(services.audit, "note", changing)
    assert log_in(thief) == 422
    user_id = whose(services, owner).user_id
    assert [one.session_id for one in services.login_sessions.of(user_id)] == [
        whose(services, owner).session_id
    ]


def test_of_two_changes_of_a_password_at_the_same_time_only_the_first_is_made(
    enter: Enter, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thief who knew the former password set another one after the owner had changed it."""
    owner, thief = enter(), enter()
    assert (sign_up(owner), log_in(thief)) == (200, 200)
    judged = authentication.easy_to_guess

    def judging(password: str, name: str) -> bool:
        if password == "mallory has a plan":
            assert change_to(owner, "violet tractor seven") == 200
        return judged(password, name)

    def change_to(client: TestClient, new: str) -> int:
        asked = {"password": ADA["password"], "new_password": new}
        return int(client.post("/api/people/change-password", json=asked).status_code)

    monkeypatch.setattr(authentication, "easy_to_guess", judging)
    assert change_to(thief, "mallory has a plan") == 422
    assert log_in(thief, password="mallory has a plan") == 422
    assert log_in(enter(), password="violet tractor seven") == 200


@pytest.mark.parametrize(("minutes", "logs_in"), [(0, True), (11, False), (60 * 24, False), (None, False)])
def test_an_ended_session_does_not_begin_again_by_the_cookie_of_streamlit(
    minutes: int | None, logs_in: bool, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the claims for 30 days: the next page of a lost device was logged in again."""
    handed: list[str] = []
    monkeypatch.setattr(visit, "services", lambda: services)
    issued = {} if minutes is None else {"iat": int((now() - timedelta(minutes=minutes)).timestamp())}
    user = {"is_logged_in": True, **CLAIMS, **issued}
    monkeypatch.setattr(account_view, "st", SimpleNamespace(user=user))
    monkeypatch.setattr(f"{account_view.__name__}.visit.hand_over", lambda account: account.name)
    monkeypatch.setattr(
        f"{account_view.__name__}.components.entry", lambda _, *, label, code: handed.append(code)
    )
    account_view.finish_provider_log_in(Listener("guest-1", None, "s"))
    assert handed == ["Ada Lovelace"] * logs_in


def test_who_has_removed_everything_learns_when_the_provider_can_log_them_in_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page asked for a log-in that was refused, each time it was drawn."""
    said: list[str] = []
    account = account_of(CLAIMS)
    assert account is not None
    Forgotten(services.store).remember(account.user_id, plays_kept=timedelta(days=3))
    user = {"is_logged_in": True, **CLAIMS, "iat": int(now().timestamp())}
    monkeypatch.setattr(visit, "services", lambda: services)
    monkeypatch.setattr(account_view, "st", SimpleNamespace(user=user, info=said.append))
    account_view.finish_provider_log_in(Listener("guest-1", None, "s"))
    until = now() + timedelta(days=3) + MARGIN
    [words] = said
    assert str(until.year) in words or str(until.year + 1) in words
    assert "log in again after" in words


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "  Ada \n Love\tlace "}, "Ada Love lace"),
        ({"name": "\u202eadA\u2066", "email": "x@example.org"}, "adA"),
        ({"name": "\ud800", "nickname": "\u200b", "email": "ada@example.org"}, "ada@example.org"),
        ({"name": {"given": "Ada"}}, "{'given': 'Ada'}"),
        ({"name": "A" * 100}, "A" * 32),
        ({"name": "\x00"}, "You"),
    ],
)
def test_a_name_of_a_provider_is_shown_on_a_line(claims: dict[str, Any], name: str) -> None:
    """Half of a character could not be stored, and the page failed."""
    account = account_of({"iss": "https://id.example\ud800", "sub": "7", **claims})
    assert account is not None
    assert account.name == name


def test_a_provider_names_somebody_by_issuer_and_subject() -> None:
    ada, changed = account_of(CLAIMS), account_of({**CLAIMS, "name": "", "email": "new@example.org"})
    assert ada is not None
    assert changed == Account(ada.user_id, "new@example.org")
    others = [account_of({**CLAIMS, "iss": "https://other.example"}), account_of({**CLAIMS, "sub": "8"})]
    assert len({one.user_id for one in (ada, *others) if one}) == 3
    assert account_of({"iss": "https://id.example"}) is None
    assert account_of({}) is None
