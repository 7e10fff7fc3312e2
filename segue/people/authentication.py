"""Signing up and logging in, by name and password."""

from __future__ import annotations

import re
import threading
import unicodedata
import uuid
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from segue.people.accounts import Account, Accounts, ListenerTaken, NameTaken, folded_name
from segue.people.login_failures import LoginFailures, of_address, of_name, of_sign_up
from segue.phrases import marked, phrase
from segue.storage.store import Store

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256
_NAME = re.compile(r"x[x .'_-]{0,30}x")
"""A name in which each letter, digit and mark has become an x."""
_AT_ONCE = threading.BoundedSemaphore(2)  # a hash needs 64 MB and one core
HASHER = PasswordHasher()


class AccountError(ValueError):
    """A sign-up or log-in failed; the message is for the user."""


class TooManyGuesses(AccountError):
    """Too many wrong passwords, for this name or from this address."""


class Authenticator:
    """Signs people up and logs them in. Thread-safe."""

    def __init__(self, store: Store, *, failures: LoginFailures | None = None) -> None:
        self._accounts = Accounts(store)
        self._failures = failures or LoginFailures(store)
        self._hasher = HASHER
        self._nobody = _hash_of_nobody(self._hasher)

    def sign_up(self, name: str, password: str, *, guest_id: str | None, address: str) -> Account:
        """Create an account; a guest who signs up keeps their plays.

        Raises
        ------
        AccountError
            The name is taken or invalid, or the password is too short or too long.
        """
        name = _checked_name(name)
        _check_password(password)
        source = of_sign_up(address)
        self._guard(source)
        self._failures.count(source)
        return self._add(name, password, guest_id=guest_id)

    def create(self, name: str, password: str) -> Account:
        """Create an account for somebody else, as an operator.

        Raises
        ------
        AccountError
            The name is taken or invalid, or the password is too short or too long.
        """
        name = _checked_name(name)
        _check_password(password)
        return self._add(name, password, guest_id=None)

    def change_password(self, account: Account, password: str, *, new: str, address: str) -> None:
        """Change the password of somebody who knows it.

        Raises
        ------
        TooManyGuesses
            As for :meth:`log_in`.
        AccountError
            The password is wrong, or the new one is too short or too long.
        """
        _check_password(new)
        try:
            self.log_in(account.name, password, address=address)
        except TooManyGuesses:
            raise
        except AccountError:
            raise AccountError(marked("The present password is wrong.")) from None
        self.set_password(account, new)

    def set_password(self, account: Account, password: str) -> None:
        """Change the password.

        Raises
        ------
        AccountError
            The password is too short or too long.
        """
        _check_password(password)
        self._accounts.set_password(account.name, password_hash=self._hash(password))
        self._failures.clear(of_name(account.name))

    def _add(self, name: str, password: str, *, guest_id: str | None) -> Account:
        password_hash = self._hash(password)
        for user_id in filter(None, (guest_id, f"user-{uuid.uuid4().hex}")):
            account = Account(user_id, name)
            try:
                self._accounts.add(account, password_hash=password_hash)
            except ListenerTaken:
                continue  # the guest has signed up in another tab
            except NameTaken:
                raise AccountError(phrase("The name {name} is taken.", name=name)) from None
            return account
        raise AccountError(marked("The account could not be created. Please try again."))

    def log_in(self, name: str, password: str, *, address: str) -> Account:
        """Find the account for a name and a password.

        An unknown name takes as long as a wrong password and gives the same message.

        Raises
        ------
        TooManyGuesses
            See :class:`segue.people.login_failures.LoginFailures`.
        AccountError
            The name or the password is wrong, or the account is disabled.
        """
        sources = [of_name(name), of_address(address)]
        self._guard(*sources)
        stored = self._accounts.stored(name)
        right = self._verify(stored["password"] if stored else self._nobody, password[: LONGEST_PASSWORD + 1])
        if stored is None or not right:
            for source in sources:
                self._failures.count(source)
            raise AccountError(marked("The name or the password is wrong."))
        self._failures.clear(sources[0])
        if stored.get("disabled_at"):
            raise AccountError(marked("This account is disabled: ask the person who runs this server."))
        return Account(stored["user_id"], stored["name"])

    def _guard(self, *sources: str) -> None:
        if any(self._failures.exceeded(source) for source in sources):
            raise TooManyGuesses(marked("Too many attempts: please wait a quarter of an hour."))

    def _hash(self, password: str) -> str:
        with _AT_ONCE:
            return self._hasher.hash(password)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            with _AT_ONCE:
                return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):  # a wrong password, or a text that is no hash
            return False


@cache
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """The hash of a random password, to verify against for an unknown name.

    It is made once, and in advance: it takes a quarter of a second, and an unknown name must not take longer.
    """
    return hasher.hash(uuid.uuid4().hex)


def _check_password(password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            phrase(
                "A password has {least} to {most} characters, not {count}.",
                least=SHORTEST_PASSWORD,
                most=LONGEST_PASSWORD,
                count=len(password),
            )
        )


def _checked_name(name: str) -> str:
    name = folded_name(name)
    letters = "".join("x" if unicodedata.category(sign)[0] in "LMN" else sign for sign in name)
    if not _NAME.fullmatch(letters) or unicodedata.category(name[0])[0] == "M":
        raise AccountError(
            marked(
                "A name has 2 to 32 letters, digits, spaces or . ' - _, and a letter or digit at both ends."
            )
        )
    return name
