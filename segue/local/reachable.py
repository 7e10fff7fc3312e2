"""Where the dashboard can be reached, and how to get in, in words for the terminal."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from segue.settings import DashboardSettings


def address_of(settings: DashboardSettings, *, port: int) -> str:
    """The address at which this machine opens the dashboard."""
    host = settings.host
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            host = "127.0.0.1"
        elif address.version == 6:
            host = f"[{host}]"
    return f"http://{host}:{port}"


def notices(settings: DashboardSettings, *, database: str) -> list[str]:
    """Lines on who reaches the dashboard and how to make the first account; none for the loopback address."""
    lines = []
    if not settings.is_local:
        lines.append(f"it listens on {settings.host}: other machines can reach it, without TLS")
    if settings.login_required:
        name = "" if database == "segue" else f"SEGUE_MONGO__DATABASE={database} "
        lines.append("log-in is required; make the first account with:")
        lines.append(f"  {name}./run.sh account create NAME")
    elif not settings.is_local:
        lines.append("log-in is not required (dashboard.require_login): everybody who reaches it may listen")
    if not settings.is_local and not settings.operators:
        lines.append("nobody sees Live, Operations and Audience until dashboard.operators names an account")
    return lines
