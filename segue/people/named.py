"""The accounts that a setting names, such as `dashboard.operators`.

An entry is one of:

- the listener's id, which `account list` shows: nobody else can get it;
- the issuer and the subject of a user of an identity provider, such as "https://id.example 4711";
- the name of an account with a password. Nobody can sign up with a name that a setting names, and the names
  of an identity provider's users, which they may choose themselves, do not count.
"""

from __future__ import annotations

from collections.abc import Iterable

from segue.people.accounts import name_key
from segue.people.handovers import PREFIX, id_of

_ISSUERS = ("https://", "http://")


class NamedAccounts:
    """The accounts of a list in the settings."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries = tuple(entries)
        self._ids = {*self.entries, *(id_of(*one.split(maxsplit=1)) for one in self.entries if _is_user(one))}
        self.names = frozenset(name_key(one) for one in self.entries if not _is_user(one))
        """The keys of the entries that may be names."""

    def has(self, user_id: str, name: str | None) -> bool:
        """Whether the listener of an id, whose account has this name, is one of them; guests have no name."""
        if user_id in self._ids:
            return True
        return name is not None and not user_id.startswith(PREFIX) and name_key(name) in self.names


def _is_user(entry: str) -> bool:
    return entry.startswith(_ISSUERS) and len(entry.split(maxsplit=1)) == 2
