"""The chunks of a WAV file. A recorder that stops without warning leaves a header with too small a size."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NamedTuple

MOST_CHUNKS = 100
"""Chunks before the sound at most; a file with more is damaged."""
LEAST_SHARE = 0.1
"""Bytes after the sound, as a share of it, that may be sound rather than rubbish."""
_UNKNOWN = (0, 0xFFFF_FFFF)
"""Sizes that mark an unknown length; every decoder then reads to the end of the file."""
_PROBE = 64


class Wave(NamedTuple):
    """The facts of a WAV file that its length follows from."""

    sample_rate: int
    byte_rate: int
    """Average bytes a second."""
    frames: int
    """Samples of each channel, by the chunk `fact`; 0 without one."""
    size: int
    """Bytes of sound that the file has, by the size in its header."""
    goes_on: bool
    """Whether the sound goes on after the size in the header."""

    @property
    def seconds(self) -> float | None:
        """The length by the chunk `fact`; None if it does not fit the size."""
        if not (self.sample_rate and self.byte_rate and self.frames):
            return None
        stated, by_size = self.frames / self.sample_rate, self.size / self.byte_rate
        return stated if 0.75 * by_size <= stated <= 1.25 * by_size else None


def wave_of(path: Path) -> Wave | None:
    """The facts of a WAV file; None for another file, or one without sound."""
    try:
        if not path.is_file():  # to open a named pipe would wait for a writer
            return None
        with path.open("rb") as file:
            return _wave(file)
    except OSError:
        return None


def _wave(file: BinaryIO) -> Wave | None:
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    end = file.seek(0, 2)
    place, sample_rate, byte_rate, frames = 12, 0, 0, 0
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        head = file.read(24)
        kind, size = head[:4], int.from_bytes(head[4:8], "little")
        if len(head) < 8:
            return None
        begin = place + 8
        if kind == b"fmt ":
            sample_rate, byte_rate = (int.from_bytes(head[at : at + 4], "little") for at in (12, 16))
        elif kind == b"fact":
            frames = int.from_bytes(head[8:12], "little")
        elif kind == b"data":
            return Wave(
                sample_rate, byte_rate, frames, min(size, end - begin), _goes_on(file, begin, size, end)
            )
        place = begin + size + size % 2
    return None


def _goes_on(file: BinaryIO, begin: int, size: int, end: int) -> bool:
    left = end - begin - size
    if size in _UNKNOWN or left < max(_PROBE, LEAST_SHARE * size):
        return False
    file.seek(begin + size)
    after = file.read(_PROBE)
    # A chunk may follow at an odd place, too; its name is text, as are the first letters of tags.
    return bool(after.strip(b"\0")) and not any(_is_text(after[at : at + 3]) for at in (0, 1))


def _is_text(data: bytes) -> bool:
    return all(32 <= byte < 127 for byte in data)
