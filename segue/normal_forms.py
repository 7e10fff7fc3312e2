"""Texts in Unicode's normal forms and without halves of characters, in a time linear in their length.

Python puts the marks on a letter in order by comparing each with all before it. So a run of 250,000 marks
takes a minute, in which no other thread runs. No language has more than a few marks on a letter, and the
stream-safe text format of Unicode has at most thirty (UAX 15): those beyond are left out.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
MOST_MARKS = 30
"""On a letter."""
_PERHAPS_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{MOST_MARKS + 1},}}")
"""A run that may have too many marks: they are neither letters nor digits, for which Python has a class."""


def normalised(form: Form, text: str) -> str:
    """The text in a normal form."""
    if len(text) > MOST_MARKS and not text.isascii():
        text = _PERHAPS_MARKS.sub(_without_marks_beyond, text)
    return unicodedata.normalize(form, text)


def whole(text: str) -> str:
    """The text with each half of a surrogate pair replaced by U+FFFD: no database and no page takes halves.

    JSON can have them, and so can some encodings.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_marks_beyond(found: re.Match[str]) -> str:
    kept, run = [], 0
    for sign in found[0]:
        run = run + 1 if unicodedata.category(sign)[0] == "M" else 0
        if run <= MOST_MARKS:
            kept.append(sign)
    return "".join(kept)
