"""Log-in of programs by a secret alone: an app password (OpenSubsonic, ListenBrainz), or an API key.

Wrong ones of both kinds count together, by the address.
"""

from __future__ import annotations

import hashlib

from segue.people.accounts import Accounts
from segue.people.api_keys import ApiKeys, Use
from segue.people.app_passwords import AppPassword, AppPasswords
from segue.people.audit import AuditLog
from segue.people.authentication import TooManyGuesses
from segue.people.login_failures import LoginFailures, of_app
from segue.storage.store import Store


class AppLogIn:
    """Finds the app password or the API key of a request. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._passwords, self._keys = AppPasswords(store), ApiKeys(store)
        self._accounts, self._failures, self._audit = Accounts(store), LoginFailures(store), AuditLog(store)

    def used(self, secret: str, *, address: str) -> AppPassword | None:
        """The app password with this text; None if there is none, which counts as a failed attempt.

        That of a disabled account counts as none.

        Raises
        ------
        TooManyGuesses
            The address has guessed too often.
        """
        found = self._passwords.by_secret(secret)
        if found is None or self._accounts.is_disabled(found.user_id):
            self._refuse(address, reason="wrong app password")
            return None
        return found

    def request(self, key: str, *, address: str) -> Use | None:
        """Count a request with an API key; None if there is no such key, which counts as a failed attempt.

        That of a disabled account counts as none.

        Raises
        ------
        TooManyGuesses
            The address has guessed too often.
        """
        use = self._keys.use(key)
        if use is None or self._accounts.is_disabled(use.key.user_id):
            self._refuse(address, reason="wrong API key")
            return None
        return use

    def _refuse(self, address: str, *, reason: str) -> None:
        # A right one is never refused: nobody guesses a hundred random bits, and an app with a password that
        # was revoked must not lock out the others of its network.
        if self._failures.take(of_app(address)):
            raise TooManyGuesses
        self._audit.note("log-in-refused", by="app", address=address, reason=reason)

    def note_use(self, used: AppPassword, *, client: str) -> None:
        """Note that an app used the password."""
        self._passwords.note_use(used, client=client)


OF_APP = "app-"
FROM_PROGRAMS = "scrobble-"
"""Beginning of the `session_id` of plays that another program has scrobbled to Segue, or that were heard on
another music server: it may have told other services of them, too."""


def session_of_app(user_id: str, client: str, password_id: str = "", *, kind: str = OF_APP) -> str:
    """The `session_id` of the plays of an app; `password_id` is empty for the account's own password."""
    text = f"{user_id}\n{client}\n{password_id}"
    return f"{kind}{hashlib.sha256(text.encode()).hexdigest()[:16]}"
