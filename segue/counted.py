"""Numbers of things as text."""

from __future__ import annotations


def counted(count: int, noun: str, *, plural: str | None = None) -> str:
    """A number with its noun, such as "1 track" and "2,000 tracks".

    Parameters
    ----------
    plural
        The plural of the noun, if it is not the noun and an s.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
