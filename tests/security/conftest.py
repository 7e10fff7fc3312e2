"""One guarded broker and mongod for this folder, and settings that reach them, given as a user gives them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from segue.local.jars import ensure_jars
from segue.settings import Settings, load_settings
from tests.data_in_memory import data_in_memory
from tests.security.certificates import Certificates, make_certificates
from tests.security.servers import MONGO_PASSWORD, SCRAM_PASSWORD, USER, GuardedBroker, GuardedMongod


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def guarded_broker(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[GuardedBroker]:
    ensure_jars()
    with data_in_memory(tmp_path_factory.mktemp("guarded-kafka")) as folder:
        server = GuardedBroker(folder, certificates)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def guarded_uri(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[str]:
    with data_in_memory(tmp_path_factory.mktemp("guarded-mongod")) as folder:
        server = GuardedMongod(folder, certificates)
        yield server.start()
        server.stop()


@pytest.fixture
def kafka_environment(guarded_broker: GuardedBroker, certificates: Certificates) -> dict[str, str]:
    """The variables for SASL_SSL with SCRAM, and topics of the test's own."""
    topic = f"plays-{uuid.uuid4().hex[:8]}"
    return {
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": guarded_broker.addresses["sasl_ssl"],
        "SEGUE_KAFKA__SECURITY_PROTOCOL": "sasl_ssl",
        "SEGUE_KAFKA__USERNAME": USER,
        "SEGUE_KAFKA__PASSWORD": SCRAM_PASSWORD,
        "SEGUE_KAFKA__TLS_CA_FILE": str(certificates.authority),
        "SEGUE_KAFKA__PLAYS_TOPIC": topic,
        "SEGUE_KAFKA__REJECTED_TOPIC": f"{topic}.rejected",
    }


@pytest.fixture
def mongo_environment(guarded_uri: str, certificates: Certificates) -> dict[str, str]:
    return {
        "SEGUE_MONGO__URI": guarded_uri,
        "SEGUE_MONGO__USERNAME": USER,
        "SEGUE_MONGO__PASSWORD": MONGO_PASSWORD,
        "SEGUE_MONGO__TLS": "on",
        "SEGUE_MONGO__TLS_CA_FILE": str(certificates.authority),
        "SEGUE_MONGO__DATABASE": f"test_{uuid.uuid4().hex[:12]}",
    }


Load = Callable[[dict[str, str]], Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Settings by environment variables alone."""

    def loaded(environment: dict[str, str]) -> Settings:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return loaded
