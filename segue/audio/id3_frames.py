"""ID3 tags, read in the usual case without mutagen's general reader.

mutagen checks each field of a frame by itself and decodes UTF-16 byte by byte, which takes two thirds of the
time of an ingest. Frames of one text without flags are decoded at once; mutagen reads all others, and all
frames of tags with anything unusual in their structure.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mutagen.id3 import (
    ID3,
    TCON,
    TXXX,
    UFID,
    Encoding,
    Frame,
    Frames,
    Frames_2_2,
    ID3TimeStamp,
    NumericPartTextFrame,
    TextFrame,
    TimeStampTextFrame,
)
from mutagen.id3._util import ID3JunkFrameError

_UTF16: Any = Encoding.UTF16
_BYTES: dict[int, tuple[Any, str]] = {0: (Encoding.LATIN1, "latin-1"), 3: (Encoding.UTF8, "utf-8")}
_LITTLE, _MARKS = b"\xff\xfe", (b"\xff\xfe", b"\xfe\xff")


def _text(header: Any, flags: int, data: bytes) -> tuple[Any, str] | None:
    """The encoding and the text of a frame's data; None for a frame that mutagen has to read."""
    if flags or header.f_unsynch:
        return None
    try:
        if data[0] == 1 and data[1:3] in _MARKS:
            return _UTF16, data[1:].decode("utf-16")
        encoding, codec = _BYTES[data[0]]
        try:
            return encoding, data[1:].decode(codec)
        except UnicodeDecodeError:  # mutagen would drop the frame
            return Encoding.LATIN1, data[1:].decode("latin-1")
    except (KeyError, IndexError, UnicodeDecodeError):
        return None


class _Text(TextFrame):
    """A frame with an encoding and texts; of several texts, mutagen finds the ends."""

    @classmethod
    def _fromData(cls, header: Any, flags: int, data: bytes) -> Any:  # noqa: N802
        if (found := _text(header, flags, data)) is not None:
            encoding, text = found
            text = text.removesuffix("\0")
            if text and "\0" not in text:
                return _made(cls, encoding=encoding, text=[text])
        return super()._fromData(header, flags, data)  # type: ignore[no-untyped-call]


class _Named(TXXX):
    """A frame with an encoding, a name and texts."""

    @classmethod
    def _fromData(cls, header: Any, flags: int, data: bytes) -> Any:  # noqa: N802
        if (found := _text(header, flags, data)) is not None:
            encoding, whole = found
            name, _, text = whole.partition("\0")
            if encoding == _UTF16:
                # Each text has a byte order mark; one without it is little-endian.
                text = text.removeprefix("\ufeff") if data[1:3] == _LITTLE or text[:1] == "\ufeff" else ""
            text = text.removesuffix("\0")
            if text and "\0" not in text and text[:1] not in "\ufeff\ufffe":
                return _made(cls, encoding=encoding, desc=name, text=[text])
        return super()._fromData(header, flags, data)  # type: ignore[no-untyped-call]


class _Dated(TextFrame):
    """A frame with an encoding and dates, which mutagen brings into one form."""

    @classmethod
    def _fromData(cls, header: Any, flags: int, data: bytes) -> Any:  # noqa: N802
        if (found := _text(header, flags, data)) is not None:
            encoding, text = found
            text = text.removesuffix("\0")
            if text and "\0" not in text and "," not in text:
                return _made(cls, encoding=encoding, text=[_date(text)])
        return super()._fromData(header, flags, data)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1024)
def _date(text: str) -> ID3TimeStamp:
    return ID3TimeStamp(text)


class _Identified(UFID):
    """A frame with an owner and the owner's id of the file."""

    @classmethod
    def _fromData(cls, header: Any, flags: int, data: bytes) -> Any:  # noqa: N802
        owner, end, number = data.partition(b"\0")
        if not flags and not header.f_unsynch and end and number and owner.isascii():
            return _made(cls, owner=owner.decode("ascii"), data=number)
        return super()._fromData(header, flags, data)  # type: ignore[no-untyped-call]


def _made(kind: type[Frame], **values: Any) -> Frame:
    """A frame with values that need no checks."""
    frame = kind.__new__(kind)
    frame.__dict__.update(values)
    return frame


def _quick(name: str, frame: type) -> type:
    """A class with a quick way for a frame, of the same name, by which mutagen knows frames."""
    if frame is TXXX:
        return type(name, (_Named,), {"__module__": __name__})
    if frame is UFID:
        return type(name, (_Identified,), {"__module__": __name__})
    if issubclass(frame, TimeStampTextFrame):
        return type(name, (_Dated, frame), {"__module__": __name__})
    spec = getattr(frame, "_framespec", None)
    plain = spec in (TextFrame._framespec, NumericPartTextFrame._framespec)
    return type(name, (_Text, frame), {"__module__": __name__}) if plain else frame


