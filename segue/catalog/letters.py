"""Removes accents, for the comparison of names."""

from __future__ import annotations

import unicodedata


def without_accents(text: str) -> str:
    """The text in NFKD without combining marks: "Sigur Rós" → "Sigur Ros"."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
