"""Paths as stored text. Names on disk are bytes, which need not be UTF-8; MongoDB and JSON store UTF-8 only.

Each byte that is not UTF-8 becomes a character of Unicode's last private plane, so that the bytes can be
restored to open the file.
"""

from __future__ import annotations

import os
from pathlib import Path

_FIRST = 0x10FF00
_TO_STORED = {0xDC00 + byte: _FIRST + byte for byte in range(0x80, 0x100)}
_TO_OPEN = {stored: escape for escape, stored in _TO_STORED.items()}


def stored_path(path: Path | str) -> str:
    """A path of any bytes, as text that can be stored."""
    text = str(path)
    return text if text.isascii() else text.translate(_TO_STORED)


def path_to_open(stored: str) -> Path:
    """The path of which :func:`stored_path` made a text."""
    return Path(stored if stored.isascii() else stored.translate(_TO_OPEN))


def readable(stored: str) -> str:
    """A stored path for people: bytes that are not UTF-8 are read as Windows-1252, the usual cause."""
    if stored.isascii() or not any(ord(sign) >= _FIRST for sign in stored):
        return stored
    parts = stored.translate(_TO_OPEN).split("/")
    return "/".join(_decoded(os.fsencode(part)) for part in parts)


def _decoded(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("cp1252", "replace")


def shown(path: Path | str) -> str:
    """A path for messages, as text that can be stored: bytes that are not UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
