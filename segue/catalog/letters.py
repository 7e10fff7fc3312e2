"""Letters without what stands above or below them, for comparing names."""

from __future__ import annotations

import unicodedata


def without_accents(text: str) -> str:
    """In its plainest letters (NFKD) and without marks: "Sigur Rós" → "Sigur Ros"."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
