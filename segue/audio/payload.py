"""Digests of a file's sound as it is stored, without tags: retagging a file does not change them.

The parts of a file that have sound are found by its container: the frames of an MP3 between its tags, the
frames of a FLAC after its blocks, the pages of an Ogg after its headers, `mdat` of an MP4, `data` of a WAV.
Other containers are read by ffmpeg, which copies their packets.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, Literal

from segue.audio import ffmpeg
from segue.audio.errors import AudioError

WHOLE = 1 << 18
"""Bytes of sound up to which a sketch covers all of it."""
SAMPLES, SAMPLE = 16, 4096
"""A sketch of a longer file covers this number of samples, each of this many bytes, evenly spread."""
PLAIN = 0.05
"""Sound that shrinks below this share in compression, such as silence, does not identify a song."""
LEAST_RATE = 500.0
"""Bytes a second: less is silence in every format."""
_PIECE = 1 << 20
_BEGINNING = 3
"""The part of the sound that is compressed first, in multiples of the size that decides."""
_RAW = frozenset({".mp3", ".mp2", ".aac", ".ac3", ".ape", ".wv", ".mpc", ".tta"})
"""Formats whose tags lie before and after the sound."""
_LONGEST_SEARCH = 1 << 17
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")

Span = tuple[int, int]
"""Start and end of a part of a file, in bytes."""


def sketch(path: Path, *, seconds: float | None = None, data: BinaryIO | None = None) -> str | None:
    """A digest of the sound's size and of samples of it, cheap enough for every file of a scan.

    None if the sound cannot be found, or does not identify a song: silence takes few bytes, or repeats.

    Parameters
    ----------
    seconds
        The file's length, if it is known.
    data
        Its contents, if they are open.
    """
    return _digest(path, data, sampled=True, least=LEAST_RATE * (seconds or 0.0))


def digest(path: Path) -> str | None:
    """A digest of the whole sound; None as for :func:`sketch`."""
    return _digest(path, None, sampled=False, least=0.0)


def _digest(path: Path, data: BinaryIO | None, *, sampled: bool, least: float) -> str | None:
    try:
        with path.open("rb") if data is None else nullcontext(data) as file:
            spans = _spans(file, path.suffix.lower())
            if spans is None:
                return _of_packets(path)
            total = sum(end - start for start, end in spans)
            if total <= least:
                return None
            pieces = _samples(file, spans, total) if sampled and total > WHOLE else _pieces(file, spans)
            return _hashed(total, pieces)
    except (OSError, ValueError, IndexError, AudioError):
        return None


def _hashed(total: int, pieces: Iterator[bytes]) -> str | None:
    found, plain = hashlib.blake2b(total.to_bytes(8, "little"), digest_size=16), True
    for piece in pieces:
        found.update(piece)
        begin = piece[:_LONGEST_SEARCH]
        plain = plain and _is_plain(begin)
    return None if plain else found.hexdigest()


def _is_plain(sound: bytes) -> bool:
    """Whether sound shrinks so far that it identifies no song."""
    most = PLAIN * len(sound)
    # A beginning that alone takes twice as much is enough: music hardly shrinks, and compressing is slow.
    beginning = sound[: round(_BEGINNING * most)]
    return len(zlib.compress(beginning, 1)) <= 2 * most and len(zlib.compress(sound, 1)) < most


def _of_packets(path: Path) -> str | None:
    """The digest that ffmpeg computes of the packets of the first audio stream."""
    after = ["-map", "0:a:0", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-"]
    output = ffmpeg.run(path, before=["-v", "error"], after=after).stdout.decode(errors="replace")
    match = re.search(r"SHA256=([0-9a-f]{64})", output)
    return match[1][:32] if match else None


def _pieces(file: BinaryIO, spans: list[Span]) -> Iterator[bytes]:
    for start, end in spans:
        file.seek(start)
        left = end - start
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece


def _samples(file: BinaryIO, spans: list[Span], total: int) -> Iterator[bytes]:
    """Samples at even distances in the sound, which may lie in several spans."""
    for number in range(SAMPLES):
        offset = (total - SAMPLE) * number // (SAMPLES - 1)
        for start, end in spans:
            if offset < end - start:
                file.seek(start + offset)
                yield file.read(min(SAMPLE, end - start - offset))
                break
            offset -= end - start


def _spans(file: BinaryIO, suffix: str) -> list[Span] | None:
    """The parts of a file that have sound; None for a container that is not read here."""
    size = file.seek(0, os.SEEK_END)
    start = _after_id3(file, 0)
    magic = _at(file, start, 12)
    if magic[:4] == b"fLaC":
        return [(_after_flac_blocks(file, start + 4), _before_trailing_tags(file, size))]
    if magic[:4] == b"OggS":
        return _ogg_bodies(file, start)
    if magic[4:8] == b"ftyp":
        return _boxes(file, start, size, b"mdat")
    if magic == _ASF_HEADER[:12]:
        return _asf_data(file, start, size)
    if magic[:4] in (b"RIFF", b"FORM"):
        return _chunks(file, start + 12, size, "little" if magic[:1] == b"R" else "big")
    return [(start, _before_trailing_tags(file, size))] if suffix in _RAW else None


def _at(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)


def _after_id3(file: BinaryIO, start: int) -> int:
    """The place after all ID3v2 tags at `start`, and the zeros with which some programs pad them."""
    began = start
    while len(head := _at(file, start, 10)) == 10 and head[:3] == b"ID3":
        length = (head[6] & 127) << 21 | (head[7] & 127) << 14 | (head[8] & 127) << 7 | (head[9] & 127)
        start += 10 + length + (10 if head[5] & 16 else 0)
    return start + _zeros(file, start) if start > began else start


def _zeros(file: BinaryIO, start: int) -> int:
    """The number of zeros at a place, at most :data:`_LONGEST_SEARCH`. Most files have none."""
    found = 0
    while found < _LONGEST_SEARCH:
        part = _at(file, start + found, min(SAMPLE, _LONGEST_SEARCH - found))
        zeros = len(part) - len(part.lstrip(b"\0"))
        found += zeros
        if zeros < len(part) or not part:
            break
    return found


def _before_trailing_tags(file: BinaryIO, end: int) -> int:
    """The place before ID3v1, Lyrics3 and APE tags at the end, in any order and number."""
    while True:
        tail = _at(file, max(0, end - 128), min(end, 128))
        before = end
        if tail[:3] == b"TAG" and len(tail) == 128:
            end -= 128
        elif tail[-32:-24] == b"APETAGEX":
            footer = tail[-32:]
            length, flags = (int.from_bytes(footer[at : at + 4], "little") for at in (12, 20))
            end -= length + (32 if flags & 1 << 31 else 0)
        elif tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
            end -= 15 + int(tail[-15:-9])
        if end == before or end <= 0:
            return max(0, before)


def _after_flac_blocks(file: BinaryIO, start: int) -> int:
    while len(head := _at(file, start, 4)) == 4:
        start += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 128:
            break
    return start


def _ogg_bodies(file: BinaryIO, start: int) -> list[Span]:
    """The contents of the pages with sound, those with a position above 0.

    The heads of pages are left out: longer tags change their numbers and checksums.
    """
    found: list[Span] = []
    while len(head := _at(file, start, 27)) == 27 and head[:4] == b"OggS":
        body = start + 27 + head[26]
        start = body + sum(_at(file, start + 27, head[26]))
        if found or int.from_bytes(head[6:14], "little", signed=True) > 0:
            found.append((body, start))
    return found


def _boxes(file: BinaryIO, start: int, end: int, wanted: bytes) -> list[Span]:
    found = []
    while start + 8 <= end:
        head = _at(file, start, 16)
        length, header = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, header = int.from_bytes(head[8:16], "big"), 16
        length = length or end - start
        if length < header:
            break
        if head[4:8] == wanted:
            found.append((start + header, min(end, start + length)))
        start += length
    return found


def _asf_data(file: BinaryIO, start: int, end: int) -> list[Span]:
    """The data object of a WMA file, without the file's id and the number of packets at its beginning."""
    found = []
    while start + 24 <= end:
        head = _at(file, start, 24)
        length = int.from_bytes(head[16:], "little")
        if length < 24:
            break
        if head[:16] == _ASF_DATA:
            found.append((min(start + 50, end), min(end, start + length)))
        start += length
    return found


def _chunks(file: BinaryIO, start: int, end: int, order: Literal["little", "big"]) -> list[Span]:
    found = []
    while start + 8 <= end:
        head = _at(file, start, 8)
        length = int.from_bytes(head[4:], order)
        if head[:4] in (b"data", b"SSND"):
            found.append((start + 8, min(end, start + 8 + length)))
        start += 8 + length + length % 2
    return found
