"""Repairs texts of tags that were written in another encoding than they claim.

ID3v1 and ID3v2.3 know Latin-1 only, so programs have written the encoding of their country into it. Every
encoding in use is tried on all texts of a file together, and the result that is the likeliest in one of its
languages counts. UTF-16 without a byte order mark is read in the wrong order of bytes if it is big-endian.
"""

from __future__ import annotations

import codecs
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from segue.catalog.likelihood import RARE, is_usual, likelihood, likelihood_in_any

AUTO = "auto"
SWAPPED_SHARE = 0.8
"""The share of signs with the same low byte that shows a wrong order of bytes."""
WESTERN = ("en", "fr", "de", "es", "pt", "it", "ca", "nl", "sv", "da", "nb", "fi", "is", "et", "sq")
"""Languages that Latin-1 has all letters of, or nearly all."""
_FREQUENT = tuple(language for language in WESTERN if language not in RARE)
ENCODINGS: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "cp1251": (-4.0, ("ru", "uk", "bg")),
    "gb18030": (-5.0, ("zh",)),
    "cp932": (-5.0, ("ja",)),
    "cp949": (-5.0, ("ko",)),
    "cp950": (-6.0, ("zh_Hant",)),
    "cp1250": (-5.0, ("pl", "cs", "sk", "hu", "ro", "sl", "sh")),
    "cp1254": (-4.0, ("tr",)),
    "cp1253": (-5.0, ("el",)),
    "cp1255": (-5.0, ("he",)),
    "cp1256": (-5.0, ("ar", "fa")),
    "cp874": (-5.0, ("th",)),
    "koi8_r": (-6.0, ("ru",)),
    "koi8_u": (-7.0, ("uk",)),
    "cp1257": (-6.0, ("lt", "lv")),
    "iso8859_2": (-7.0, ("pl", "cs", "sk", "hu", "sl", "sh")),
    "euc_jp": (-8.0, ("ja",)),
    "cp866": (-8.0, ("ru",)),
    "mac_cyrillic": (-9.0, ("ru",)),
    "iso8859_5": (-9.0, ("ru",)),
}
"""Encodings by name, with the logarithm of how frequent each is beside Latin-1, and its languages."""
MIXED_MARGIN = 6.0
"""The logarithm of how much likelier a text must be in Latin-1 if others of its file are not."""
LEAST_ZEROS = 0.3
"""The share of high bytes that are zero in UTF-16 without a byte order mark."""
MOST_FAULTS = 0.2
"""The number of bytes that are no UTF-8, relative to the signs beyond ASCII that are."""
_BINARY = frozenset(map(chr, range(9)))
"""Characters that no text has."""
CERTAIN = 8.0
"""The logarithm of how much likelier an encoding must be than all others to need no further texts."""
LONGEST_SAMPLE = 1200
"""Characters by which an encoding is guessed."""
SHORTEST_CUT = 28
"""Bytes of a text whose last sign ID3v1 may have cut: its fields have 28 or 30."""
CUT = -6.0
"""The logarithm of how frequent it is that the last sign is cut."""
Further = Callable[[], Iterable[str]]
"""Gives further texts that were probably written by the same program, such as those of the same folder."""


def _nothing() -> Iterable[str]:
    return ()


class Repair:
    """Repairs the texts of one file.

    Parameters
    ----------
    encoding
        The encoding of texts that claim to be Latin-1; "auto" guesses it if they are valid UTF-8, or likelier
        in another encoding.
    latin
        All texts of the file that claim to be Latin-1; the guess is made for them together.
    further
        Gives further such texts, for a guess that is not certain.
    """

    def __init__(self, encoding: str, latin: Sequence[str], *, further: Further = _nothing) -> None:
        self._is_guessed = encoding == AUTO
        self._encoding = guessed(latin, further=further) if self._is_guessed else encoding

    def __call__(self, text: str, frame: Any) -> str:
        """The text of an ID3 frame."""
        if getattr(frame, "encoding", None) == 0:
            return self.latin(text)
        return swapped(text) if getattr(frame, "encoding", None) == 1 else text

    def latin(self, text: str) -> str:
        """A text that claims to be Latin-1."""
        if text.isascii():
            return text
        try:
            return _decoded(text.encode("latin-1"), self._encoding_of(text))
        except UnicodeError:
            return text

    def _encoding_of(self, text: str) -> str:
        if not self._is_guessed:
            return self._encoding or "cp1252"
        signs = _utf8_signs(text)
        if signs and (signs > 1 or self._encoding in {None, "utf-8"}):
            return "utf-8"
        if self._encoding is None or _is_western(text.encode("latin-1"), self._encoding):
            # Programs on Windows write dashes and quotes where Latin-1 has control characters.
            return "cp1252"
        return self._encoding


def decoded(data: bytes, encoding: str) -> str:
    """The text in a file: Unicode, perhaps with faults, or in an 8-bit encoding, which "auto" guesses."""
    if (text := unicode_in(data)) is not None:
        return text
    latin = data.decode("latin-1")
    foreign = [line for line in latin.splitlines() if not line.isascii()]
    chosen = guessed(foreign) if encoding == AUTO else encoding
    try:
        return data.decode(chosen or "cp1252")
    except UnicodeDecodeError:
        return latin


