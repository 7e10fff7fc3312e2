"""Settings of the server that sends mail. No `repr` shows the password."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from segue.settings.values import PemFile, Section


class MailSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard"

    host: str
    port: int = Field(ge=1, le=65_535)
    username: str
    password: SecretStr
    sender: str
    tls: Literal["starttls", "on", "off"]
    tls_ca_file: PemFile

    @model_validator(mode="after")
    def _fits(self) -> MailSettings:
        if bool(self.username) != bool(self.password.get_secret_value()):
            raise ValueError("username and password go together")
        if self.username and self.tls == "off":
            raise ValueError('a password is not sent without TLS: set tls to "starttls" or "on"')
        if self.host and "@" not in self.sender:
            raise ValueError('host needs the sender, an address such as "segue@music.example"')
        if self.tls_ca_file and self.tls == "off":
            raise ValueError('tls_ca_file needs tls = "starttls" or "on"')
        return self
