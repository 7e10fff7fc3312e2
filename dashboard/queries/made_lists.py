"""The playlists that Segue makes for a listener, and updates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from segue.dashboard.queries.catalogue import CatalogueReader
from segue.dashboard.queries.generated import PlaylistGenerator
from segue.dashboard.queries.steered import planned
from segue.errors import SegueError
from segue.playlists.day_lists import DayLists
from segue.settings import Settings


@dataclass(frozen=True, kw_only=True)
class MadeFor:
    """A listener, and the sources of a list."""

    catalogue: CatalogueReader
    settings: Settings
    day_lists: DayLists
    user_id: str


@dataclass(frozen=True)
class MadeList:
    """A list that Segue makes."""

    key: str
    name: str
    comment: str
    tracks: Callable[[MadeFor], list[str]]


def planned_ids(made_for: MadeFor) -> list[str]:
    """The songs that the listener would hear next, in order."""
    found = planned(made_for.catalogue, made_for.settings, made_for.user_id)
    return [item.track_id for item in found.items]


def _generator(made_for: MadeFor) -> PlaylistGenerator | None:
    try:
        return PlaylistGenerator(
            made_for.catalogue, made_for.settings, made_for.user_id, kept=made_for.day_lists
        )
    except SegueError:  # no index yet
        return None


def _daily_mix(made_for: MadeFor) -> list[str]:
    made = _generator(made_for)
    return [item.track_id for item in made.daily_mix(datetime.now(UTC).date())] if made else []


def _new(made_for: MadeFor) -> list[str]:
    made = _generator(made_for)
    return [item.track_id for item in made.discovery(datetime.now(UTC).date())] if made else []


MADE = (
    MadeList(
        "for-you", "For you", "Your next songs. Changes with every song that you play or skip.", planned_ids
    ),
    MadeList(
        "daily-mix", "Daily mix", "Songs that you like, and new ones near them. Changes daily.", _daily_mix
    ),
    MadeList("new-to-you", "New to you", "Songs that you have never played.", _new),
)
