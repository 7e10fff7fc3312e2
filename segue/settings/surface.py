"""Settings of the dashboard."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from segue.settings.values import Duration, Network, OptionalPath, Port, Section, Switch


class DashboardSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard"

    host: str = Field(min_length=1)
    require_login: Switch
    port: Port
    metrics_port: Port
    refresh_interval: Duration = Field(ge=timedelta(milliseconds=100))
    operators: tuple[Annotated[str, Field(min_length=1)], ...]
    local_operator: bool
    base_url: str
    trusted_proxies: tuple[Network, ...]
    guests_per_address: int = Field(ge=0)
    allowed_hosts: tuple[Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9.-]+$")], ...]
    oidc_config_file: OptionalPath

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the pages."""
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"

    @property
    def login_required(self) -> bool:
        """Whether pages and routes require log-in."""
        return self.require_login == "on" or (self.require_login == "auto" and not self.is_local)
