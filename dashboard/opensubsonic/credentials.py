"""The credentials of a call: a name with a password, a name with a token and a salt, or an API key.

The cookie of the pages opens nothing here, so that any page may call the API (CORS) without acting for its
visitor. Wrong passwords, tokens and keys count as failed attempts to log in, as on the pages.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

from segue.dashboard.opensubsonic.answers import unavailable
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, missing
from segue.dashboard.opensubsonic.parameters import Parameters
from segue.people.accounts import Account, Accounts, StoredAccount, name_key
from segue.people.app_log_in import AppLogIn, session_of_app
from segue.people.app_passwords import AppPassword, AppPasswords
from segue.people.audit import AuditLog
from segue.people.authentication import LONGEST_PASSWORD, AccountError, Authenticator, Busy, TooManyGuesses
from segue.people.login_failures import LoginFailures, of_app, sources
from segue.people.secret_box import SecretBox, UnreadableSecret
from segue.people.signatures import Signatures
from segue.storage.store import Store

_REMEMBERED_SECONDS = 300.0
_MOST_REMEMBERED = 1000
log = logging.getLogger(__name__)
_NOTED_EVERY = timedelta(days=1)
_ENCODED = "enc:"
_LONGEST_CLIENT = 100
_WRONG = "Wrong user name or password."


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The listener in whose name an app calls."""

    user_id: str
    name: str
    client: str
    """The name of the app, and of the device if it logged in with an app password."""
    session_id: str
    """The `session_id` of plays."""
    checked: str = field(default="", repr=False)
    """The password hash of the account, if the call has the password of the account itself."""


