"""Texts of pages: the sentence during an outage, and escaping for Streamlit's Markdown."""

from __future__ import annotations

OUTAGE = "Segue cannot reach its database. This page continues by itself as soon as it can."


def plain(text: str) -> str:
    """The text with all Markdown characters escaped, so that it is shown unchanged."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>$:~" else c for c in text)
