"""APEv2 tags at the end or the beginning of an mp3."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from mutagen.apev2 import APEv2

SUFFIXES = frozenset({".mp3", ".mp2", ".aac"})
_MARK, _LYRICS, _TAIL = b"APETAGEX", b"LYRICS200", 32 + 128
"""The mark of a tag, that of Lyrics3, which may follow one, and the last bytes: its footer and ID3v1."""


def ape_tags_of(path: Path, data: BinaryIO | None = None) -> APEv2 | None:
    """The APEv2 tags of a file whose format has others, too; None without any, or if they are damaged.

    `data` has its contents, if they are open.
    """
    if path.suffix.lower() not in SUFFIXES or not _may_have(path, data):
        return None
    try:
        return APEv2(path)
    # None, or a damaged tag, which can raise any error; the audio may be intact.
    except Exception:
        return None


def _may_have(path: Path, data: BinaryIO | None) -> bool:
    """Whether mutagen, for which most files raise an error, has anything to look for."""
    try:
        with path.open("rb", buffering=0) if data is None else nullcontext(data) as file:
            file.seek(0)
            if file.read(len(_MARK)) == _MARK:
                return True
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
    except OSError:
        return False
    return _MARK in tail or _LYRICS in tail
