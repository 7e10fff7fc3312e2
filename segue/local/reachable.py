"""Messages for the terminal about the dashboard's address and log-in."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from segue.people.audit import AuditLog
from segue.people.operator_links import PATH, OperatorLinks
from segue.settings import DashboardSettings
from segue.storage.store import Store


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
    """Lines about access to the dashboard and the first account; empty for the loopback address."""
    lines = []
    if not settings.is_local:
        lines.append(f"the dashboard listens on {settings.host}: other machines can reach it, without TLS")
    if settings.login_required:
        name = "" if database == "segue" else f"SEGUE_MONGO__DATABASE={database} "
        lines.append("log-in is required; create the first account with:")
        lines.append(f"  {name}./run.sh account create NAME")
    elif not settings.is_local:
        lines.append("log-in is not required (dashboard.require_login): anybody who can reach it may listen")
    return lines


def operator_line(settings: DashboardSettings, store: Store, *, address: str) -> str | None:
    """A line with a new link for operators; None if the settings name operators."""
    if settings.operators:
        return None
    return f"Operator link, valid once and for an hour: {operator_link(store, address)}"


def operator_link(store: Store, address: str) -> str:
    """A new link that makes a browser an operator's; a command prints it."""
    code = OperatorLinks(store).create()
    AuditLog(store).note("operator-link-created", by="command")
    return f"{address}{PATH}?code={code}"
