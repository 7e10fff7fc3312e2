"""Settings of the dashboard."""

from __future__ import annotations

from segue.settings.values import Duration, Section


class DashboardSettings(Section):
    port: int
    refresh_interval: Duration
    operators: tuple[str, ...]
    local_operator: bool
    base_url: str
    oidc_config_file: str
