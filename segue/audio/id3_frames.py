"""Text frames of ID3 tags, read in the usual case without mutagen's general reader.

mutagen checks each field of a frame by itself and decodes UTF-16 byte by byte, which takes two thirds of the
time of an ingest. Frames of one text without flags are decoded at once; mutagen reads all others.
"""

from __future__ import annotations

from typing import Any

from mutagen.id3 import TXXX, Encoding, Frames, Frames_2_2, TextFrame

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
        return encoding, data[1:].decode(codec)
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


def _made(kind: type[TextFrame], **values: Any) -> TextFrame:
    """A frame with values that need no checks."""
    frame = kind.__new__(kind)
    frame.__dict__.update(values)
    return frame


def _quick(name: str, frame: type) -> type:
    """A class with a quick way for a frame, of the same name, by which mutagen knows frames."""
    if frame is TXXX:
        return type(name, (_Named,), {"__module__": __name__})
    plain = getattr(frame, "_framespec", None) is TextFrame._framespec
    return type(name, (_Text, frame), {"__module__": __name__}) if plain else frame


KNOWN_FRAMES: dict[str, type] = {
    **Frames_2_2,
    **{name: _quick(name, frame) for name, frame in Frames.items()},
}
"""The frames for mutagen's parameter `known_frames`."""
