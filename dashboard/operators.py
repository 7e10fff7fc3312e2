"""Operators, who run the service: they see the pages about all listeners.

An operator is a listener whom `dashboard.operators` names, or a browser that has opened a link for operators
(:mod:`segue.people.operator_links`). With `dashboard.local_operator`, while no operator is named, it is every
visitor whose browser names this machine in its requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from segue.people.accounts import Accounts
from segue.people.login_sessions import Listener
from segue.people.named import NamedAccounts
from segue.settings import DashboardSettings

_named = cache(NamedAccounts)
"""By the setting: fragments of open pages and each call of an app ask."""
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
    if listener is not None and (
        listener.operator or _named(settings.operators).has(listener.user_id, listener.name)
    ):
        return True
    # On another address anybody could send a Host header with a loopback name.
    local = settings.local_operator and not settings.operators and settings.is_local
    return local and _on_this_machine(headers)


def entries_by_id(settings: DashboardSettings, accounts: Accounts) -> Iterator[str]:
    """Lines that give the ids of the accounts that `dashboard.operators` has by name."""
    for entry in settings.operators:
        account = accounts.named(entry)
        if account is not None:
            yield (
                f'dashboard.operators has {account.name} by name: write "{account.user_id}" instead, '
                "which stays the same if the account is created anew by somebody else"
            )


def _on_this_machine(headers: Mapping[str, str]) -> bool:
    """Whether a request names a loopback host and was not forwarded by a proxy."""
    lower = {name.lower(): value for name, value in headers.items()}
    host = lower.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.lower() in _THIS_MACHINE and not _FORWARDED & lower.keys()