class Credentials:
    """Checks credentials. Thread-safe."""

    def __init__(
        self, store: Store, authenticator: Authenticator, box: SecretBox, *, names: Signatures
    ) -> None:
        """`box` has the key of app passwords; `names` chooses the answers to names that nobody has."""
        self._names = names
        self._accounts, self._app_passwords = Accounts(store), AppPasswords(store)
        self._authenticator, self._box = authenticator, box
        self._failures, self._app_log_in = LoginFailures(store), AppLogIn(store)
        self._audit = AuditLog(store)
        self._right = _RightPasswords()

    def caller(self, parameters: Parameters, *, address: str) -> Caller:
        """The caller of a call with these parameters, from this network address.

        Raises
        ------
        ProtocolError
            Parameters are missing or contradict each other, or the credentials are wrong.
        """
        client = (parameters.optional("c") or "unknown")[:_LONGEST_CLIENT]
        key, name = parameters.optional("apiKey"), parameters.optional("u")
        password, token = parameters.optional("p"), parameters.optional("t")
        if key is not None:
            if any(value is not None for value in (name, password, token, parameters.optional("s"))):
                raise ProtocolError(Code.CONFLICTING_MECHANISMS, "Send an API key without a user name.")
            return self._by_app_password(self._by_key(key, address=address), client)
        if name is None:
            raise missing("u")
        if token is not None:
            if password is not None:
                raise ProtocolError(Code.CONFLICTING_MECHANISMS, "Send a password or a token, not both.")
            salt = parameters.text("s")
            return self._by_app_password(self._by_token(name, token, salt, address=address), client)
        if password is None:
            raise missing("p")
        return self._by_password(name, decoded(password), client, address=address)

    def _by_key(self, key: str, *, address: str) -> AppPassword:
        try:
            found = self._app_log_in.used(key, address=address)
        except TooManyGuesses as error:
            raise ProtocolError(Code.WRONG_CREDENTIALS, str(error)) from None
        if found is None:
            raise ProtocolError(Code.INVALID_API_KEY, "The API key is not valid: it may have been revoked.")
        return found

    def _by_token(self, name: str, token: str, salt: str, *, address: str) -> AppPassword:
        attempt = sources(name, address)
        self._guard(*attempt)
        account = self._accounts.named(name)
        stored = self._app_passwords.named(name, owner=account.user_id if account else None)
        try:
            found = self._app_passwords.by_token(stored, token, salt, box=self._box)
        except UnreadableSecret as error:
            refusal = self._without_tokens(address)
            if refusal.code == Code.TOKENS_NOT_SUPPORTED:  # not once for each call of anybody
                log.warning("%s", error)
            raise refusal from None
        if found is not None and not self._accounts.is_disabled(found.user_id):
            return found
        if not stored and (account is not None or self._seems_without(name)):
            raise self._without_tokens(address)
        for source in attempt:
            self._failures.count(source)
        user_id = stored[0]["user_id"] if stored else None
        self._audit.note(
            "log-in-refused", by="app", user_id=user_id, address=address, reason="wrong app password"
        )
        raise ProtocolError(Code.WRONG_CREDENTIALS, _WRONG)

    def _without_tokens(self, address: str) -> ProtocolError:
        """The error for a token that cannot be checked. Such calls are limited, too."""
        if self._failures.take(of_app(address)):
            return ProtocolError(Code.WRONG_CREDENTIALS, str(TooManyGuesses()))
        return ProtocolError(
            Code.TOKENS_NOT_SUPPORTED,
            "There is no account of this name with an app password that Segue can read: check the name, or"
            " create an app password on the page You and log in with it.",
        )

    def _seems_without(self, name: str) -> bool:
        """Whether a name that nobody has is answered as that of an account without app passwords.

        Half of them are, always the same ones, so that the answer does not tell which accounts there are.
        """
        return self._names.of(name_key(name)).lower() < "m"

    def _by_password(self, name: str, password: str, client: str, *, address: str) -> Caller:
        used = self._app_passwords.by_secret(password)
        own = used is not None and name_key(used.name) == name_key(name)
        if used is not None and own and not self._accounts.is_disabled(used.user_id):
            return self._by_app_password(used, client)
        stored = self._accounts.stored(name)
        if stored is not None and not stored.get("disabled_at") and self._right.knows(stored, password):
            account = Account(stored["user_id"], stored["name"], checked=stored["password"])
        else:
            account = self._log_in(name, password, address=address)
            if stored is not None:
                self._right.note(stored, password)
            # An app sends the password with each call: an entry for each would say nothing.
            if not self._audit.has_app_log_in(account.user_id, address=address, within=_NOTED_EVERY):
                self._audit.note("log-in", by="app", user_id=account.user_id, address=address)
        return Caller(
            user_id=account.user_id,
            name=account.name,
            client=client,
            session_id=session_of_app(account.user_id, client),
            checked=account.checked,
        )

    def _log_in(self, name: str, password: str, *, address: str) -> Account:
        try:
            return self._authenticator.log_in(
                name, password[: LONGEST_PASSWORD + 1], address=address, by="app"
            )
        except TooManyGuesses as error:
            raise ProtocolError(Code.WRONG_CREDENTIALS, str(error)) from None
        except Busy as error:
            raise unavailable(str(error)) from None
        except AccountError:
            raise ProtocolError(Code.WRONG_CREDENTIALS, _WRONG) from None

    def _by_app_password(self, used: AppPassword, client: str) -> Caller:
        self._app_passwords.note_use(used, client=client)
        return Caller(
            user_id=used.user_id,
            name=used.name,
            client=f"{client} ({used.device})",
            session_id=session_of_app(used.user_id, client, used.password_id),
        )

    def _guard(self, *sources: str) -> None:
        if any(self._failures.exceeded(source) for source in sources):
            raise ProtocolError(Code.WRONG_CREDENTIALS, str(TooManyGuesses()))


class _RightPasswords:
    """Passwords of accounts that were right lately: to check one costs 64 MB and a quarter of a second.

    It keeps digests, with a random key of this process, of a password and the stored hash. So it knows no
    password that has been changed since.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._until: dict[bytes, float] = {}

    def knows(self, stored: StoredAccount, password: str) -> bool:
        """Whether the password was right lately."""
        with self._lock:
            return time.monotonic() < self._until.get(self._digest(stored, password), 0.0)

    def note(self, stored: StoredAccount, password: str) -> None:
        """Note that the password is right."""
        with self._lock:
            if len(self._until) >= _MOST_REMEMBERED:
                self._until.clear()
            self._until[self._digest(stored, password)] = time.monotonic() + _REMEMBERED_SECONDS

    def _digest(self, stored: StoredAccount, password: str) -> bytes:
        return hmac.digest(self._key, f"{stored['password']}\n{password}".encode(), "sha256")


def decoded(password: str) -> str:
    """A password in clear text, or after `enc:` in hexadecimal UTF-8."""
    if not password.startswith(_ENCODED):
        return password
    try:
        return bytes.fromhex(password.removeprefix(_ENCODED)).decode()
    except ValueError:
        return password
