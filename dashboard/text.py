"""Escaping of text from files and listeners for Streamlit's Markdown."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text with all Markdown characters escaped, so that it is shown unchanged."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>$:~" else c for c in text)
