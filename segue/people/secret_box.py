"""Encrypts secrets that must be readable again, with a key in a file outside the database.

The cipher is Fernet (AES-128-CBC with HMAC-SHA256), from the package cryptography.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from segue.errors import SegueError
from segue.people.key_file import stored_key


class UnreadableSecret(SegueError):
    """A secret was encrypted with another key."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of secrets, in the words of error messages."""

    name: str
    """In the plural."""
    again: str
    """The remedy for lost ones."""


APP_PASSWORDS = Kind(name="app passwords", again="let listeners create new app passwords")
OF_OTHER_SERVICES = Kind(
    name="passwords of other services",
    again="connect the servers again, and let listeners link their accounts again",
)
"""Passwords, tokens and keys with which Segue logs in elsewhere."""


class SecretBox:
    """Encrypts and decrypts with the key of a file, which is created at the first use."""

    def __init__(self, key_file: Path, *, kind: Kind = APP_PASSWORDS) -> None:
        self._file, self._kind = key_file, kind

    def close(self, text: str) -> bytes:
        """Encrypt a text.

        Raises
        ------
        SegueError
            The key cannot be read or written.
        """
        return self._cipher.encrypt(text.encode())

    def open(self, encrypted: bytes) -> str:
        """Decrypt a text.

        Raises
        ------
        UnreadableSecret
            It was encrypted with another key.
        SegueError
            The key cannot be read or written.
        """
        try:
            return self._cipher.decrypt(encrypted).decode()
        except InvalidToken:
            raise UnreadableSecret(
                f"{self._kind.name} were encrypted with another key than that in {self._file}: put the "
                f"former key there (opensubsonic.key_file), or {self._kind.again}"
            ) from None

    @cached_property
    def _cipher(self) -> Fernet:
        try:
            key = stored_key(self._file)
        except OSError as error:
            raise SegueError(
                f"the key of {self._kind.name}, {self._file}, cannot be used: {error.strerror}; "
                "set opensubsonic.key_file to a file that Segue may read and write"
            ) from None
        try:
            return Fernet(key)
        except ValueError:
            raise SegueError(
                f"{self._file} is not a key: restore it from a backup, or remove it, so that Segue makes "
                f"another, and {self._kind.again}"
            ) from None