KNOWN_FRAMES: dict[str, Any] = {
    **Frames_2_2,
    **{name: _quick(name, frame) for name, frame in Frames.items()},
}
"""The frames for mutagen's parameter `known_frames`."""


class PlainId3(ID3):
    """The tags of a file. Those of a usual structure are read quickly, the others by mutagen."""

    _is_current = False
    """Whether the frames are those of version 2.4: nothing has to be translated."""

    def _read(self, header: Any, data: bytes) -> bytes:
        frames = _usual_frames(header, data)
        if frames is None:
            return super()._read(header, data)  # type: ignore[no-untyped-call,no-any-return]
        self._is_current = not any(map(_is_translated, frames.values()))
        self._DictProxy__dict = frames
        self._unknown_v2_version = header.version[1]
        return b""

    def getall(self, key: str) -> list[Any]:
        """All frames with a name."""
        frames = self._DictProxy__dict
        if key in frames:
            return [frames[key]]
        start = key + ":"
        return [frame for name, frame in frames.items() if name.startswith(start)]

    def values(self) -> list[Any]:
        """All frames."""
        return list(self._DictProxy__dict.values())

    def update_to_v24(self) -> None:
        """Translate the frames of older versions, as mutagen does."""
        if not self._is_current:
            super().update_to_v24()  # type: ignore[no-untyped-call]


_TRANSLATED = frozenset(
    {
        "TYER", "TDAT", "TIME", "TORY", "IPLS", "RVAD", "EQUA", "TRDA", "TSIZ",
        "APIC", "CHAP", "CTOC",
    }
)  # fmt: skip
"""Frames that 2.4 has under other names or not at all, and those with parts that mutagen translates."""


def _is_translated(frame: Any) -> bool:
    """Whether mutagen changes a frame when it brings tags to version 2.4."""
    name = frame.FrameID
    return name in _TRANSLATED or (name == "TCON" and not _are_names(tuple(frame.text)))


@lru_cache(maxsize=1024)
def _are_names(genres: tuple[str, ...]) -> bool:
    """Whether genres are names, none of them a number as in "(17)"."""
    return bool(TCON(text=list(genres)).genres == list(genres))


def _usual_frames(header: Any, data: bytes) -> dict[str, Any] | None:
    """The frames of tags by their keys; None if mutagen has to read the tags."""
    if header.version not in ((2, 3, 0), (2, 4, 0)) or header.f_unsynch:
        return None
    found: dict[str, Any] = {}
    try:
        for key, frame in _frames(header, data):
            if key in found:  # mutagen joins them
                return None
            found[key] = frame
    except (_UnusualError, NotImplementedError, ID3JunkFrameError):
        return None
    return found


class _UnusualError(Exception):
    """The structure of tags, or a frame of them, is unusual."""


MOST_RECENT = 4096
"""The number of frames that are kept."""
LONGEST_RECENT = 300
"""Bytes; longer frames are not kept."""
_recent: dict[bytes, tuple[str, Any]] = {}
"""Keys and frames by their bytes, after a byte with the version. The songs of an album share most of theirs.
Nothing may change these frames: those that mutagen translates are not here.
"""


def _frames(header: Any, data: bytes) -> list[tuple[str, Any]]:
    """The frames of tags, with their keys.

    Raises
    ------
    _UnusualError
        A size can be read in two ways, or a frame is not known.
    """
    newer, known, recent = header.version[1] == 4, KNOWN_FRAMES, _recent
    version = b"4" if newer else b"3"
    found = []
    place, end = 0, len(data)
    while place + 10 <= end and data[place]:
        one, two, three, four = data[place + 4 : place + 8]
        if newer:
            if (one | two | three | four) & 128:
                raise _UnusualError
            size = one << 21 | two << 14 | three << 7 | four
        else:
            size = one << 24 | two << 16 | three << 8 | four
        begin = place + 10
        after = begin + size
        # The size would be another one if a program of 2.4 had written it as one of 2.3 does.
        if not size or after > end or (newer and size > 127 and not _continues(data, after)):
            raise _UnusualError
        short = size <= LONGEST_RECENT
        whole = version + data[place:after] if short else b""
        pair = recent.get(whole) if short else None
        if pair is None:
            kind = known.get(data[place : place + 4].decode("latin-1"))
            if kind is None:
                raise _UnusualError
            frame = kind._fromData(header, data[begin - 2] << 8 | data[begin - 1], data[begin:after])
            pair = frame.HashKey, frame
            if short and not _is_translated(frame):
                if len(recent) >= MOST_RECENT:
                    recent.clear()
                recent[whole] = pair
        found.append(pair)
        place = after
    return found


def _continues(data: bytes, place: int) -> bool:
    """Whether a frame, padding or the end is at a place."""
    return (
        place >= len(data) - 10
        or not data[place]
        or data[place : place + 4].decode("latin-1") in KNOWN_FRAMES
    )
