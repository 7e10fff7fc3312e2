"""The lyrics in a file's tags: ID3's USLT and SYLT, and the fields LYRICS, UNSYNCEDLYRICS, SYNCEDLYRICS.

A field with the times of the LRC format gives synchronised lyrics, whatever its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mutagen.id3 import ID3

from segue.catalog.lyrics import LyricLine, Lyrics, in_order, language_code, lyrics_in, lyrics_of, plain_line
from segue.catalog.tag_values import LONGEST_VALUE, Values
from segue.catalog.text_encoding import Repair

MOST_VERSIONS = 8
_FIELDS = ("synced_lyrics", "lyrics", "unsynced_lyrics")
_FRAMES, _MILLISECONDS = 1, 2
"""The units of the times in a SYLT frame."""
_WORDS = frozenset({0, 1, 2})
"""The contents of a SYLT frame that are words: others, lyrics, a transcription; not chords and the like."""


def lyrics_in_tags(audio: Any, values: Values, *, encoding: str) -> tuple[Lyrics, ...]:
    """All lyrics in the tags, those with times first.

    Parameters
    ----------
    audio
        The file as mutagen has opened it, or None.
    values
        Its tags as :func:`segue.catalog.tag_values.values_of` gives them.
    encoding
        The encoding of texts that claim to be Latin-1, or "auto".
    """
    return in_order(_versions(audio, values, encoding), most=MOST_VERSIONS)


def _versions(audio: Any, values: Values, encoding: str) -> Iterator[Lyrics | None]:
    tags = getattr(audio, "tags", None)
    if isinstance(tags, ID3):
        for frame in tags.getall("SYLT"):
            yield _synchronised(frame, audio.info)
        plain = tags.getall("USLT")
        repair = Repair(encoding, [frame.text for frame in plain if frame.encoding == 0])
        for frame in plain:
            yield lyrics_in(repair(frame.text, frame)[:LONGEST_VALUE].strip("\0"), language=frame.lang)
    for name in _FIELDS:
        for text in values.get(name, ()):
            yield lyrics_in(text.strip("\0"))


def _synchronised(frame: Any, info: Any) -> Lyrics | None:
    """The lyrics of a SYLT frame. Its parts are lines or, if any has a line feed, syllables."""
    unit = _unit_ms(frame, info)
    if frame.type not in _WORDS or unit is None:
        return None
    parts = [(text.replace("\r\n", "\n").replace("\r", "\n"), round(at * unit)) for text, at in frame.text]
    of_syllables = any("\n" in text for text, _ in parts)
    lines: list[tuple[str, int]] = []
    begins = True
    for text, at in parts:
        if begins or text.startswith("\n") or not of_syllables:
            lines.append(("", at))
        words = text.strip("\n")
        lines[-1] = (lines[-1][0] + words.replace("\n", " "), lines[-1][1])
        begins = text.endswith("\n") and bool(words)
    found = [LyricLine(text=plain_line(text), start_ms=at) for text, at in lines]
    return lyrics_of(found, language=language_code(frame.lang))


def _unit_ms(frame: Any, info: Any) -> float | None:
    """Milliseconds in a unit of a frame's times; None if it is not known."""
    if frame.format == _MILLISECONDS:
        return 1.0
    rate, layer = getattr(info, "sample_rate", 0), getattr(info, "layer", 0)
    if frame.format != _FRAMES or not rate or not layer:
        return None
    samples = 384 if layer == 1 else 576 if layer == 3 and info.version > 1 else 1152
    return 1000 * samples / rate
