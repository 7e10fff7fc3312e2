"""The reasons of recommended tracks: those of the sources, and those of the steps that make a list."""

from __future__ import annotations

from segue.ranking.sources import SOURCES, TASTE, VARIED
from segue.ranking.sources.base import Reason

AGAIN = Reason("again", "You played this some time ago")
"""The listener liked it long ago, so it may come again; it names the track itself."""
EXPLORE = Reason("explore", "A little further from {}", exploring=True)
"""It was drawn from further neighbours."""

REASONS = {
    reason.kind: reason
    for reason in (AGAIN, EXPLORE, TASTE.reason, *(source.reason for source in SOURCES), VARIED.reason)
}
"""By kind, as it is stored."""


def describe(kind: str, title: str | None) -> str:
    """A reason in words, with the title of the track that it names; None where that track is not known.

    A reason that cannot be given reads like that of the varied selection.
    """
    return REASONS.get(kind, VARIED.reason).text(title) or VARIED.reason.words


def is_exploring(kind: str) -> bool:
    """Whether a track with such a reason was drawn from further off."""
    return kind in REASONS and REASONS[kind].exploring
