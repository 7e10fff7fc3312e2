"""The connection settings of Kafka and MongoDB, with user and certificates. No `repr` shows a secret."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from segue.settings.values import PemFile, Positive, Section, Switch, TakesEffect, matching

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/,\[\]]+):(\d{1,5})")
_Topic = Annotated[
    str,
    matching(
        r"(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}",
        'the name of a topic has 1 to 249 letters, digits or the characters ".", "_" and "-"',
    ),
]


class KafkaSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    bootstrap_servers: str
    security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    username: str
    password: SecretStr
    tls_ca_file: PemFile
    tls_certificate_key_file: PemFile
    plays_topic: _Topic
    rejected_topic: _Topic
    partitions: Annotated[int, TakesEffect("when the topic is created")] = Field(ge=1)
    manage_topics: Switch
    replication_factor: Annotated[int, TakesEffect("when the topic is created")] = Field(ge=1)

    @field_validator("bootstrap_servers")
    @classmethod
    def _are_addresses(cls, servers: str) -> str:
        for server in servers.split(",") if servers else ():
            match = _ADDRESS.fullmatch(server.strip())
            if match is None or not 0 < int(match[2]) < 2**16:
                raise ValueError('it must be addresses such as "kafka-1:9092,kafka-2:9092"')
        return ",".join(server.strip() for server in servers.split(","))

    @property
    def tls(self) -> bool:
        return self.security_protocol.endswith("ssl")

    @property
    def sasl(self) -> bool:
        return self.security_protocol.startswith("sasl_")

    @model_validator(mode="after")
    def _fits(self) -> KafkaSettings:
        """Reject settings without effect, so that no connection is unprotected by mistake."""
        protocol = self.security_protocol
        if self.plays_topic == self.rejected_topic:
            raise ValueError("plays_topic and rejected_topic must be two topics")
        if protocol != "plaintext" and not self.bootstrap_servers:
            raise ValueError(f"security_protocol {protocol} needs bootstrap_servers; none are set")
        if self.sasl and not (self.username and self.password.get_secret_value()):
            raise ValueError(f"security_protocol {protocol} needs username and password")
        if (self.username or self.password.get_secret_value()) and not self.sasl:
            raise ValueError(f"username and password need security_protocol sasl_ssl, not {protocol}")
        if (self.tls_ca_file or self.tls_certificate_key_file) and not self.tls:
            raise ValueError(
                "tls_ca_file and tls_certificate_key_file need security_protocol ssl or sasl_ssl, "
                f"not {protocol}"
            )
        return self


class MongoSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    uri: Annotated[
        str,
        matching(r"(mongodb(\+srv)?://\S+)?", 'it must begin with "mongodb://" or "mongodb+srv://"'),
    ] = Field(repr=False)
    """May contain a password: use segue.storage.mongo.shown(uri) in messages."""
    username: str
    password: SecretStr
    tls: Switch
    tls_ca_file: PemFile
    tls_certificate_key_file: PemFile
    database: Annotated[
        str,
        matching(r"""[^/\\. "$*<>:|?\x00]{1,63}""", 'it must have 1 to 63 characters, none of /\\. "$*<>:|?'),
    ]
    timeout: Positive

    @model_validator(mode="after")
    def _fits(self) -> MongoSettings:
        if bool(self.username) != bool(self.password.get_secret_value()):
            raise ValueError("username and password go together")
        if (self.tls_ca_file or self.tls_certificate_key_file) and self.tls != "on":
            raise ValueError('tls_ca_file and tls_certificate_key_file need tls = "on"')
        if (self.username or self.tls != "auto") and not self.uri:
            raise ValueError("username and tls need a uri; none is set")
        return self
