"""A new password by a link in a mail, for its owner and not for strangers and thieves."""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from pymongo.database import Database
from starlette.testclient import TestClient

from segue.clock import now
from segue.dashboard.services import Services
from segue.people import authentication
from segue.people.accounts import Accounts
from segue.people.authentication import AccountError
from segue.people.login_failures import LIMITS
from segue.people.login_sessions import COOKIE
from segue.people.mail import Outbox, is_address, send
from segue.people.mail_links import GOOD_FOR, MailLinks, Purpose
from segue.people.recovery import Letter, Recovery
from segue.privacy.holdings import held
from segue.settings import MailSettings, Settings
from segue.settings.contradictions import contradictions
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import Enter, whose
from tests.dashboard.smtp import SmtpServer
from tests.security.certificates import Certificates, make_certificates
from tests.waiting import until

ADA = {"name": "Ada", "password": "correct horse"}
MAIL = "ada@music.example"
BASE = "https://music.example"
NEW = "another horse"
LETTER = Letter("Subject", "Open {link}\n")


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def services(settings: Settings, database: Database[Document], smtp: SmtpServer) -> Iterator[Services]:
    mail = {"host": "127.0.0.1", "port": smtp.port, "sender": "segue@music.example", "tls": "off"}
    changed = {
        "mail": settings.mail.model_copy(update=mail),
        "dashboard": settings.dashboard.model_copy(update={"base_url": BASE}),
    }
    found = Services(Store(database), settings.model_copy(update=changed))
    yield found
    found.close()


def post(client: TestClient, path: str, **body: object) -> int:
    return int(client.post(f"/api/people/{path}", json=body).status_code)


def arrived(smtp: SmtpServer, number: int) -> str:
    """The token of the newest of so many mails."""
    until(lambda: len(smtp.mails) >= number, "the mail")
    assert len(smtp.mails) == number
    found = re.search(rf"^{re.escape(BASE)}/(?:reset|confirm)#(\S+)$", text(smtp), re.MULTILINE)
    assert found, text(smtp)
    return found[1]


def text(smtp: SmtpServer) -> str:
    """The text of the newest mail."""
    return str(smtp.mails[-1][1].get_content()).replace("\r\n", "\n")


def all_sent(services: Services) -> None:
    """Wait until the thread that sends has nothing to do."""
    done: list[bool] = []
    services.recovery._outbox.put(lambda: done.append(True))
    until(lambda: bool(done), "the mails before")


@pytest.fixture
def ada(enter: Enter, smtp: SmtpServer) -> TestClient:
    """Ada, with a confirmed address: one mail has been sent."""
    client = enter()
    assert post(client, "sign-up", **ADA) == 200
    assert post(client, "mail-address", address=MAIL, password=ADA["password"]) == 200
    assert post(enter(), "confirm-address", token=arrived(smtp, 1)) == 200
    return client


def test_a_forgotten_password_is_replaced_by_a_link(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services
) -> None:
    before, stranger, me = ada.cookies.get(COOKIE), enter(), whose(services, ada).user_id
    assert post(stranger, "forgot-password", name=" ada ") == 200
    token = arrived(smtp, 2)
    recipients, mail = smtp.mails[-1]
    assert (recipients, mail["To"], mail["From"]) == ([MAIL], MAIL, "segue@music.example")
    assert (mail["Auto-Submitted"], bool(mail["Date"]), bool(mail["Message-ID"])) == (
        "auto-generated",
        True,
        True,
    )
    assert post(stranger, "reset-password", token=token, new_password="short") == 422
    assert post(stranger, "reset-password", token=token, new_password=NEW) == 200, "the link still works"
    assert whose(services, stranger).user_id == me
    assert services.login_sessions.find(before) is None
    assert post(enter(), "log-in", **ADA) == 422
    assert post(enter(), "log-in", name="Ada", password=NEW) == 200
    assert post(enter(), "reset-password", token=token, new_password="a third horse") == 422, "once only"
    noted = [one["action"] for one in services.store.database.audit_log.find().sort("_id", 1)]
    assert noted[:4] == ["sign-up", "address-confirmed", "password-link-sent", "password-reset"]


