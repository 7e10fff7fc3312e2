"""Texts of Streamlit's own elements, which a script translates: Streamlit still has them, word by word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import streamlit

from segue.dashboard.player.modules import HERE

_SCRIPT = (HERE / "js/streamlit_texts.js").read_text()
_MESSAGES = sorted(set(re.findall(r'\bmarked\("([^"]+)"\)', _SCRIPT)))


@pytest.fixture(scope="module")
def streamlit_code() -> str:
    folder = Path(streamlit.__file__).parent / "static/static/js"
    return "\n".join(file.read_text() for file in sorted(folder.glob("*.js")))


def test_streamlit_has_each_text(streamlit_code: str) -> None:
    assert len(_MESSAGES) > 50
    parts = {message: re.split(r"\{\w+\}", message) for message in _MESSAGES}
    missing = [
        message
        for message, texts in parts.items()
        # "Search: {name}" and the like are joined by Streamlit.
        if not all(text.removesuffix(": ") in streamlit_code for text in texts)
    ]
    assert missing == []


def test_streamlit_has_each_place(streamlit_code: str) -> None:
    places = set(re.findall(r"data-testid\^?=(\w+)\]", _SCRIPT))
    assert len(places) > 5
    assert [place for place in sorted(places) if place not in streamlit_code] == []
