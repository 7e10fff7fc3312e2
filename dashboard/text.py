"""Text from outside, as pages may show it."""

from __future__ import annotations


def plain(text: str) -> str:
    """Text from a file's tags, as it is: nothing in it is Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>$:~" else c for c in text)