def test_nothing_tells_whether_an_account_exists(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services
) -> None:
    services.authenticator.create("Ben", "correct horse")  # has no address
    client = enter()
    answers = []
    for name in ("Ada", "Ben", "Nobody", "", "\x00", "a" * 2000):
        answer = client.post("/api/people/forgot-password", json={"name": name})
        answers.append((answer.status_code, answer.content, sorted(answer.headers)))
    assert all(answer == answers[0] for answer in answers)
    all_sent(services)
    assert [recipients for recipients, _ in smtp.mails] == [[MAIL], [MAIL]]


def test_the_answer_does_not_wait_for_the_server(
    ada: TestClient, enter: Enter, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(Outbox, "put", lambda _self, work: waiting.append(work))
    assert post(enter(), "forgot-password", name="Ada") == 200
    assert len(waiting) == 1
    assert services.store.database.mail_links.count_documents({}) == 0, "not even this differs"


def test_requests_are_limited(ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services) -> None:
    client = enter()
    statuses = [post(client, "forgot-password", name="Ada") for _ in range(LIMITS["mail"] + 1)]
    # The mail that confirmed the address counts, too.
    assert statuses == [200] * (LIMITS["mail"] - 1) + [429] * 2
    all_sent(services)
    assert len(smtp.mails) == LIMITS["mails-to"], "an inbox is not filled by strangers"
    assert post(enter(), "log-in", **ADA) == 200, "and nobody is locked out"


def test_a_thief_with_the_cookie_gets_no_link(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services
) -> None:
    thief = enter()
    thief.cookies.clear()
    thief.cookies.set(COOKIE, str(ada.cookies.get(COOKIE)))
    for password in ("", "wrong horse"):
        assert post(thief, "mail-address", address="mallory@evil.example", password=password) == 422
        assert post(thief, "mail-address", address="", password=password) == 422
    all_sent(services)
    assert len(smtp.mails) == 1
    assert Accounts(services.store).mail_of(whose(services, ada).user_id) == MAIL
    assert services.store.database.audit_log.count_documents({"action": "address-change-refused"}) == 4


def test_an_address_counts_when_its_owner_has_confirmed_it(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services
) -> None:
    me, accounts = whose(services, ada).user_id, Accounts(services.store)
    assert post(ada, "mail-address", address="new@music.example", password=ADA["password"]) == 200
    token = arrived(smtp, 2)
    assert accounts.mail_of(me) == MAIL
    assert post(enter(), "reset-password", token=token, new_password=NEW) == 422, "for another purpose"
    assert post(enter(), "confirm-address", token=token) == 200
    assert accounts.mail_of(me) == "new@music.example"
    assert post(enter(), "confirm-address", token=token) == 422
    assert post(ada, "mail-address", address="", password=ADA["password"]) == 200
    assert accounts.mail_of(me) is None


@pytest.mark.parametrize("change", ["password", "address", "disabled", "removed"])
def test_a_link_is_worthless_after_a_change_of_the_account(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services, change: str
) -> None:
    assert post(enter(), "forgot-password", name="Ada") == 200
    token, accounts = arrived(smtp, 2), Accounts(services.store)
    if change == "password":
        told = {"password": ADA["password"], "new_password": "a third horse"}
        assert post(ada, "change-password", **told) == 200
    elif change == "address":
        stored = accounts.stored("Ada")
        assert stored is not None
        assert accounts.set_mail(stored["user_id"], "new@music.example", checked=stored["password"])
    elif change == "disabled":
        accounts.disable("Ada")
    else:
        accounts.remove("Ada")
    assert post(enter(), "reset-password", token=token, new_password=NEW) == 422


def test_an_address_is_not_confirmed_while_the_password_changes(
    ada: TestClient,
    enter: Enter,
    smtp: SmtpServer,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thief with the former password had the address of the account, and so its next password."""
    assert post(ada, "mail-address", address="thief@music.example", password=ADA["password"]) == 200
    token, use = arrived(smtp, 2), MailLinks.use

    def used_after_a_change(links: MailLinks, purpose: Purpose, token: str) -> bool:
        told = {"password": ADA["password"], "new_password": NEW}
        assert post(ada, "change-password", **told) == 200
        return use(links, purpose, token)

    monkeypatch.setattr(MailLinks, "use", used_after_a_change)
    assert post(enter(), "confirm-address", token=token) == 422
    assert Accounts(services.store).mail_of(whose(services, ada).user_id) == MAIL


def test_of_two_people_who_use_a_link_at_the_same_time_one_sets_the_password(
    ada: TestClient, enter: Enter, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both did, and both were logged in."""
    assert post(enter(), "forgot-password", name="Ada") == 200
    token, other, thief = arrived(smtp, 2), "mallory has a plan", enter()
    judged = authentication.easy_to_guess

    def judging(password: str, name: str) -> bool:
        if password == other and post(enter(), "log-in", name="Ada", password=NEW) == 422:
            assert post(enter(), "reset-password", token=token, new_password=NEW) == 200
        return judged(password, name)

    monkeypatch.setattr(authentication, "easy_to_guess", judging)
    assert post(thief, "reset-password", token=token, new_password=other) == 422
    assert post(enter(), "log-in", name="Ada", password=other) == 422
    assert post(enter(), "log-in", name="Ada", password=NEW) == 200


def test_a_disabled_account_gets_no_mail(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services
) -> None:
    Accounts(services.store).disable("Ada")
    assert post(enter(), "forgot-password", name="Ada") == 200
    all_sent(services)
    assert len(smtp.mails) == 1


def test_a_link_expires(ada: TestClient, services: Services) -> None:
    links = MailLinks(services.store)
    token = links.create("password", "ada", fits="x")
    assert links.find("password", token)
    assert links.find("address", token) is None
    late = MailLinks(services.store, clock=lambda: now() + GOOD_FOR["password"])
    assert late.find("password", token) is None
    for other in ("", "x", "\ud800", "x" * 10_000):
        assert links.find("password", other) is None


def test_the_link_begins_with_the_setting_and_not_with_the_host_of_the_request(
    ada: TestClient, enter: Enter, smtp: SmtpServer
) -> None:
    headers = {"host": "10.0.0.66", "x-forwarded-host": "evil.lan"}
    answer = enter().post("/api/people/forgot-password", json={"name": "Ada"}, headers=headers)
    assert answer.status_code == 200
    arrived(smtp, 2)
    assert not re.search("10.0.0.66|evil", smtp.mails[-1][1].as_string())


def test_the_database_has_no_tokens_and_the_export_no_hashes(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services
) -> None:
    assert post(enter(), "forgot-password", name="Ada") == 200
    token, me = arrived(smtp, 2), whose(services, ada).user_id
    store = services.store
    assert token not in str([list(store.database[name].find()) for name in store.collection_names()])
    exported = dict(held(store, me))
    assert exported["accounts"][0]["mail"] == MAIL
    assert exported["mail_links"][0].keys() == {"user_id", "expires_at"}


def test_other_sites_ask_for_nothing(enter: Enter) -> None:
    foreign = {"origin": "https://evil.example"}
    for path in ("forgot-password", "reset-password", "mail-address", "confirm-address"):
        assert enter().post(f"/api/people/{path}", json={}, headers=foreign).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@b.example",
        "ada@",
        "a@b@c",
        "Ada <a@b.example>",
        "a@b.example,c@d.example",
        "a@b\r\nBcc: c@d",
        "a b@c",
    ],
)
def test_what_is_no_address_is_refused(ada: TestClient, address: str) -> None:
    assert not is_address(address)
    assert post(ada, "mail-address", address=address, password=ADA["password"]) == 422


