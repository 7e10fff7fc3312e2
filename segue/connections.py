"""The settings by which Kafka and MongoDB are reached, with user and certificates; no `repr` has a secret."""

from __future__ import annotations

import os
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from segue.places import absolute


def _pem(value: object) -> object:
    """A file that is there and can be read, or the empty text for none."""
    if not isinstance(value, str) or not value:
        return value
    file = absolute(value)
    if not file.is_file() or not os.access(file, os.R_OK):
        raise ValueError(f"no file {file} that this user can read")
    return str(file)


PemFile = Annotated[str, BeforeValidator(_pem)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(Section):
    bootstrap: str
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    user: str
    password: SecretStr
    ca_file: PemFile
    client_file: PemFile
    plays_topic: str
    rejected_topic: str
    partitions: int = Field(ge=1)
    replication: int = Field(ge=1)

    @property
    def tls(self) -> bool:
        return self.security.endswith("ssl")

    @property
    def sasl(self) -> bool:
        return self.security.startswith("sasl_")

    @model_validator(mode="after")
    def _fits(self) -> KafkaSettings:
        """What would have no effect is refused, lest somebody takes a connection for guarded that is not."""
        if self.security != "plaintext" and not self.bootstrap:
            raise ValueError(f"security {self.security} is for a bootstrap of your own; none is set")
        if self.sasl and not (self.user and self.password.get_secret_value()):
            raise ValueError(f"security {self.security} needs user and password")
        if (self.user or self.password.get_secret_value()) and not self.sasl:
            raise ValueError(f"user and password need security sasl_ssl, not {self.security}")
        if (self.ca_file or self.client_file) and not self.tls:
            raise ValueError(f"ca_file and client_file need security ssl or sasl_ssl, not {self.security}")
        return self


class MongoSettings(Section):
    uri: str = Field(repr=False)
    """May hold a password: say segue.storage.mongo.shown(uri) where it is shown."""
    user: str
    password: SecretStr
    tls: bool
    ca_file: PemFile
    client_file: PemFile
    database: str
    timeout_ms: int = Field(ge=1)

    @model_validator(mode="after")
    def _fits(self) -> MongoSettings:
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise ValueError("user and password go together")
        if (self.ca_file or self.client_file) and not self.tls:
            raise ValueError("ca_file and client_file need tls = true")
        if (self.user or self.tls) and not self.uri:
            raise ValueError("user and tls are for a uri of your own; none is set")
        return self
