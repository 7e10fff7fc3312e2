"""The settings that protect a connection: where they are allowed, refused values, and that none is shown."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.errors import SegueError
from segue.spark.session import kafka_options
from segue.storage.mongo import connect
from tests.security.conftest import Load

SECRET = "hush-4c1f"
KAFKA = {
    "SEGUE_KAFKA__BOOTSTRAP_SERVERS": "own:9092",
    "SEGUE_KAFKA__SECURITY_PROTOCOL": "sasl_ssl",
    "SEGUE_KAFKA__USERNAME": "ada",
    "SEGUE_KAFKA__PASSWORD": SECRET,
}
MONGO = {"SEGUE_MONGO__URI": f"mongodb://ada:{SECRET}@own/?tls=true"}


def test_secrets_are_in_no_repr_and_travel_to_workers(load: Load) -> None:
    settings = load({**KAFKA, **MONGO, "SEGUE_MONGO__USERNAME": "ada", "SEGUE_MONGO__PASSWORD": SECRET})
    assert SECRET not in f"{settings!r} {settings} {settings.mongo} {settings.kafka!r}"
    arrived = pickle.loads(pickle.dumps(settings))
    assert arrived == settings and hash(arrived) == hash(settings)
    assert arrived.kafka.password.get_secret_value() == SECRET


@pytest.mark.parametrize("password", ["12345", "null", "true", '{"a": 1}', "[x", ' sp"ace\\ '])
def test_a_password_is_taken_as_it_stands(load: Load, password: str) -> None:
    kafka = load({**KAFKA, "SEGUE_KAFKA__PASSWORD": password}).kafka
    assert kafka.password.get_secret_value() == password


def test_a_password_is_quoted_for_jaas(load: Load) -> None:
    settings = load({**KAFKA, "SEGUE_KAFKA__PASSWORD": 'a"b\\c;', "SEGUE_KAFKA__SASL_MECHANISM": "PLAIN"})
    assert kafka_options(settings.kafka)["kafka.sasl.jaas.config"] == (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        r'username="ada" password="a\"b\\c;";'
    )


def test_a_file_of_ones_own_holds_them_too(load: Load, tmp_path: Path) -> None:
    own, authority = tmp_path / "own.toml", tmp_path / "ca.pem"
    authority.touch()
    own.write_text(
        '[kafka]\nbootstrap_servers = "own:9092"\nsecurity_protocol = "sasl_ssl"\n'
        f'username = "ada"\npassword = "{SECRET}"\ntls_ca_file = "{authority}"\n'
    )
    kafka = load({"SEGUE_CONF": str(own)}).kafka
    assert (kafka.password.get_secret_value(), kafka.tls_ca_file) == (SECRET, str(authority))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"SEGUE_KAFKA__BOOTSTRAP_SERVERS": ""}, "needs bootstrap_servers; none are set"),
        (
            {"SEGUE_KAFKA__SECURITY_PROTOCOL": "plaintext"},
            "username and password need security_protocol sasl_ssl, not plaintext",
        ),
        ({"SEGUE_KAFKA__SECURITY_PROTOCOL": "tls"}, "kafka.security_protocol = 'tls'"),
        ({"SEGUE_KAFKA__USERNAME": ""}, "security_protocol sasl_ssl needs username and password"),
        ({"SEGUE_KAFKA__SASL_MECHANISM": "OAUTHBEARER"}, "kafka.sasl_mechanism = 'OAUTHBEARER'"),
        (
            {"SEGUE_KAFKA__TLS_CA_FILE": "conf/none.pem"},
            r"the file \S+/conf/none\.pem does not exist or this user cannot read it",
        ),
        ({"SEGUE_KAFKA__PASSWRD": SECRET}, "setting kafka.passwrd: there is no such setting"),
        ({"SEGUE_KAFKA": f'{{"password": "{SECRET}'}, "SEGUE_KAFKA is not JSON"),
        ({"SEGUE_MONGO__USERNAME": "ada"}, "username and password go together"),
        ({"SEGUE_MONGO__PASSWORD": SECRET}, "username and password go together"),
        ({"SEGUE_MONGO__TLS_CA_FILE": "conf/default.toml"}, 'need tls = "on"'),
        ({"SEGUE_MONGO__URI": "", "SEGUE_MONGO__TLS": "on"}, "username and tls need a uri"),
    ],
)
def test_ineffective_protection_is_refused_without_naming_the_secret(
    load: Load, changes: dict[str, str], expected: str
) -> None:
    with pytest.raises(SegueError, match=expected) as caught:
        load({**KAFKA, **MONGO, **changes})
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [f"[kafka]\npassword = ['{SECRET}']", f"[mongo]\nuri = ['{SECRET}']", f"[kafka]\npassword = '{SECRET}"],
)
def test_a_file_with_a_fault_at_the_secret_does_not_show_it(load: Load, tmp_path: Path, text: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(SegueError) as caught:
        load({"SEGUE_CONF": str(own)})
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://ada:{}",
        "mongodb://ada:{}@",
        "mongodb://ada:{}/x@127.0.0.1:1",
        "mongodb://ada:{}?x@127.0.0.1:1",
        "mongodb://ada:{}@x@127.0.0.1:1",
        "mongodb://ada:{}:x@127.0.0.1:1",
        "mongodb://ada:{}%zz@127.0.0.1:1",
        "mongodb://ada:x,{}@127.0.0.1:1",
        "mongodb://ada:{}@127.0.0.1:x",
        "mongo://ada:{}@127.0.0.1:1",
        "ada:{}@127.0.0.1:1",
        "mongodb://127.0.0.1:1/?tls=true&tlsCertificateKeyFilePassword={}",
    ],
)
def test_an_address_with_a_slip_does_not_show_its_password(load: Load, uri: str) -> None:
    with pytest.raises(SegueError) as caught:
        connect(
            load({"SEGUE_MONGO__URI": uri.format(SECRET), "SEGUE_MONGO__TIMEOUT": "100 milliseconds"}).mongo
        )
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)


def test_up_shows_where_and_not_who(load: Load) -> None:
    load({**KAFKA, **MONGO})
    shown = CliRunner().invoke(app, ["up"])
    assert shown.exit_code == 0
    assert "mongodb://own " in shown.output and SECRET not in shown.output
