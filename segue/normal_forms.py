"""Texts in Unicode's normal forms and without halves of characters, in a time linear in their length.

Python puts the marks on a letter in order by comparing each with all before it. So a run of 250,000 marks
takes a minute, in which no other thread runs. No language has more than a few marks on a letter, and the
stream-safe text format of Unicode has at most thirty (UAX 15): those beyond are left out.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Literal

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
MOST_MARKS = 30
"""On a letter."""


def normalised(form: Form, text: str) -> str:
    """The text in a normal form."""
    if len(text) > MOST_MARKS and not text.isascii():
        text = _beyond().sub("", text)
    return unicodedata.normalize(form, text)


def whole(text: str) -> str:
    """The text with each half of a surrogate pair replaced by U+FFFD: no database and no page takes halves.

    JSON can have them, and so can some encodings.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@cache
def _beyond() -> re.Pattern[str]:
    """The marks that follow on so many others."""
    marks = "".join(_ranges())
    return re.compile(f"(?<=[{marks}]{{{MOST_MARKS}}})[{marks}]+")


def _ranges() -> Iterator[str]:
    """The ranges of all signs that are marks, as in a regular expression."""
    kinds = ((unicodedata.category(chr(code))[0] == "M", code) for code in range(sys.maxunicode + 1))
    for is_mark, group in groupby(kinds, key=lambda kind: kind[0]):
        if is_mark:
            codes = [code for _, code in group]
            yield f"\\U{codes[0]:08x}-\\U{codes[-1]:08x}"
