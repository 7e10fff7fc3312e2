"""Repairs texts of tags that were written in another encoding than they claim.

ID3v1 and ID3v2.3 know Latin-1 only, so programs have written the encoding of their country into it. UTF-16
without a byte order mark is read in the wrong order of bytes if it is big-endian.
"""

from __future__ import annotations

import codecs
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

AUTO = "auto"
FOREIGN_SHARE = 0.7
"""Latin text has few letters above 0x7F. From this share on, a text is probably in another encoding."""
LEAST_LETTERS = 4
SWAPPED_SHARE = 0.8
"""The share of signs with the same low byte that shows a wrong order of bytes."""
CYRILLIC = ("cp1251", "koi8_r")
HEBREW = "cp1255"
OTHERS = ("shift_jis", "gb18030", "euc_kr", "big5", "cp1253", HEBREW, "cp1256", "cp874")
MARGIN = 1.2
"""The logarithm of how much likelier a text must be in Hebrew than in Russian, which more files are in."""
_FINAL_FORMS = frozenset("םןץףך")
"""Hebrew letters that only end a word."""
_HEBREW_SHARES = dict(
    zip(
        "יהולארתבשמםנעכדחקפןסטזגצךףץ",
        (110, 100, 100, 71, 63, 56, 50, 47, 44, 46, 32, 29, 32, 27, 26, 25, 21, 17, 15, 15, 12, 13, 12, 12, 8,
         3, 2),
        strict=True,
    )
)  # fmt: skip
"""How often a letter occurs in Hebrew, per mille."""
_RUSSIAN_SHARES = dict(
    zip(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъ",
        (110, 84, 80, 73, 67, 63, 55, 47, 45, 44, 35, 32, 30, 28, 26, 20, 19, 17, 17, 16, 16, 14, 12, 10, 9,
         7, 6, 5, 4, 3, 3, 1),
        strict=True,
    )
)  # fmt: skip
"""The same in Russian."""


class Repair:
    """Repairs the texts of one file.

    Parameters
    ----------
    encoding
        The encoding of texts that claim to be Latin-1; "auto" guesses it if they are valid UTF-8, or nearly
        all of their letters are above 0x7F.
    latin
        All texts of the file that claim to be Latin-1; the guess is made for them together.
    """

    def __init__(self, encoding: str, latin: Sequence[str]) -> None:
        self._encoding = guessed(latin) if encoding == AUTO else encoding

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
            # Programs on Windows write dashes and quotes where Latin-1 has control characters.
            return _decoded(text.encode("latin-1"), self._encoding or "cp1252")
        except UnicodeError:
            return text


def decoded(data: bytes, encoding: str) -> str:
    """The text in a file: Unicode, or else in an 8-bit encoding, which "auto" guesses."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    latin = data.decode("latin-1")
    foreign = [line for line in latin.splitlines() if not line.isascii()]
    chosen = guessed(foreign) if encoding == AUTO else encoding
    try:
        return data.decode(chosen or "cp1252")
    except UnicodeDecodeError:
        return latin


def guessed(texts: Sequence[str]) -> str | None:
    """The encoding of texts that claim to be Latin-1; None if they probably are."""
    if _are_utf8([text for text in texts if not text.isascii()]):
        return "utf-8"
    foreign = [text for text in texts if _is_foreign(text)]
    try:
        data = "\n".join(foreign).encode("latin-1")
    except UnicodeError:
        return None
    return _of_a_country(data) if data else None


def _of_a_country(data: bytes) -> str | None:
    # The bytes of Hebrew letters are those of small letters in cp1251, and of capitals in KOI8-R.
    likely = {name: _russian_likelihood(data, name) for name in CYRILLIC if _is_cyrillic(data, name)}
    if likely:
        russian = max(likely, key=lambda name: likely[name])
        return HEBREW if _hebrew_likelihood(data) > likely[russian] + MARGIN else russian
    import charset_normalizer  # not at import: Spark's workers lack it

    best = charset_normalizer.from_bytes(data, cp_isolation=list(OTHERS)).best()
    if best is None:
        return None
    if best.encoding == "euc_kr" and not _is_korean(data):
        return "gb18030"
    return best.encoding


def _are_utf8(texts: Sequence[str]) -> bool:
    try:
        decoded = [_decoded(text.encode("latin-1"), "utf-8") for text in texts]
    except UnicodeError:
        return False
    return not all(text.isascii() for text in decoded)  # "Café" in Latin-1 ends like a sign that was cut


def _decoded(data: bytes, encoding: str) -> str:
    """The text of bytes; ID3v1 may have cut its last sign."""
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


def _is_foreign(text: str) -> bool:
    letters = [sign for sign in text if sign.isalpha() or "\x80" <= sign <= "\xbf"]
    high = sum(sign > "\x7f" for sign in letters)
    return len(letters) >= LEAST_LETTERS and (high >= FOREIGN_SHARE * len(letters) or _is_japanese(text))


def _is_japanese(text: str) -> bool:
    """Whether a text is Shift-JIS, whose second bytes may be ASCII letters."""
    if not any("\x81" <= sign <= "\x9f" for sign in text):
        return False
    try:
        decoded = [sign for sign in text.encode("latin-1").decode("shift_jis") if sign.isalpha()]
    except UnicodeError:
        return False
    return len(decoded) > 1 and sum(not sign.isascii() for sign in decoded) >= FOREIGN_SHARE * len(decoded)


def _is_cyrillic(data: bytes, encoding: str) -> bool:
    """Whether all letters are Cyrillic, with capitals only at the beginning of words or throughout."""
    try:
        text = data.decode(encoding)
    except UnicodeError:
        return False
    for word in "".join(sign if sign.isalpha() else " " for sign in text).split():
        if not word.isascii() and not (word.isupper() or word[1:].islower() or len(word) == 1):
            return False
    high = [sign for sign in text if not sign.isascii()]
    return all(unicodedata.name(sign, "").startswith("CYRILLIC") or sign in "«»—–№’" for sign in high)


def _russian_likelihood(data: bytes, encoding: str) -> float:
    text = data.decode(encoding).lower()
    return _likelihood((sign for sign in text if sign.isalpha() and not sign.isascii()), _RUSSIAN_SHARES)


def _hebrew_likelihood(data: bytes) -> float:
    """As :func:`_likelihood`; minus infinity if the bytes cannot be Hebrew."""
    try:
        text = data.decode(HEBREW)
    except UnicodeError:
        return -math.inf
    words = "".join(sign if sign.isalpha() else " " for sign in text).split()
    letters = [sign for word in words for sign in word if not sign.isascii()]
    ends_within = any(not _FINAL_FORMS.isdisjoint(word[:-1]) for word in words)
    if ends_within or not _HEBREW_SHARES.keys() >= set(letters):
        return -math.inf
    return _likelihood(letters, _HEBREW_SHARES)


def _likelihood(letters: Iterable[str], shares: Mapping[str, int]) -> float:
    """The logarithm of the probability of letters in a language that has them with these shares."""
    return sum(math.log(shares.get(letter, 0.5)) for letter in letters)


def _is_korean(data: bytes) -> bool:
    try:
        text = data.decode("euc_kr")
    except UnicodeError:
        return False
    return all("가" <= sign <= "힣" for sign in text if not sign.isascii() and sign.isalpha())
