"""How the Kafka clients reach the brokers: address, TLS, user; and what is said when they do not."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError

from segue.errors import SegueError
from segue.settings import KafkaSettings
from segue.storage.kafka_access import knock, refused_user

_PATIENCE_MS = 8000
_TELL_PASSWORDS = ("kafka.admin.client", "kafka.net.connection", "kafka.protocol.parser")
"""Loggers of kafka-python that print, for debugging, the options and the bytes of a PLAIN login."""


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every kafka-python client needs to reach the brokers.

    Raises
    ------
    SegueError
        There is no address, or a certificate file holds no certificate.
    """
    if not settings.bootstrap_servers:
        raise SegueError("no Kafka address: run ./run.sh up, or set SEGUE_KAFKA__BOOTSTRAP_SERVERS")
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "bootstrap_timeout_ms": _PATIENCE_MS,
        "security_protocol": settings.security_protocol.upper(),
    }
    if settings.tls:
        options["ssl_context"] = _context(settings)
    if settings.sasl:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": settings.password.get_secret_value(),
        }
        for name in _TELL_PASSWORDS:
            logging.getLogger(name).addFilter(_not_for_debugging)
    return options


def _not_for_debugging(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


@contextmanager
def reaching(settings: KafkaSettings) -> Iterator[dict[str, Any]]:
    """Give the options for a kafka-python client that is made and used in the block.

    Raises
    ------
    SegueError
        A broker refuses the user or the certificate, or the client raises an error of Kafka.
    """
    options = client_options(settings)
    if settings.security_protocol != "plaintext":
        knock(settings, options)
    try:
        yield options
    except SaslAuthenticationFailedError:
        raise refused_user(settings) from None
    except AuthorizationError as error:
        raise SegueError(
            f"Kafka at {settings.bootstrap_servers} does not allow the user {settings.username!r} "
            f"this: {error}"
        ) from None
    except KafkaError as error:
        guard = "" if settings.security_protocol == "plaintext" else f" over {settings.security_protocol}"
        raise SegueError(
            f"Kafka does not answer at {settings.bootstrap_servers}{guard} ({type(error).__name__}): "
            "start it with ./run.sh up, or set SEGUE_KAFKA__BOOTSTRAP_SERVERS and "
            "SEGUE_KAFKA__SECURITY_PROTOCOL"
        ) from None


def _context(settings: KafkaSettings) -> ssl.SSLContext:
    """Trust in those of `tls_ca_file`, or in the system's authorities; the host's name is always checked.

    Raises
    ------
    SegueError
        A file holds no certificate, or no key that goes with it; the text names the setting.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.tls_ca_file:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(settings.tls_ca_file)
        except ssl.SSLError as error:
            raise _unfit("TLS_CA_FILE", settings.tls_ca_file, error) from None
    if settings.tls_certificate_key_file:
        try:
            # The empty password keeps OpenSSL from asking for one at the terminal.
            context.load_cert_chain(settings.tls_certificate_key_file, password="")
        except ssl.SSLError as error:
            raise _unfit("TLS_CERTIFICATE_KEY_FILE", settings.tls_certificate_key_file, error) from None
    return context


def _unfit(key: str, file: str, error: ssl.SSLError) -> SegueError:
    return SegueError(f"SEGUE_KAFKA__{key} {file} cannot be used: {error.reason or error}")
