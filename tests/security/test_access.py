"""Protected servers, reached by settings alone, and the messages when they refuse."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest

from segue.errors import SegueError
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage import kafka_client
from segue.storage.kafka import RejectedRecord, ensure_topics, read_rejected
from segue.storage.mongo import connect, upsert
from tests.plays.examples import a_play
from tests.security.certificates import Certificates
from tests.security.conftest import Load
from tests.security.servers import (
    MONGO_PASSWORD,
    PLAIN_PASSWORD,
    SCRAM_PASSWORD,
    SECRETS,
    USER,
    GuardedBroker,
)
from tests.storage.rejected import write_rejected
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
NO_USER = {"SEGUE_KAFKA__USERNAME": "", "SEGUE_KAFKA__PASSWORD": ""}
WRONG = f"wrong {SCRAM_PASSWORD}"
"""A secret too: it may be right elsewhere."""
HOUR, SHORT = "1 hour", "1500 milliseconds"
AT_ONCE = pytest.mark.timeout(300)
"""For clients that would try for an hour: a bound that a busy machine keeps, too."""


def line(caught: pytest.ExceptionInfo[SegueError]) -> str:
    """The error's text, which is one line and has no secret."""
    text = str(caught.value)
    assert "\n" not in text
    assert [secret for secret in SECRETS if secret in text] == []
    return text


@pytest.fixture
def endless_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients of Kafka that try for an hour: a refusal that came only after that would be seen."""
    monkeypatch.setattr(kafka_client, "_PATIENCE_MS", 3_600_000)


def use(settings: Settings) -> None:
    """All of Segue's Kafka clients in Python: admin, producer, consumer."""
    ensure_topics(settings.kafka)
    with PlayProducer(settings.kafka) as producer:
        assert producer.send(a_play()).get(PATIENCE).topic == settings.kafka.plays_topic
    record = RejectedRecord(reason="late", topic="plays", partition=0, offset=3, timestamp=17, value=b"x")
    write_rejected(settings.kafka, record)
    assert list(read_rejected(settings.kafka)) == [record]


