"""A file with a key outside the database: that of app passwords, from which signatures have theirs."""

from __future__ import annotations

import base64
import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

_BYTES = 32
"""Of a key for Fernet, which is stored in base64 (segue.people.secret_box)."""


def stored_key(file: Path) -> bytes:
    """The content of a key file, which is created if there is none.

    Raises
    ------
    OSError
        It cannot be read or written, or is empty: an empty key is not a secret.
    """
    if key := _read(file) or _make(file):
        return key
    raise OSError(errno.EINVAL, "it is empty", str(file))


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
            opened.write(base64.urlsafe_b64encode(secrets.token_bytes(_BYTES)) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):
            os.link(part, file)  # complete, or not there
    finally:
        part.unlink()
    return _read(file)
