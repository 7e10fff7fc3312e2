"""Settings of the dashboard."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from segue.settings.values import Duration, Port, Section


class DashboardSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard"

    port: Port
    refresh_interval: Duration = Field(ge=timedelta(milliseconds=100))
    operators: tuple[str, ...]
    local_operator: bool
    base_url: str
    oidc_config_file: str
