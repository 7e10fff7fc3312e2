"""The catalogues of interface texts: one file for each language but English, whose texts are in the code.

They are read as `.po` files; nothing is compiled (docs/decisions/0340).
"""

from __future__ import annotations

import io
import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent
SOURCE = "en"
"""The language of the texts in the code."""
LANGUAGES = {"en": "English", "de": "Deutsch"}
"""The languages by code, with their own names."""
_FORMATS = {"en": "en_GB", "de": "de"}
"""The locale that gives each language its dates and numbers."""
_RANGE = re.compile(r"\s*([A-Za-z*]{1,8})(?:-[A-Za-z0-9-]{1,40})?\s*(?:;\s*q=\s*([0-9.]{1,5})\s*)?")
_MOST_RANGES = 20


def read(language: str) -> Catalog:
    """The catalogue of a language as it is edited."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


@cache
def translations(language: str) -> NullTranslations:
    """The texts of a language."""
    if language == SOURCE:
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, read(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def locale(language: str) -> Locale:
    """The formats of numbers and dates of a language."""
    return Locale.parse(_FORMATS[language])


def accepted(header: str | None) -> str:
    """The language that a browser prefers among those of the catalogue; English if it names none.

    Parameters
    ----------
    header
        The header Accept-Language: ``de-CH,de;q=0.9,en;q=0.8``. A malformed part is skipped.
    """
    best, wanted = 0.0, SOURCE
    for part in (header or "").split(",")[:_MOST_RANGES]:
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        try:
            weight = float(found[2] or 1.0)
        except ValueError:
            continue
        code = found[1].lower()
        if code in LANGUAGES and weight > best:
            best, wanted = weight, code
    return wanted
