"""Signing up and logging in, by name and password."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from segue.people.accounts import (
    Account,
    Accounts,
    ListenerTaken,
    NameTaken,
    StoredAccount,
    folded_name,
    name_key,
)
from segue.people.audit import Action, AuditLog, By
from segue.people.login_failures import LoginFailures, of_device, of_sign_up, sources
from segue.people.names import has_shape, mixes_scripts, skeleton
from segue.phrases import marked, phrase
from segue.storage.store import Store

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256
_JUDGED = 32
"""Characters at each end of a password that are judged: the time grows with the square, to half a second."""
_LEAST_SCORE = 2
_AT_ONCE = threading.BoundedSemaphore(2)  # a hash needs 64 MB and one core
_MOST_WAITING = 8
_ADMITTED = threading.BoundedSemaphore(2 + _MOST_WAITING)
HASHER = PasswordHasher()


class AccountError(ValueError):
    """A sign-up or log-in failed; the message is for the user."""


class TooManyGuesses(AccountError):
    """Too many wrong passwords, for this name or from this address."""

    def __init__(self, *, first: bool = False) -> None:
        """`first`: this is the first attempt that is refused within the window."""
        super().__init__(marked("Too many attempts: please wait a quarter of an hour."))
        self.first = first


class Busy(AccountError):
    """Many people are logging in at this moment."""


class Authenticator:
    """Signs people up and logs them in. Thread-safe."""

    def __init__(
        self, store: Store, *, failures: LoginFailures | None = None, reserved: frozenset[str] = frozenset()
    ) -> None:
        """Nobody can sign up with the `reserved` names (keys by :func:`segue.people.accounts.name_key`)."""
        self._accounts, self._audit = Accounts(store), AuditLog(store)
        self._failures = failures or LoginFailures(store)
        self._reserved = reserved
        self._hasher = HASHER
        self._nobody = _hash_of_nobody(self._hasher)

    def sign_up(self, name: str, password: str, *, guest_id: str | None, address: str) -> Account:
        """Create an account; a guest who signs up keeps their plays.

        Raises
        ------
        AccountError
            The name is taken or invalid, or the password is too short, too long or easy to guess.
        """
        name = _checked_name(name)
        self._take(of_sign_up(address))
        _check_password(password, name)
        if {name_key(name), skeleton(name)} & self._reserved:
            raise AccountError(_taken(name))
        return self._add(name, password, guest_id=guest_id)

    def create(self, name: str, password: str) -> Account:
        """Create an account for somebody else, as an operator.

        Raises
        ------
        AccountError
            The name is taken or invalid, or the password is too short, too long or easy to guess.
        """
        name = _checked_name(name)
        _check_password(password, name)
        return self._add(name, password, guest_id=None)

    def change_password(
        self, account: Account, password: str, *, new: str, address: str, device: str | None = None
    ) -> None:
        """Change the password of somebody who knows it.

        Raises
        ------
        TooManyGuesses, Busy
            As for :meth:`log_in`.
        AccountError
            The password is wrong, or the new one is too short, too long or easy to guess.
        """
        known = self.confirm(
            account, password, address=address, device=device, refusal="password-change-refused"
        )
        self.set_password(account, new, former=known.checked)

    def confirm(
        self, account: Account, password: str, *, address: str, device: str | None, refusal: Action
    ) -> Account:
        """Check the password of somebody who is logged in, before a change that a thief would make.

        Returns the account, with the hash that was checked.

        Parameters
        ----------
        refusal
            The action of the audit log if the password is wrong.

        Raises
        ------
        TooManyGuesses, Busy
            As for :meth:`log_in`.
        AccountError
            The password is wrong.
        """
        try:
            return self._check(account.name, password, address=address, device=device, refusal=refusal)
        except (TooManyGuesses, Busy):
            raise
        except AccountError:
            raise AccountError(marked("The present password is wrong.")) from None

    def check_new(self, account: Account, password: str) -> None:
        """Check a new password before it is set.

        Raises
        ------
        AccountError
            The password is too short, too long or easy to guess.
        """
        _check_password(password, account.name)

    def set_password(self, account: Account, password: str, *, former: str | None = None) -> None:
        """Change the password.

        Parameters
        ----------
        former
            The hash that was checked before: of two changes at the same time, only the first is made.

        Raises
        ------
        AccountError
            The password is too short, too long or easy to guess, or `former` is not its hash any more.
        """
        _check_password(password, account.name)
        new = self._hash(password)
        if not self._accounts.set_password(account.name, password_hash=new, former=former):
            raise AccountError(marked("The name or the password is wrong."))
        self._failures.clear_name(account.name)

    def _add(self, name: str, password: str, *, guest_id: str | None) -> Account:
        looks = skeleton(name)
        if self._accounts.looking_like(looks):
            raise AccountError(_taken(name))
        password_hash = self._hash(password)
        for user_id in filter(None, (guest_id, f"user-{uuid.uuid4().hex}")):
            account = Account(user_id, name)
            try:
                self._accounts.add(account, password_hash=password_hash, skeleton=looks)
            except ListenerTaken:
                continue  # the guest has signed up in another tab
            except NameTaken:
                raise AccountError(_taken(name)) from None
            return account
        raise AccountError(marked("The account could not be created. Please try again."))

    def log_in(
        self, name: str, password: str, *, address: str, device: str | None = None, by: By = "visitor"
    ) -> Account:
        """Find the account for a name and a password. The audit log gets an entry if it is refused.

        An unknown name takes as long as a wrong password and gives the same message.

        Parameters
        ----------
        device
            The hash of the browser's token (:mod:`segue.people.devices`), if it has one.
        by
            For the audit log.

        Raises
        ------
        TooManyGuesses
            See :mod:`segue.people.login_failures`.
        Busy
            Many people are logging in.
        AccountError
            The name or the password is wrong, or the account is disabled.
        """
        return self._check(name, password, address=address, device=device, by=by)

    def _check(
        self,
        name: str,
        password: str,
        *,
        address: str,
        device: str | None,
        by: By = "visitor",
        refusal: Action = "log-in-refused",
    ) -> Account:
        stored = self._accounts.stored(name)

        def note(reason: str) -> None:
            user_id = stored["user_id"] if stored else None
            self._audit.note(refusal, by=by, user_id=user_id, address=address, reason=reason)

        if stored is not None and device is not None and device in stored.get("devices", ()):
            attempt: tuple[str, ...] = (of_device(device, stored["user_id"]),)
        else:
            attempt = sources(name, address)
        try:
            self._take(*attempt)
        except TooManyGuesses as error:
            if error.first:  # each attempt would be an entry, without any limit
                note("too many attempts")
            raise
        try:
            right = self._verify(
                stored["password"] if stored else self._nobody, password[: LONGEST_PASSWORD + 1]
            )
        except Busy:
            self._give_back(*attempt)
            raise
        if stored is None or not right:
            note("wrong password" if stored else "unknown name")
            raise AccountError(marked("The name or the password is wrong."))
        self._failures.clear(attempt[0])
        self._give_back(*attempt[1:])
        # The check takes a while: a password that was changed meanwhile opens nothing any more.
        stored = self._unchanged(stored)
        if stored.get("disabled_at"):
            note("disabled")
            raise AccountError(marked("This account is disabled: ask the person who runs this server."))
        return Account(stored["user_id"], stored["name"], checked=stored["password"])

    def still_opens(self, account: Account) -> bool:
        """Whether the password that was checked is still that of the account, which is not disabled.

        To be asked after a session was opened: people who change a password end the sessions afterwards, so
        that one of the two sees the other.
        """
        if not account.checked:
            return True
        stored = self._accounts.stored(account.name)
        return stored is not None and stored["password"] == account.checked and not stored.get("disabled_at")

    def _unchanged(self, checked: StoredAccount) -> StoredAccount:
        """The account as it is now, if it still has the password that was checked."""
        stored = self._accounts.stored(checked["name"])
        if stored is None or stored["password"] != checked["password"]:
            raise AccountError(marked("The name or the password is wrong."))
        return stored

    def _take(self, *attempt: str) -> None:
        """Count an attempt by its sources, or refuse it."""
        for source in attempt:
            if beyond := self._failures.take(source):
                raise TooManyGuesses(first=beyond == 1)

    def _give_back(self, *attempt: str) -> None:
        for source in attempt:
            self._failures.give_back(source)

    def _hash(self, password: str) -> str:
        with _admitted():
            return self._hasher.hash(password)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            with _admitted():
                return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):  # a wrong password, or a text that is not a hash
            return False


def _taken(name: str) -> str:
    return phrase("The name {name} is taken.", name=name)


@contextmanager
def _admitted() -> Iterator[None]:
    """One of the few who compute a hash; a few more wait. All others would take the threads of the pages."""
    if not _ADMITTED.acquire(blocking=False):
        raise Busy(marked("Many people are logging in at this moment. Please try again in a few seconds."))
    try:
        with _AT_ONCE:
            yield
    finally:
        _ADMITTED.release()


@cache
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """The hash of a random password, to verify against for an unknown name.

    It is made once, and in advance: it takes a quarter of a second, and an unknown name must not take longer.
    """
    return hasher.hash(uuid.uuid4().hex)


def _check_password(password: str, name: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            phrase(
                "A password has {least} to {most} characters, not {count}.",
                least=SHORTEST_PASSWORD,
                most=LONGEST_PASSWORD,
                count=len(password),
            )
        )
    with _admitted():
        easy = easy_to_guess(password, name)
    if easy:
        raise AccountError(
            marked(
                "This password is easy to guess. Several words that do not belong together make a good one."
            )
        )


def easy_to_guess(password: str, name: str) -> bool:
    """Whether an attacker would try a password early: a common one, the name, a row of keys, a date.

    By zxcvbn (Wheeler, USENIX Security 2016): fewer than a million guesses.
    """
    from zxcvbn import zxcvbn  # its lists of words take memory

    inputs = [name, *name.split(), "segue"]
    ends = dict.fromkeys((password[:_JUDGED], password[-_JUDGED:]))
    return all(int(zxcvbn(end, user_inputs=inputs)["score"]) < _LEAST_SCORE for end in ends)


def _checked_name(name: str) -> str:
    name = folded_name(name)
    if not name or not has_shape(name):
        raise AccountError(
            marked(
                "A name has 2 to 32 letters, digits, spaces or . ' - _, and a letter or digit at both ends."
            )
        )
    if mixes_scripts(name):
        raise AccountError(marked("A name has the letters of one script, such as Latin or Cyrillic."))
    return name
