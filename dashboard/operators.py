"""Operators, who run the service: they see Live, Operations and Audience, the pages of all listeners.

An operator is a listener whose account `dashboard.operators` names. While it names none, every visitor from
the same machine is an operator, for trying Segue out; `dashboard.local_operator = false` prevents that.
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
        Of the request, in upper or lower case. They show whether it comes from this machine.
    """
    if settings.operators:
        named = {name_key(name) for name in settings.operators}
        return listener is not None and listener.name is not None and name_key(listener.name) in named
    # On another address anybody could send a Host header with a loopback name.
    return settings.local_operator and settings.is_local and _on_this_machine(headers)


def _on_this_machine(headers: Mapping[str, str]) -> bool:
    """Whether a request names a loopback host and was not forwarded by a proxy."""
    lower = {name.lower(): value for name, value in headers.items()}
    host = lower.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.lower() in _THIS_MACHINE and not _FORWARDED & lower.keys()
