"""The connection options of the Kafka clients (address, TLS, user), and the messages when they fail."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError

from segue.errors import SegueError, described_by
from segue.settings import KafkaSettings
from segue.storage.access_again import GRANT_AGAIN
from segue.storage.kafka_access import knock, refused_user

_PATIENCE_MS = 8000
_TELL_PASSWORDS = ("kafka.admin.client", "kafka.net.connection", "kafka.protocol.parser")
"""Loggers of kafka-python whose debug records contain the options and the bytes of a PLAIN login."""


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """The options with which a kafka-python client reaches the brokers.

    Raises
    ------
    SegueError
        No address is set, or a certificate file has no certificate.
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


def _words(error: Exception) -> str:
    """The line of an error that no :func:`reaching` has turned into one."""
    return (
        f"Kafka does not answer ({type(error).__name__}): see that the brokers of "
        "kafka.bootstrap_servers run (./run.sh status), and try again"
    )


described_by(KafkaError, _words)


def _not_for_debugging(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


@contextmanager
def reaching(settings: KafkaSettings) -> Iterator[dict[str, Any]]:
    """Give the options for a kafka-python client that is created and used in the block.

    Raises
    ------
    SegueError
        A broker refuses the user or the certificate, or the client raises a Kafka error.
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
            f"this: {error}; {GRANT_AGAIN}"
        ) from None
    except KafkaError as error:
        guard = "" if settings.security_protocol == "plaintext" else f" over {settings.security_protocol}"
        raise SegueError(
            f"Kafka does not answer at {settings.bootstrap_servers}{guard} ({type(error).__name__}): "
            "start it with ./run.sh up, or set SEGUE_KAFKA__BOOTSTRAP_SERVERS and "
            "SEGUE_KAFKA__SECURITY_PROTOCOL"
        ) from None


def _context(settings: KafkaSettings) -> ssl.SSLContext:
    """Trust the authorities of `tls_ca_file`, or those of the system; the host name is always checked.

    Raises
    ------
    SegueError
        A file has no certificate, or no matching key; the message names the setting.
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
            # The empty password keeps OpenSSL from prompting for a password.
            context.load_cert_chain(settings.tls_certificate_key_file, password="")
        except ssl.SSLError as error:
            raise _unfit("TLS_CERTIFICATE_KEY_FILE", settings.tls_certificate_key_file, error) from None
    return context


def _unfit(key: str, file: str, error: ssl.SSLError) -> SegueError:
    return SegueError(f"SEGUE_KAFKA__{key} {file} cannot be used: {error.reason or error}")
