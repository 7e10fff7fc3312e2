"""Log-in of apps by an app password alone: an API key of OpenSubsonic, a token of ListenBrainz."""

from __future__ import annotations

import hashlib

from segue.people.app_passwords import AppPassword, AppPasswords
from segue.people.audit import AuditLog
from segue.people.authentication import TooManyGuesses
from segue.people.login_failures import LoginFailures, of_app
from segue.storage.store import Store


class AppLogIn:
    """Finds the app password of a request. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._passwords, self._failures = AppPasswords(store), LoginFailures(store)
        self._audit = AuditLog(store)

    def used(self, secret: str, *, address: str) -> AppPassword | None:
        """The app password with this text; None if there is none, which counts as a failed attempt.

        Raises
        ------
        TooManyGuesses
            The address has guessed too often.
        """
        found = self._passwords.by_secret(secret)
        if found is None:
            # A right one is never refused: nobody guesses a hundred random bits, and an app with a password
            # that was revoked must not lock out the others of its network.
            if self._failures.take(of_app(address)):
                raise TooManyGuesses
            self._audit.note("log-in-refused", by="app", address=address, reason="wrong app password")
        return found

    def note_use(self, used: AppPassword, *, client: str) -> None:
        """Note that an app used the password."""
        self._passwords.note_use(used, client=client)


def session_of_app(user_id: str, client: str, password_id: str = "") -> str:
    """The `session_id` of the plays of an app; `password_id` is empty for the account's own password."""
    text = f"{user_id}\n{client}\n{password_id}"
    return f"app-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