def test_addresses_of_all_languages_are_addresses() -> None:
    for address in ("a@b.example", "o'neill+x@b.example", "李明@例子.example", "a@b"):
        assert is_address(address)
    assert not is_address(f"{'a' * 64}@{'b' * 190}")


def test_without_a_server_or_an_address_of_the_pages_no_mail_is_sent(
    settings: Settings, store: Store
) -> None:
    named = settings.mail.model_copy(update={"host": "mail.example", "sender": "a@b"})
    for mail, base_url in ((settings.mail, BASE), (named, "")):
        services = Services(store, settings)
        try:
            recovery = Recovery(store, mail, services.authenticator, base_url=base_url)
            assert not recovery.is_on
            with pytest.raises(AccountError, match="sends no mail"):
                recovery.ask("Ada", LETTER, address="::1")
        finally:
            services.close()
    (found,) = contradictions(settings.model_copy(update={"mail": named}))
    assert found.keys == ("mail.host", "dashboard.base_url")


@pytest.mark.parametrize(
    "changed",
    [
        {"username": "segue"},
        {"username": "segue", "password": "x", "tls": "off"},
        {"host": "mail.example"},
        {"tls": "off", "tls_ca_file": __file__},
        {"port": 0},
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: Settings, changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MailSettings.model_validate({**settings.mail.model_dump(), **changed})


def test_a_server_that_is_away_or_refuses_is_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    with SmtpServer() as gone:
        port = gone.port
    away = settings.mail.model_copy(
        update={"host": "127.0.0.1", "port": port, "sender": "segue@music.example", "tls": "off"}
    )
    outbox = Outbox()
    with caplog.at_level(logging.WARNING):
        outbox.put(lambda: send(away, to=MAIL, subject="s", text="t"))
        until(lambda: bool(caplog.messages), "the line in the log")
        outbox.close()
    (line,) = caplog.messages
    assert "was not sent" in line
    assert MAIL not in line


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def secured(settings: Settings, port: int, authority: Path, **changed: str) -> MailSettings:
    named = {"host": "127.0.0.1", "port": port, "sender": "Segue <segue@music.example>"}
    user = {"username": "segue", "password": SecretStr("a secret")}
    files = {"tls_ca_file": str(authority)}
    return settings.mail.model_copy(update={**named, **user, **files, **changed})


def test_user_and_password_go_over_tls_only(settings: Settings, certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    with SmtpServer(context) as server:
        right = secured(settings, server.port, certificates.authority)
        send(right, to=MAIL, subject="Grüße", text="Öffne ihn\n.\n")
        assert server.logins == [["segue", "a secret"]]
        assert (server.mails[0][1]["Subject"], text(server)) == ("Grüße", "Öffne ihn\n.\n")
        wrong = secured(settings, server.port, certificates.stranger)
        with pytest.raises(ssl.SSLError):
            send(wrong, to=MAIL, subject="s", text="t")
        assert len(server.logins) == len(server.mails) == 1
    with SmtpServer() as plain:  # somebody in between has removed the offer of TLS
        with pytest.raises(smtplib.SMTPNotSupportedError):
            send(secured(settings, plain.port, certificates.authority), to=MAIL, subject="s", text="t")
        assert not plain.logins + plain.mails
    assert "a secret" not in repr(right)


def test_the_owner_learns_of_a_new_password(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services
) -> None:
    """Somebody with the password could change it, and the owner noticed only at the next log-in."""
    assert post(ada, "change-password", password="wrong horse", new_password=NEW) == 422
    all_sent(services)
    assert len(smtp.mails) == 1
    assert post(ada, "change-password", password=ADA["password"], new_password=NEW) == 200
    all_sent(services)
    assert len(smtp.mails) == 2
    assert smtp.mails[-1][0] == [MAIL]
    assert "was changed" in text(smtp)
    assert "http" not in text(smtp), "a notice has no link"


def test_the_former_address_learns_of_another_one(
    ada: TestClient, enter: Enter, smtp: SmtpServer, services: Services
) -> None:
    assert post(ada, "mail-address", address="new@music.example", password=ADA["password"]) == 200
    assert post(enter(), "confirm-address", token=arrived(smtp, 2)) == 200
    all_sent(services)
    assert smtp.mails[-1][0] == [MAIL]
    assert post(ada, "mail-address", address="", password=ADA["password"]) == 200
    all_sent(services)
    assert [to for to, _ in smtp.mails] == [[MAIL], ["new@music.example"], [MAIL], ["new@music.example"]]
