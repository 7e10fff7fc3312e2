"""The connection settings of Kafka and MongoDB, with user and certificates. No `repr` shows a secret."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from segue.settings.values import PemFile, Positive, Section, Switch, TakesEffect


class KafkaSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    bootstrap_servers: str
    security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    username: str
    password: SecretStr
    tls_ca_file: PemFile
    tls_certificate_key_file: PemFile
    plays_topic: str
    rejected_topic: str
    partitions: Annotated[int, TakesEffect("when the topic is created")] = Field(ge=1)
    manage_topics: Switch
    replication_factor: Annotated[int, TakesEffect("when the topic is created")] = Field(ge=1)

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

    uri: str = Field(repr=False)
    """May contain a password: use segue.storage.mongo.shown(uri) in messages."""
    username: str
    password: SecretStr
    tls: Switch
    tls_ca_file: PemFile
    tls_certificate_key_file: PemFile
    database: str
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
