"""Long runs of combining marks, which Python's `unicodedata.normalize` puts in order in quadratic time."""

from __future__ import annotations

import re
import unicodedata

import pytest

from segue.normal_forms import MOST_MARKS

MARKS = "\u0315\u0300"
"""Two marks of classes that have to change places."""
_RUN = re.compile(f"[{MARKS}]{{{MOST_MARKS + 1}}}")


def refuse_long_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python's function fail for a text with more marks in a row than take a moment."""
    normalize = unicodedata.normalize

    def checked(form: str, text: str) -> str:
        assert not _RUN.search(text), f"{len(text)} signs with a long run of marks"
        return normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr(unicodedata, "normalize", checked)