@pytest.mark.parametrize(
    ("mechanism", "password"),
    [
        ("PLAIN", PLAIN_PASSWORD),
        ("SCRAM-SHA-256", SCRAM_PASSWORD),
        ("SCRAM-SHA-512", SCRAM_PASSWORD),
    ],
)
def test_kafka_with_sasl_ssl_and_no_secret_in_any_log(
    load: Load,
    kafka_environment: dict[str, str],
    mechanism: str,
    password: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A service that ran in this process before has made some loggers quiet.
    for name in ("", "kafka", "kafka.net"):
        caplog.set_level(logging.DEBUG, logger=name)
    changes = {"SEGUE_KAFKA__SASL_MECHANISM": mechanism, "SEGUE_KAFKA__PASSWORD": password}
    use(load(kafka_environment | changes))
    assert any(record.name.startswith("kafka.") for record in caplog.records)
    assert [secret for secret in SECRETS if secret in caplog.text] == []


def test_kafka_with_a_certificate_of_our_own(
    load: Load,
    kafka_environment: dict[str, str],
    guarded_broker: GuardedBroker,
    certificates: Certificates,
) -> None:
    mutual = {
        **kafka_environment,
        **NO_USER,
        "SEGUE_KAFKA__SECURITY_PROTOCOL": "ssl",
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": guarded_broker.addresses["ssl"],
    }
    with pytest.raises(
        SegueError, match=r"does not accept our certificate .* SEGUE_KAFKA__TLS_CERTIFICATE_KEY_FILE"
    ):
        ensure_topics(load(mutual).kafka)
    use(load({**mutual, "SEGUE_KAFKA__TLS_CERTIFICATE_KEY_FILE": str(certificates.client)}))


def test_kafka_with_a_user_and_no_tls(
    load: Load, kafka_environment: dict[str, str], guarded_broker: GuardedBroker
) -> None:
    clear = {
        **kafka_environment,
        "SEGUE_KAFKA__SECURITY_PROTOCOL": "sasl_plaintext",
        "SEGUE_KAFKA__TLS_CA_FILE": "",
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": guarded_broker.addresses["sasl_plaintext"],
    }
    use(load(clear))
    with pytest.raises(SegueError, match="does not offer PLAIN: set SEGUE_KAFKA__SASL_MECHANISM"):
        ensure_topics(load({**clear, "SEGUE_KAFKA__SASL_MECHANISM": "PLAIN"}).kafka)


@pytest.mark.parametrize("client", [ensure_topics, PlayProducer, lambda s: list(read_rejected(s))])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
@pytest.mark.usefixtures("endless_patience")
@AT_ONCE
def test_a_wrong_password_for_kafka_is_one_line_at_once(
    load: Load, kafka_environment: dict[str, str], client: type, mechanism: str
) -> None:
    changes = {"SEGUE_KAFKA__SASL_MECHANISM": mechanism, "SEGUE_KAFKA__PASSWORD": WRONG}
    settings = load(kafka_environment | changes)
    with pytest.raises(
        SegueError, match=f"refused the user '{USER}' with {mechanism}: check SEGUE_KAFKA"
    ) as caught:
        client(settings.kafka)
    assert line(caught)


@pytest.mark.usefixtures("endless_patience")
@AT_ONCE
def test_a_broker_that_is_not_trusted_is_one_line_at_once(
    load: Load, kafka_environment: dict[str, str], certificates: Certificates
) -> None:
    stranger = {"SEGUE_KAFKA__TLS_CA_FILE": str(certificates.stranger)}
    settings = load(kafka_environment | stranger)
    with pytest.raises(SegueError, match=r"TLS failed \(.*issuer.*SEGUE_KAFKA__TLS_CA_FILE") as caught:
        ensure_topics(settings.kafka)
    assert line(caught)


@pytest.mark.usefixtures("endless_patience")
def test_one_broker_that_refuses_does_not_hide_another(load: Load, kafka_environment: dict[str, str]) -> None:
    own = {**kafka_environment, "SEGUE_KAFKA__PLAYS_TOPIC": "plays-beside"}
    guarded = kafka_environment["SEGUE_KAFKA__BOOTSTRAP_SERVERS"]
    ensure_topics(load({**own, "SEGUE_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:1,{guarded}"}).kafka)
    with PlayProducer(load(own).kafka) as producer:
        assert producer.send(a_play()).get(PATIENCE).topic == "plays-beside"


@pytest.mark.parametrize("key", ["TLS_CA_FILE", "TLS_CERTIFICATE_KEY_FILE"])
def test_a_file_that_is_no_certificate_is_named(
    load: Load, kafka_environment: dict[str, str], certificates: Certificates, key: str
) -> None:
    key_alone = certificates.server.with_suffix(".key")
    with pytest.raises(SegueError, match=rf"SEGUE_KAFKA__{key} \S+server\.key cannot be used"):
        ensure_topics(load({**kafka_environment, f"SEGUE_KAFKA__{key}": str(key_alone)}).kafka)


def test_mongodb_with_tls_and_a_user(
    load: Load, mongo_environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    database = connect(load(mongo_environment).mongo)
    upsert(database.tracks, [{"_id": "t1", "title": "Song"}])
    assert database.tracks.find_one() == {"_id": "t1", "title": "Song"}
    told = caplog.text + repr(database) + repr(database.client)
    assert [secret for secret in SECRETS if secret in told] == []


def test_mongodb_with_all_of_it_in_the_uri(
    load: Load, mongo_environment: dict[str, str], certificates: Certificates
) -> None:
    address = mongo_environment["SEGUE_MONGO__URI"].removeprefix("mongodb://")
    login = f"{USER}:{quote(MONGO_PASSWORD, safe='')}"
    uri = f"mongodb://{login}@{address}&tls=true&tlsCAFile={quote(str(certificates.authority))}"
    settings = load({"SEGUE_MONGO__URI": uri})
    assert connect(settings.mongo).client.admin.command("ping")["ok"]
    assert [secret for secret in SECRETS if secret in f"{settings!r} {settings}"] == []
    refused = load({"SEGUE_MONGO__URI": uri.replace(USER, "nobody", 1)})
    with pytest.raises(SegueError, match="refused the user") as caught:
        connect(refused.mongo)
    assert line(caught)


@pytest.mark.parametrize(
    ("changes", "expected", "timeout"),
    [
        # The server's own refusals come at once, though a client may try for an hour.
        ({"PASSWORD": WRONG}, r"refused the user \(Authentication failed.*SEGUE_MONGO__PASSWORD", HOUR),
        ({"USERNAME": "", "PASSWORD": ""}, r"refused the user \(.*requires authentication", HOUR),
        ({"TLS_CA_FILE": "server.key"}, r"__TLS_CA_FILE \S+server\.key cannot be used", HOUR),
        # A server that pymongo takes for absent is tried until the time-out.
        ({"TLS_CA_FILE": "stranger.pem"}, r"TLS failed \(certificate verify failed.*__TLS_CA_FILE", SHORT),
        ({"TLS_CERTIFICATE_KEY_FILE": "stranger.pem"}, r"SEGUE_MONGO__TLS_CERTIFICATE_KEY_FILE", SHORT),
        ({"TLS": "auto", "TLS_CA_FILE": ""}, "does not answer .* SEGUE_MONGO__TLS", SHORT),
    ],
)
@AT_ONCE
def test_a_refusal_by_mongodb_is_one_line(
    load: Load,
    mongo_environment: dict[str, str],
    certificates: Certificates,
    changes: dict[str, str],
    expected: str,
    timeout: str,
) -> None:
    folder = certificates.authority.parent
    for key, value in changes.items():
        is_file = key.endswith("_FILE") and value
        mongo_environment[f"SEGUE_MONGO__{key}"] = str(folder / value) if is_file else value
    settings = load({**mongo_environment, "SEGUE_MONGO__TIMEOUT": timeout})
    with pytest.raises(SegueError, match=expected) as caught:
        connect(settings.mongo)
    assert line(caught)
