"""Checks an Ogg file for missing pages: decoders skip gaps and report success.

Each page has its length and sequence number, and the last page of each stream has a flag (RFC 3533).
"""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = struct.Struct("<4sBBqIIIB")
_FIRST, _LAST = 2, 4


def gap(path: Path) -> str | None:
    """The first fault in the sequence of pages; None if it is complete, or if the file is not Ogg."""
    size, place = path.stat().st_size, 0
    streams: dict[int, tuple[int, bool]] = {}  # serial number -> (next page's number, whether it has ended)
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return None
        while place < size:
            file.seek(place)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size or header[:4] != b"OggS":
                return f"no page at byte {place:,}"
            _, _, kind, _, serial, number, _, segments = _HEADER.unpack(header)
            expected, ended = streams.get(serial, (number, False))
            if kind & _FIRST and ended:  # a further stream in the chain
                expected, ended = number, False
            if number != expected or ended:
                return f"the page at byte {place:,} is number {number} and not {expected}"
            streams[serial] = (number + 1, bool(kind & _LAST))
            place += _HEADER.size + segments + sum(file.read(segments))
    if place != size:
        return "the last page is cut off"
    if not all(ended for _, ended in streams.values()):
        return "its last page is missing"
    return None


def is_chained(path: Path) -> bool:
    """Whether an Ogg file has several streams one after the other, as recordings of internet radio have.

    False for a file that is not Ogg.
    """
    place, started = 0, False
    with path.open("rb") as file:
        while len(header := file.read(_HEADER.size)) == _HEADER.size and header[:4] == b"OggS":
            kind, segments = header[5], header[-1]
            if kind & _FIRST and started:
                return True
            started = started or not kind & _FIRST
            place += _HEADER.size + segments + sum(file.read(segments))
            file.seek(place)
    return False
