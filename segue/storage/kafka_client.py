"""How the Kafka clients reach the brokers: address, TLS, user; and why they do not."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError

from segue.errors import SegueError
from segue.settings import Kafka

_PATIENCE_MS = 8000
_PROBE_SECONDS = 1.0


def client_options(settings: Kafka) -> dict[str, Any]:
    """What every kafka-python client needs to reach the brokers.

    Raises
    ------
    SegueError
        There is no address, or a certificate file holds no certificate.
    """
    if not settings.bootstrap:
        raise SegueError("no Kafka address: run ./run.sh up, or set SEGUE_KAFKA__BOOTSTRAP")
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap.split(","),
        "bootstrap_timeout_ms": _PATIENCE_MS,
        "security_protocol": settings.security.upper(),
    }
    if settings.tls:
        options["ssl_context"] = client_context(settings)
    if settings.sasl:
        options |= {
            "sasl_mechanism": settings.mechanism,
            "sasl_plain_username": settings.user,
            "sasl_plain_password": settings.password.get_secret_value(),
        }
    return options


def unreachable(settings: Kafka, error: KafkaError) -> SegueError:
    """What to say when a client cannot work with the brokers: away, TLS, user, or rights."""
    where = f"Kafka at {settings.bootstrap}"
    if isinstance(error, SaslAuthenticationFailedError):
        return SegueError(
            f"{where} refused the user {settings.user!r} ({settings.mechanism}): "
            "check SEGUE_KAFKA__USER, SEGUE_KAFKA__PASSWORD and SEGUE_KAFKA__MECHANISM"
        )
    if isinstance(error, AuthorizationError):
        return SegueError(f"{where} lets the user {settings.user!r} not do this: {error.description}")
    if settings.tls and (fault := handshake_fault(settings)):
        return SegueError(
            f"{where}: TLS failed ({fault}): check SEGUE_KAFKA__CA_FILE and SEGUE_KAFKA__CLIENT_FILE"
        )
    guard = f"{settings.security} {settings.mechanism}" if settings.sasl else settings.security
    return SegueError(
        f"Kafka does not answer at {settings.bootstrap} over {guard} ({type(error).__name__}): "
        "start it (./run.sh up) or set SEGUE_KAFKA__BOOTSTRAP and SEGUE_KAFKA__SECURITY"
    )


def client_context(settings: Kafka) -> ssl.SSLContext:
    """Trust in those of `ca_file`, or in the system's authorities; the host's name is always checked.

    Raises
    ------
    SegueError
        A file holds no certificate, or no key that goes with it; the text names the setting.
    """
    context = ssl.create_default_context()
    if settings.ca_file:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(settings.ca_file)
        except ssl.SSLError as error:
            raise _unfit("CA_FILE", settings.ca_file, error) from None
    if settings.client_file:
        try:
            # The empty password keeps OpenSSL from asking for one at the terminal.
            context.load_cert_chain(settings.client_file, password="")
        except ssl.SSLError as error:
            raise _unfit("CLIENT_FILE", settings.client_file, error) from None
    return context


def handshake_fault(settings: Kafka) -> str | None:
    """Try a handshake with each broker; why the first that fails does so, or None if all succeed.

    kafka-python only says that its time has run out, and why in its log.
    """
    context = client_context(settings)
    for address in settings.bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        host = host.strip("[]")
        try:
            with (
                socket.create_connection((host, int(port)), timeout=_PROBE_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=host) as guarded,
            ):
                # In TLS 1.3 a broker refuses a client's certificate only after the handshake.
                guarded.recv(1)
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        except ssl.SSLError as error:
            return reason(error)
        except (OSError, ValueError):
            continue  # away, or silent as a content broker is
    return None


def reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason as words: TLSV13_ALERT_CERTIFICATE_REQUIRED -> tlsv13 alert certificate required."""
    return (error.reason or type(error).__name__).replace("_", " ").lower()


def _unfit(key: str, file: str, error: ssl.SSLError) -> SegueError:
    return SegueError(f"SEGUE_KAFKA__{key} {file} is not what it should be: {reason(error)}")
