"""Accounts: a name, a password kept as an argon2 hash, and the listener's id that plays are filed under."""

from __future__ import annotations

import re
import threading
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from segue.dashboard.people.throttle import Throttle
from segue.storage.mongo import Document

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256
_NAME = re.compile(r"\w[\w .'-]{1,30}\w")
_AT_ONCE = threading.BoundedSemaphore(2)  # a hash takes 64 MB and a core for a moment


class AccountError(ValueError):
    """Why somebody cannot sign up or log in, in words for them."""


class TooManyGuesses(AccountError):
    """Too many wrong passwords, for this name or from this address."""


@dataclass(frozen=True)
class Account:
    user_id: str
    name: str


class Accounts:
    """Signs people up and lets them in."""

    def __init__(
        self, database: Database[Document], *, throttle: Throttle, hasher: PasswordHasher | None = None
    ) -> None:
        self._accounts, self._throttle = database.accounts, throttle
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hash(uuid.uuid4().hex)
        self._accounts.create_index("user_id", unique=True)

    def sign_up(self, name: str, password: str, *, guest_id: str | None, address: str) -> Account:
        """Make an account; a guest who signs up takes along what was heard so far.

        Raises
        ------
        AccountError
            The name is taken or does not fit, or the password is too short or too long.
        """
        name = _checked_name(name)
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise AccountError(
                f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, not {len(password)}."
            )
        self._guard(f"sign-up:{address}")
        self._throttle.count(f"sign-up:{address}")
        hashed = self._hash(password)
        for user_id in filter(None, (guest_id, f"user-{uuid.uuid4().hex}")):
            fields = {"user_id": user_id, "name": name, "password": hashed, "created_at": datetime.now(UTC)}
            try:
                self._accounts.insert_one({"_id": _key(name), **fields})
            except DuplicateKeyError as error:
                if "user_id" in (error.details or {}).get("keyPattern", {}):
                    continue  # the guest has become somebody already, in another tab
                raise AccountError(f"The name {name} is taken.") from None
            return Account(user_id, name)
        raise AccountError("This did not work: please try again.")

    def log_in(self, name: str, password: str, *, address: str) -> Account:
        """Find the account of a name and its password.

        An unknown name takes as long as a wrong password, and is answered with the same words.

        Raises
        ------
        TooManyGuesses
            See :class:`segue.dashboard.people.throttle.Throttle`.
        AccountError
            The name or the password is wrong.
        """
        sources = [f"name:{_key(name)[:64]}", f"address:{address}"]
        self._guard(*sources)
        found = self._accounts.find_one({"_id": _key(name)})
        right = self._verify(found["password"] if found else self._nobody, password[: LONGEST_PASSWORD + 1])
        if found is None or not right:
            for source in sources:
                self._throttle.count(source)
            raise AccountError("The name or the password is wrong.")
        self._throttle.forget(sources[0])
        return Account(found["user_id"], found["name"])

    def _guard(self, *sources: str) -> None:
        if any(self._throttle.exceeded(source) for source in sources):
            raise TooManyGuesses("Too many attempts: please wait a quarter of an hour.")

    def _hash(self, password: str) -> str:
        with _AT_ONCE:
            return self._hasher.hash(password)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            with _AT_ONCE:
                return self._hasher.verify(hashed, password)
        except VerificationError:
            return False


def _checked_name(name: str) -> str:
    name = unicodedata.normalize("NFKC", name).strip()
    if not _NAME.fullmatch(name):
        raise AccountError(
            "A name has 3 to 32 letters, digits, spaces or . ' -, and begins and ends with a letter."
        )
    return name


def _key(name: str) -> str:
    """What makes two names the same: Ana and ana are one person."""
    return unicodedata.normalize("NFKC", name).strip().casefold()
