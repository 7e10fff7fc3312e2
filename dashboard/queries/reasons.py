"""Why a track is recommended, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "because": "Because you played {}",
    "after": "Played along with {}",
    "artist": "By the artist of {}",
    "explore": "A little further from {}",
    "again": "You played this some time ago",
}
"""By kind of reason (:data:`segue.ranking.plan.Reason`), with a place for the title of the track it names."""


def why(reason: Mapping[str, Any], title: str | None) -> str:
    """A stored reason with the title of the track that it names; None where that track is not known."""
    words = _WORDS.get(reason["kind"])
    return "Something different" if words is None or title is None else words.format(title)


def exploring(reason: Mapping[str, Any]) -> bool:
    """Whether the track was drawn from further off."""
    return bool(reason["kind"] == "explore")
