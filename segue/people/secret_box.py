"""Encrypts secrets that must be readable again, with a key in a file outside the database.

The cipher is Fernet (AES-128-CBC with HMAC-SHA256), from the package cryptography.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from segue.errors import SegueError


class UnreadableSecret(SegueError):
    """A secret was encrypted with another key."""


class SecretBox:
    """Encrypts and decrypts with the key of a file, which is created at the first use."""

    def __init__(self, key_file: Path) -> None:
        self._file = key_file

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
                f"app passwords were encrypted with another key than that in {self._file}: put the former "
                "key there (opensubsonic.key_file), or let listeners create new app passwords"
            ) from None

    @cached_property
    def _cipher(self) -> Fernet:
        try:
            key = stored_key(self._file)
        except OSError as error:
            raise SegueError(
                f"the key of app passwords, {self._file}, cannot be used: {error.strerror}; "
                "set opensubsonic.key_file to a file that Segue may read and write"
            ) from None
        try:
            return Fernet(key)
        except ValueError:
            raise SegueError(
                f"{self._file} is no key: restore it from a backup, or remove it, so that Segue makes "
                "another and listeners create new app passwords"
            ) from None


def stored_key(file: Path) -> bytes:
    """The content of a key file, which is created if there is none.

    Raises
    ------
    OSError
        It cannot be read or written.
    """
    return _read(file) or _make(file)


def _read(file: Path) -> bytes:
    with suppress(FileNotFoundError):
        return file.read_bytes().strip()
    return b""


def _make(file: Path) -> bytes:
    """Create the key, unless another process has just done so."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(Fernet.generate_key() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):
            os.link(part, file)  # complete, or not there
    finally:
        part.unlink()
    return _read(file)
