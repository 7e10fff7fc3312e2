"""Folds letters, signs and punctuation, for the comparison of names."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from segue.normal_forms import normalised

_ACCENTED = ("LATIN", "GREEK", "CYRILLIC")
"""Scripts in which a mark on a letter is an accent. In others it changes the word: ガス is not カス."""
_PLAIN = str.maketrans(
    {
        "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ħ": "h", "Ħ": "H",
        "ŧ": "t", "Ŧ": "T", "ı": "i", "ŋ": "n", "Ŋ": "N", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE",
        "þ": "th", "Þ": "Th", "ß": "ss", "ẞ": "SS",
    }
)  # fmt: skip
"""Latin letters that Unicode does not decompose."""
_ARTICLE = re.compile(r"(?:the|an?)\s+(?=\S)")
APOSTROPHES = "'’‘‛ʼʻʹʽˈꞌ`´′‵＇"
LONGEST_KEPT = 200
"""Characters; the keys of longer names are not kept in memory."""
_APART = str.maketrans({"´": "'"})
"""An apostrophe that Unicode takes for an accent on a space."""
_NO_APOSTROPHES = str.maketrans(dict.fromkeys(APOSTROPHES))


def without_accents(text: str) -> str:
    """The text without accents, in compatibility form (NFKC): "Sigur Rós" → "Sigur Ros", "MØ" → "MO".

    Only marks on Latin, Greek and Cyrillic letters are accents; those of other scripts stay.
    """
    if text.isascii():
        return text
    kept = []
    accented = False
    for sign in normalised("NFKD", text.translate(_APART)):
        if not unicodedata.combining(sign):
            accented = _takes_accents(sign)
        elif accented:
            continue
        kept.append(sign)
    return normalised("NFKC", "".join(kept)).translate(_PLAIN)


def without_apostrophes(text: str) -> str:
    """The text without apostrophes of any form: "Don't" → "Dont"."""
    return text.translate(_NO_APOSTROPHES)


def artist_key(name: str) -> str:
    """A key that all spellings of an artist's name share; empty for an empty name.

    Case, accents, spaces and punctuation do not matter, nor the spelling of "and": "Run-D.M.C." is "Run DMC",
    "Beyoncé" is "BEYONCE", "Florence + the Machine" is "Florence and the Machine". In a name that has no
    three letters or digits, all signs count: "!!!" is not "???".
    """
    return _recent_key(name) if len(name) <= LONGEST_KEPT else _artist_key(name)


def _artist_key(name: str) -> str:
    folded = " ".join(without_apostrophes(without_accents(name.casefold())).split())
    key = "".join(words_of(re.sub(r"(?<=\w) ?[&+] ?(?=\w)", " and ", folded)))
    return key if len(key) >= 3 else folded


_recent_key = lru_cache(maxsize=8192)(_artist_key)
"""The keys of recent names: the tracks of an album share theirs."""


def sort_key(name: str) -> str:
    """The form of a name by which lists are sorted: without case, accents and a leading English article."""
    folded = " ".join(without_accents(name.casefold()).split())
    return _ARTICLE.sub("", folded, count=1) if _ARTICLE.match(folded) else folded


def words_of(text: str) -> list[str]:
    """The runs of letters, digits and the marks on them: "AC/DC 1" → ["AC", "DC", "1"]."""
    return "".join(sign if _is_of_word(sign) else " " for sign in text).split()


@lru_cache(maxsize=4096)
def _is_of_word(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign).startswith("M")


@lru_cache(maxsize=4096)
def _takes_accents(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_ACCENTED)