def unicode_in(data: bytes) -> str | None:
    """The text of data in UTF-8, UTF-16 or UTF-32, also without a byte order mark; None for other data."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return data.decode("utf-32", errors="replace")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    zeros = [data[at::2].count(0) for at in (0, 1)]
    if max(zeros) > LEAST_ZEROS * len(data) / 2 and not min(zeros):
        text = data.decode("utf-16-be" if zeros[0] else "utf-16-le", errors="replace")
        return text if _BINARY.isdisjoint(text) else None
    text = data.decode("utf-8-sig", errors="replace")
    signs = sum(not sign.isascii() for sign in text)
    faults = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
    # Hardly two bytes of another encoding are a sign of UTF-8.
    return (
        text if not faults or (faults <= max(1, MOST_FAULTS * (signs - faults)) and signs > faults) else None
    )


def guessed(texts: Sequence[str], *, further: Further = _nothing) -> str | None:
    """The encoding of texts that claim to be Latin-1; None if they probably are.

    Parameters
    ----------
    further
        Gives more texts in the same encoding; it is called if the texts alone do not suffice.
    """
    own = [text for text in dict.fromkeys(texts) if not text.isascii()]
    if not own:
        return None
    own = [text for text in own if not _utf8_signs(text)]
    if not own:
        return "utf-8"
    sample = _sample(own)
    if any(all(is_usual(_western(data), language) for data in sample) for language in _FREQUENT):
        return None
    chosen, margin = _likeliest(sample)
    if margin < CERTAIN and (more := [text for text in further() if not text.isascii()]):
        chosen, _ = _likeliest(_sample([*own, *dict.fromkeys(more)]))
    return chosen


def _sample(texts: Sequence[str]) -> list[bytes]:
    """The first of the texts, as bytes; those that cannot be Latin-1 are left out."""
    found: list[bytes] = []
    left = LONGEST_SAMPLE
    for text in texts:
        if left <= 0:
            break
        try:
            found.append(text[:left].encode("latin-1"))
        except UnicodeError:
            continue
        left -= len(text)
    return found


def _likeliest(texts: Sequence[bytes]) -> tuple[str | None, float]:
    """The likeliest encoding, None for Latin-1, and the logarithm of how much likelier it is than others."""
    rated = [(_rated(texts, name), name) for name in ENCODINGS]
    rated.sort(key=lambda pair: pair[0], reverse=True)
    (best, name), western = rated[0], sum(likelihood_in_any(_western(data), WESTERN) for data in texts)
    if western >= best:
        return None, western - best
    # Encodings that give the same text do not compete.
    same = [_text_or_none(data, name) for data in texts]
    other = next(
        (rate for rate, one in rated[1:] if [_text_or_none(data, one) for data in texts] != same), -math.inf
    )
    return name, best - max(western, other)


def _rated(texts: Sequence[bytes], encoding: str) -> float:
    """How likely an encoding is for texts: that of its best language."""
    prior, languages = ENCODINGS[encoding]
    try:
        decoded = [_decoded(data, encoding) for data in texts]
    except UnicodeError:
        return -math.inf
    cut = sum(_is_cut(data, encoding) for data in texts)
    return prior + CUT * cut + max(sum(likelihood(t, language) for t in decoded) for language in languages)


def _is_cut(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False


def _is_western(data: bytes, encoding: str) -> bool:
    """Whether one of the texts of a file is Latin-1 although others are not."""
    if encoding == "utf-8":
        return True
    try:
        found = max(likelihood(_decoded(data, encoding), language) for language in ENCODINGS[encoding][1])
    except UnicodeError:
        return True
    return likelihood_in_any(_western(data), WESTERN) > found + MIXED_MARGIN


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _text_or_none(data: bytes, encoding: str) -> str | None:
    try:
        return _decoded(data, encoding)
    except UnicodeError:
        return None


def _utf8_signs(text: str) -> int:
    """The number of signs beyond ASCII in a text whose bytes are UTF-8; 0 if they are not."""
    try:
        return sum(not sign.isascii() for sign in _decoded(text.encode("latin-1"), "utf-8"))
    except UnicodeError:
        return 0


def _decoded(data: bytes, encoding: str) -> str:
    """The text of bytes; ID3v1 may have cut its last sign."""
    if len(data) < SHORTEST_CUT:
        return data.decode(encoding)
    return codecs.getincrementaldecoder(encoding)().decode(data)


def swapped(text: str) -> str:
    """Undo the reading of big-endian UTF-16 as little-endian.

    In the wrong order, nearly all signs of a text in one alphabet have the same low byte.
    """
    low = Counter(ord(sign) & 0xFF for sign in text if ord(sign) > 0xFF)
    if not low or max(low.values()) < max(2, SWAPPED_SHARE * len(text)):
        return text
    try:
        other = text.encode("utf-16-le").decode("utf-16-be")
    except UnicodeError:
        return text
    blocks = {ord(sign) >> 8 for sign in text}
    return other if len(blocks) > 1 and other.isprintable() else text
