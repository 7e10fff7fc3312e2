"""Whether an Ogg file is whole, by its pages: decoders pass over gaps in it and report success.

A page says how long it is and which it is; the last one of each stream says so (RFC 3533).
"""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = struct.Struct("<4sBBqIIIB")
_LAST = 4


def gap(path: Path) -> str | None:
    """What is wrong with the order of the file's pages; None if they are all there, or it is no Ogg file."""
    size, place = path.stat().st_size, 0
    streams: dict[int, tuple[int, bool]] = {}  # serial number -> (next page's number, whether it has ended)
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return None
        while place < size:
            file.seek(place)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size or header[:4] != b"OggS":
                return f"there is no page at byte {place:,}"
            _, _, kind, _, serial, number, _, segments = _HEADER.unpack(header)
            expected, ended = streams.get(serial, (number, False))
            if number != expected or ended:
                return f"the page at byte {place:,} is number {number} and not {expected}"
            streams[serial] = (number + 1, bool(kind & _LAST))
            place += _HEADER.size + segments + sum(file.read(segments))
    if place != size:
        return "the last page is cut off"
    if not all(ended for _, ended in streams.values()):
        return "its last page is missing"
    return None
