"""Operators, who run the service: they see Live, Operations and Audience, the pages of all listeners.

An operator is a listener whose account the settings name. While they name none, everybody who opens
the pages on the machine itself is one, for trying things out; `dashboard.local_operator` ends that.
"""

from __future__ import annotations

from collections.abc import Mapping

from segue.people.accounts import name_key
from segue.people.login_sessions import Listener
from segue.settings import DashboardSettings

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "[::1]"})
_FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"})


def is_operator(
    listener: Listener | None, settings: DashboardSettings, *, headers: Mapping[str, str]
) -> bool:
    """Whether a visitor may open the pages of all listeners.

    Parameters
    ----------
    headers
        Of the request, in any case; they tell whether it was made on this machine.
    """
    if settings.operators:
        named = {name_key(name) for name in settings.operators}
        return listener is not None and listener.name is not None and name_key(listener.name) in named
    # Another machine could name any host in its headers.
    return settings.local_operator and settings.is_local and _on_this_machine(headers)


def _on_this_machine(headers: Mapping[str, str]) -> bool:
    """Asked for by a loopback name, and not passed on by a proxy that stands before the dashboard."""
    lower = {name.lower(): value for name, value in headers.items()}
    host = lower.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.lower() in _THIS_MACHINE and not _FORWARDED & lower.keys()
