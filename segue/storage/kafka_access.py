"""Checks certificate, SASL mechanism, user and password against Kafka before a client is created.

kafka-python retries until its timeout and often cannot report the cause: a broker that refuses a client
closes the connection, and the client only sees the closed connection.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from kafka.errors import KafkaError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError, for_code
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.metadata import ApiVersionsRequest
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from segue.errors import SegueError
from segue.settings import KafkaSettings

_SECONDS = 2.0


def knock(settings: KafkaSettings, options: dict[str, Any]) -> None:
    """Return if a broker accepts a client with these kafka-python options, or if no broker refuses it.

    A broker that is unreachable or sends invalid answers may be starting; the client handles that case.

    Raises
    ------
    SegueError
        No broker accepts the client, and at least one refuses it; the message names the settings to check.
    """
    refusal = None
    for address in settings.bootstrap_servers.split(","):
        try:
            _enter(address.strip(), options)
            return
        except SegueError as error:
            refusal = error
        except ssl.SSLError as error:
            refusal = _distrust(address, error) or refusal
        except UnsupportedSaslMechanismError:
            refusal = SegueError(
                f"Kafka at {address} does not offer {settings.sasl_mechanism}: "
                "set SEGUE_KAFKA__SASL_MECHANISM"
            )
        except SaslAuthenticationFailedError:
            refusal = refused_user(settings)
        except (OSError, ValueError, KafkaError):
            continue
    if refusal:
        raise refusal


def refused_user(settings: KafkaSettings) -> SegueError:
    return SegueError(
        f"Kafka at {settings.bootstrap_servers} refused the user {settings.username!r} "
        f"with {settings.sasl_mechanism}: "
        "check SEGUE_KAFKA__USERNAME, SEGUE_KAFKA__PASSWORD and SEGUE_KAFKA__SASL_MECHANISM"
    )


def _distrust(address: str, error: ssl.SSLError) -> SegueError | None:
    """The error of a certificate that one side rejects; None if the broker may just be stopping."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return SegueError(
            f"Kafka at {address}: TLS failed ({error.verify_message}): check SEGUE_KAFKA__TLS_CA_FILE"
        )
    if "CERTIFICATE" in (error.reason or "") or "UNKNOWN_CA" in (error.reason or ""):
        return SegueError(
            f"Kafka at {address} does not accept our certificate ({error.reason}): "
            "check SEGUE_KAFKA__TLS_CERTIFICATE_KEY_FILE"
        )
    return None


def _enter(address: str, options: dict[str, Any]) -> None:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    connection = socket.create_connection((host, int(port)), timeout=_SECONDS)
    if context := options.get("ssl_context"):
        with connection as plain:
            connection = context.wrap_socket(plain, server_hostname=host)
    with connection:
        protocol = KafkaProtocol(client_id="segue")
        if "sasl_mechanism" in options:
            _authenticate(connection, protocol, options)
        else:
            # In TLS 1.3 a broker rejects a client certificate only after the handshake.
            _ask(connection, protocol, ApiVersionsRequest(), version=0)


def _authenticate(connection: socket.socket, protocol: KafkaProtocol, options: dict[str, Any]) -> None:
    name = options["sasl_mechanism"]
    _ask(connection, protocol, SaslHandshakeRequest(mechanism=name), version=1)
    mechanism = get_sasl_mechanism(name)(**options)
    while not mechanism.is_done():
        answer = _ask(connection, protocol, SaslAuthenticateRequest(mechanism.auth_bytes()), version=0)
        mechanism.receive(answer.auth_bytes)


def _ask(connection: socket.socket, protocol: KafkaProtocol, request: Any, *, version: int) -> Any:
    """Send a request and return its response; raises the Kafka error that the response has."""
    request.API_VERSION = version
    protocol.send_request(request)
    connection.sendall(protocol.send_bytes())
    answers: list[Any] = []
    while not answers:
        data = connection.recv(65536)
        if not data:
            raise ConnectionError("closed without an answer")
        answers = protocol.receive_bytes(data)
    answer = answers[0][1]
    if answer.error_code:
        raise for_code(answer.error_code)()
    return answer
